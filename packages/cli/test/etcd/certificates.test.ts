import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCiphers } from 'node:tls';
import { expect, test } from 'vitest';
import { ciphersOf } from '../../src/etcd/ciphers.ts';
import { integer, sequence, tag, value, valuesIn } from '../../src/etcd/distinguished-encoding.ts';
import { readFlags } from '../../src/etcd/read-flags.ts';
import { revokedIn } from '../../src/etcd/revoked.ts';
import { makeSelfSigned, selfSigned } from '../../src/etcd/self-signed.ts';
import { readSettings } from '../../src/etcd/settings.ts';
import { folder } from '../support/program.ts';

const year = 365 * 24 * 3_600_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5);

test('decisions/0041: the certificate signs itself, and is for the hosts that it was made for', () => {
  const { cert, key } = makeSelfSigned(['localhost', '127.0.0.1', '2001:db8::7'], now);
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
  expect([certificate.checkHost('localhost'), certificate.checkHost('example.com')]).toEqual(['localhost', undefined]);
  expect([certificate.checkIP('127.0.0.1'), certificate.checkIP('2001:db8::7')]).toEqual(['127.0.0.1', '2001:db8::7']);
  expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
  expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([now, now + year]);
  expect(key).toContain('BEGIN PRIVATE KEY');
});

test('decisions/0041: it is made once, for its owner only, and anew when it has run out', () => {
  const path = join(folder(), 'fixtures', 'client');
  const first = selfSigned(path, ['localhost'], now);
  expect(statSync(join(path, 'key.pem')).mode & 0o777).toBe(0o600);
  expect(selfSigned(path, ['localhost'], now + year - 1000)).toEqual(first);
  const second = selfSigned(path, ['localhost'], now + year);
  expect(second.cert).not.toBe(first.cert);
  expect(readFileSync(join(path, 'cert.pem'), 'utf8')).toBe(second.cert);
});

/** A list of revoked certificates, without a signature that holds. */
function revocationList(serials: readonly Uint8Array[]): Buffer {
  const time = value(tag.utcTime, Buffer.from('260102030405Z'));
  const revoked = serials.map((serial) => sequence(integer(serial), time));
  const list = revoked.length === 0 ? [] : [sequence(...revoked)];
  const body = sequence(integer(Buffer.of(1)), sequence(), sequence(), time, time, ...list, value(0xa0, sequence()));
  return sequence(body, sequence(), value(tag.bitString, Buffer.of(0)));
}

test('decisions/0041: revoked serial numbers, PEM or DER', () => {
  const der = revocationList([Buffer.from('f0a1', 'hex'), Buffer.from('0007', 'hex')]);
  const pem = `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`;
  expect(revokedIn(der)).toEqual(new Set(['F0A1', '7']));
  expect(revokedIn(Buffer.from(pem))).toEqual(new Set(['F0A1', '7']));
  expect(revokedIn(revocationList([]))).toEqual(new Set());
});

test('R98, decisions/0041: who is revoked, or has another name than it must, is not let in', () => {
  const path = folder();
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(path, name), content);
    return join(path, name);
  };
  const { cert, key } = makeSelfSigned(['a.example', '127.0.0.1'], Date.now());
  const certificate = new X509Certificate(cert);
  const files = [
    '--cert-file',
    write('cert', cert),
    '--key-file',
    write('key', key),
    '--trusted-ca-file',
    write('ca', cert),
  ];
  const urls = ['--listen-client-urls', 'https://127.0.0.1:1', '--advertise-client-urls', 'https://127.0.0.1:1'];
  const admits = (...more: readonly string[]): boolean | undefined =>
    readSettings(readFlags([...files, ...urls, ...more], {})).server.tls?.admits?.(certificate);
  const own = write('own', revocationList([Buffer.from(certificate.serialNumber, 'hex')]));
  const other = write('other', revocationList([Buffer.of(7)]));
  expect(admits()).toBeUndefined();
  expect([admits('--client-crl-file', own), admits('--client-crl-file', other)]).toEqual([false, true]);
  const named = (name: string): boolean | undefined => admits('--client-cert-allowed-hostname', name);
  expect([named('a.example'), named('127.0.0.1'), named('b.example')]).toEqual([true, true, false]);
  expect([named('b.example,a.example'), named('b.example,127.0.0.1')]).toEqual([true, true]);
  expect([named('b.example,127.0.0.2'), named(','), named('b.example,')]).toEqual([false, false, false]);
  expect(admits('--client-cert-allowed-hostname', 'a.example', '--client-crl-file', own)).toBe(false);
  expect(() => admits('--client-crl-file', files[1]!)).toThrow('no list of revoked certificates');
});

test('decisions/0041: what is no list of revoked certificates is refused', () => {
  const der = revocationList([Buffer.of(1)]);
  for (const wrong of [Buffer.from('hello'), Buffer.alloc(0), der.subarray(0, 20), sequence(sequence())]) {
    expect(() => revokedIn(wrong)).toThrow(RangeError);
  }
  expect(() => valuesIn(Buffer.of(0x30, 0x85, 1, 1, 1, 1, 1))).toThrow(RangeError);
});

test('decisions/0041: Go names of ciphers are OpenSSL names', () => {
  const names = [
    'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
    'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305',
    'TLS_RSA_WITH_AES_128_CBC_SHA',
    'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  ];
  const ciphers = ciphersOf(names).split(':');
  expect(ciphers[0]).toBe('ECDHE-RSA-AES128-GCM-SHA256');
  expect(ciphers.filter((one) => !getCiphers().includes(one.toLowerCase()))).toEqual([]);
});
