/**
 * The serial numbers of a list of revoked certificates, PEM or DER.
 *
 * ERV1  As etcd: a certificate whose serial number is in the list is not let in. Who issued the list, and until when it is good, is
 *     not asked: whoever can write the file may say so.
 *
 * etcd: pkg/transport/listener_tls.go, checkCRL. RFC 5280, 5.1.
 */
import { tag, valuesIn } from './distinguished-encoding.ts';

/** @returns serial numbers in upper-case hex without leading zeros, as node:crypto tells them @throws RangeError */
export function revokedIn(file: Uint8Array): ReadonlySet<string> {
  const text = Buffer.from(file).toString('latin1');
  const pem = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/.exec(text)?.[1];
  const list = valuesIn(pem === undefined ? file : Buffer.from(pem, 'base64'))[0];
  const body = list === undefined ? undefined : valuesIn(list.content)[0];
  if (body === undefined || body.type !== tag.sequence) throw new RangeError('no list of revoked certificates');
  // version?, algorithm, issuer, this update, next update?, revoked?, extensions?
  const fields = valuesIn(body.content);
  const firstTime = fields.findIndex(({ type }) => type === tag.utcTime || type === tag.time);
  if (firstTime < 0) throw new RangeError('no list of revoked certificates');
  const revoked = fields.slice(firstTime + 1).find(({ type }) => type === tag.sequence);
  const serials = new Set<string>();
  for (const entry of valuesIn(revoked?.content ?? new Uint8Array(0))) {
    const serial = valuesIn(entry.content)[0];
    if (serial === undefined) continue;
    serials.add(serialText(Buffer.from(serial.content).toString('hex')));
  }
  return serials;
}

/** One form for both sides. */
export function serialText(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}
