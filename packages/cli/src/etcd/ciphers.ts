/**
 * Go's names of ciphers, as OpenSSL's.
 *
 * ECI1  Ciphers of TLS 1.3 are not chosen, as in Go: naming one of the others keeps TLS at 1.2.
 *
 * etcd: pkg/tlsutil/cipher_suites.go.
 */
import { getCiphers } from 'node:tls';
import { UsageError } from '../failures.ts';

/** @param names Go's, at least one @returns a list as `node:tls` takes it @throws UsageError */
export function ciphersOf(names: readonly string[]): string {
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  return names
    .map((name) => {
      const translated = translate(name);
      if (!known.has(translated)) throw new UsageError(`--cipher-suites: unexpected TLS cipher suite "${name}"`);
      return translated;
    })
    .join(':');
}

/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256. */
function translate(name: string): string {
  const match = /^TLS_(?:(ECDHE_(?:RSA|ECDSA))|RSA)_WITH_(.+)$/.exec(name);
  if (match === null) return '';
  const [, exchange, cipher = ''] = match;
  const bulk = cipher
    .replace(/^AES_(128|256)_CBC/, 'AES$1')
    .replace(/^AES_(128|256)/, 'AES$1')
    .replace(/^(CHACHA20_POLY1305)(_SHA256)?$/, '$1')
    .replaceAll('_', '-');
  return exchange === undefined ? bulk : `${exchange.replace('_', '-')}-${bulk}`;
}
