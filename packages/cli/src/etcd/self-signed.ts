/**
 * A certificate for `--auto-tls`, which signs itself, and stays in the data folder.
 *
 * ESS1  Made once: later starts use the two files that are there. The key is readable by its owner only.
 * ESS2  It lasts a year, as etcd's; one that has run out is made anew (etcd's has to be removed by hand).
 * ESS3  It is for the hosts that are listened to, and for servers and clients both.
 *
 * etcd: pkg/transport/listener.go, SelfCert. RFC 5280, 4.1.
 */
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { integer, objectId, sequence, tag, value } from './distinguished-encoding.ts';

export interface KeyAndCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

const YEAR_MS = 365 * 24 * 3_600_000;
const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

/**
 * The certificate of that folder.
 * @param now milliseconds since 1970
 */
export function selfSigned(folder: string, hosts: readonly string[], now: number): KeyAndCertificate {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const found = readBoth(certPath, keyPath);
  if (found !== undefined && Date.parse(new X509Certificate(found.cert).validTo) > now) return found;
  const made = makeSelfSigned(hosts, now);
  writeFileSync(keyPath, made.key, { mode: 0o600 });
  writeFileSync(certPath, made.cert);
  return made;
}

function readBoth(certPath: string, keyPath: string): KeyAndCertificate | undefined {
  try {
    return { cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
  } catch {
    return undefined;
  }
}

export function makeSelfSigned(hosts: readonly string[], now: number): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const name = sequence(value(tag.set, sequence(objectId('2.5.4.10'), value(tag.utf8, Buffer.from('varve-etcd')))));
  const body = sequence(
    value(0xa0, integer(Buffer.of(2))), // version 3
    integer(serial),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now), time(now + YEAR_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    value(0xa3, sequence(...extensions(hosts))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, ECDSA_WITH_SHA256, value(tag.bitString, Buffer.of(0), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g)!;
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(hosts: readonly string[]): readonly Buffer[] {
  const critical = value(tag.boolean, Buffer.of(0xff));
  const extension = (id: string, isCritical: boolean, content: Buffer): Buffer =>
    sequence(objectId(id), ...(isCritical ? [critical] : []), value(tag.octetString, content));
  const usages = sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'));
  return [
    extension('2.5.29.15', true, value(tag.bitString, Buffer.of(5, 0xa0))), // signatures and keys
    extension('2.5.29.37', false, usages),
    extension('2.5.29.19', true, sequence()), // no authority
    extension('2.5.29.17', false, sequence(...hosts.map(alternativeName))),
  ];
}

function alternativeName(host: string): Buffer {
  if (isIPv4(host)) return value(0x87, Buffer.from(host.split('.').map(Number)));
  if (isIPv6(host)) return value(0x87, ipv6Bytes(host));
  return value(0x82, Buffer.from(host, 'latin1'));
}

function ipv6Bytes(text: string): Buffer {
  // The URL of it is its shortest form, without a dotted end.
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return Buffer.from([...first, ...zeros, ...last].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** UTCTime, which RFC 5280 wants until 2049. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\..*/g, '');
  return value(tag.utcTime, Buffer.from(`${digits.slice(2)}Z`));
}
