/**
 * How clients are met with TLS, from the flags and the files that they name.
 *
 * ETL1  A trusted authority, or `--client-cert-auth`, asks every client for a certificate, as etcd does.
 * ETL2  A client whose certificate was revoked, or is for another name than it must be, is let go before its first call.
 *
 * etcd: pkg/transport/listener.go, listener_tls.go.
 */
import { join } from 'node:path';
import type { X509Certificate } from 'node:crypto';
import type { TlsOptions } from '@varve/server';
import { UsageError } from '../failures.ts';
import { readNamed } from '../serve-options.ts';
import { isAddress, type Place } from './addresses.ts';
import { ciphersOf } from './ciphers.ts';
import { wallMs } from './clock.ts';
import type { Values } from './flags.ts';
import { revokedIn, serialText } from './revoked.ts';
import { selfSigned } from './self-signed.ts';

/** @returns undefined where no address is secure @throws UsageError; Error for a file that cannot be read */
export function clientTls(values: Values, data: string, places: readonly Place[]): TlsOptions | undefined {
  const hasKey = values['cert-file'] !== '' || values['key-file'] !== '';
  if (hasKey && (values['cert-file'] === '' || values['key-file'] === '')) {
    throw new UsageError('--cert-file and --key-file go together');
  }
  const isAuto = values['auto-tls'] === 'true' && !hasKey;
  const ciphers = values['cipher-suites'] === '' ? undefined : ciphersOf(values['cipher-suites'].split(','));
  const admits = admission(values);
  if (!places.some(({ secure }) => secure)) return undefined;
  if (!hasKey && !isAuto) {
    throw new UsageError('TLS key/cert (--cert-file, --key-file) must be provided for client urls with HTTPS scheme');
  }
  const hosts = [...new Set(['localhost', ...places.flatMap(({ host, path }) => (path === undefined ? [host] : []))])];
  const own = isAuto
    ? selfSigned(join(data, 'fixtures', 'client'), hosts, wallMs())
    : { cert: readNamed('--cert-file', values['cert-file']), key: readNamed('--key-file', values['key-file']) };
  const mustShow = values['trusted-ca-file'] !== '' || values['client-cert-auth'] === 'true';
  if (mustShow && values['trusted-ca-file'] === '') {
    throw new UsageError('--client-cert-auth needs --trusted-ca-file: the authority of the certificates');
  }
  const clientCa = mustShow ? readNamed('--trusted-ca-file', values['trusted-ca-file']) : undefined;
  return { ...own, clientCa, ciphers, admits };
}

function admission(values: Values): ((certificate: X509Certificate) => boolean) | undefined {
  const allowed = values['client-cert-allowed-hostname'];
  // OpenSSL would find an empty name in any certificate.
  const names = allowed.split(',').filter((name) => name !== '');
  const isRevoked = revocation(values);
  if (allowed === '' && isRevoked === undefined) return undefined;
  return (certificate) => {
    if (isRevoked?.(certificate) === true) return false;
    return allowed === '' || names.some((name) => isFor(certificate, name));
  };
}

function isFor(certificate: X509Certificate, name: string): boolean {
  if (isAddress(name)) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { subject: 'never' }) !== undefined;
}

function revocation(values: Values): ((certificate: X509Certificate) => boolean) | undefined {
  if (values['client-crl-file'] === '') return undefined;
  const file = readNamed('--client-crl-file', values['client-crl-file']);
  try {
    const revoked = revokedIn(file);
    return ({ serialNumber }) => revoked.has(serialText(serialNumber));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const path = values['client-crl-file'];
    throw new UsageError(`--client-crl-file ${path}: no list of revoked certificates, PEM or DER (${why})`, { cause });
  }
}
