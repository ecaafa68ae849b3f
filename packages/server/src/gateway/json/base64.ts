/**
 * Bytes as JSON has them.
 *
 * SVGQ1  Only the standard alphabet, padded, line ends allowed: what etcd refuses is refused, with the place it names.
 */
import { JsonError } from './json-error.ts';

const PAD = 0x3d;
const isOfAlphabet = new Uint8Array(256);
for (const one of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  isOfAlphabet[one.charCodeAt(0)] = 1;
}

/** @param text latin1 @throws JsonError */
export function fromBase64(text: Buffer): Buffer {
  const digits = text.toString('latin1');
  if (!isPlain(digits)) check(text);
  return Buffer.from(digits, 'base64');
}

/** As all write it: nothing is wrong with it. */
function isPlain(digits: string): boolean {
  return digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits);
}

/** Finds what is wrong with it, if anything is. */
function check(text: Buffer): void {
  /** Digits of the group of four so far. */
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (isOfAlphabet[byte] === 1) {
      digits = (digits + 1) & 3;
    } else if (byte === PAD) {
      checkPadding(text, at, digits);
      return;
    } else if (!isLineEnd(byte)) {
      throw illegal(at);
    }
  }
  if (digits !== 0) throw illegal(text.length - digits);
}

function checkPadding(text: Buffer, at: number, digits: number): void {
  if (digits < 2) throw illegal(at);
  let next = at + 1;
  if (digits === 2) {
    next = skipLineEnds(text, next);
    if (next === text.length) throw illegal(text.length);
    if (text[next] !== PAD) throw illegal(next - 1);
    next++;
  }
  next = skipLineEnds(text, next);
  if (next < text.length) throw illegal(next);
}

function skipLineEnds(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && isLineEnd(text[at]!)) at++;
  return at;
}

function isLineEnd(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d;
}

function illegal(at: number): JsonError {
  return new JsonError(`illegal base64 data at input byte ${at}`);
}
