/** Certificates of an authority that lives for one test: openssl makes them. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from './folder.ts';

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Certificates {
  readonly ca: Buffer;
  readonly server: Certificate;
  readonly client: Certificate;
  /** Further ones of the authority. @param usage such as `serverAuth` @param days that it holds from now on */
  issue(name: string, usage: string, days: number): Certificate;
}

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function certificates(): Certificates {
  const path = folder();
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: path, stdio: 'ignore' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test authority', '-days', '2');
  const issue = (name: string, usage = 'serverAuth,clientAuth', days = 2): Certificate => {
    const extensions = `subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=${usage}\n`;
    writeFileSync(join(path, 'extensions'), extensions);
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`, '-days', String(days));
    return { cert: readFileSync(join(path, `${name}.crt`)), key: readFileSync(join(path, `${name}.key`)) };
  };
  return { ca: readFileSync(join(path, 'ca.crt')), server: issue('server'), client: issue('client'), issue };
}
