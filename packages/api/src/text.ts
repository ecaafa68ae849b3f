/**
 * Text and bytes, without anything that only one platform has.
 *
 * TXT1  Short texts are encoded into a block that many share, each in a part of its own that nobody else gets: half the time of
 *      `TextEncoder.encode`, which makes a buffer for each.
 * TXT2  What is decoded for a program is text or is refused; only what is decoded for people may have replacements in it.
 * TXT3  What is used up at once is encoded into memory that the next text is written to, of which views are kept (`LentText`): that costs
 *      no object.
 */
import { decodePortable } from './text-portable.ts';

const encoder = new TextEncoder();
const decoders =
  typeof TextDecoder === 'undefined'
    ? undefined
    : {
        // Both keep a byte order mark: it is a part of the text.
        strict: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
        lenient: new TextDecoder('utf-8', { ignoreBOM: true }),
      };

/** Writes UTF-8 at `offset` and returns how many bytes it took. */
type Utf8Write = (this: Uint8Array, text: string, offset: number, length: number) => number;

// What Buffer's own `write` calls: it needs no view of where to write, and makes no object to say how much it wrote.
const utf8Write: Utf8Write = findUtf8Write();

function findUtf8Write(): Utf8Write {
  const buffer: unknown = Reflect.get(globalThis, 'Buffer');
  const prototype: unknown = typeof buffer === 'function' ? buffer.prototype : undefined;
  const native: unknown = typeof prototype === 'object' && prototype !== null && Reflect.get(prototype, 'utf8Write');
  return isUtf8Write(native) ? native : portableWrite;
}

function isUtf8Write(value: unknown): value is Utf8Write {
  return typeof value === 'function';
}

function portableWrite(this: Uint8Array, text: string, offset: number): number {
  return encoder.encodeInto(text, offset === 0 ? this : this.subarray(offset)).written;
}

/** Texts of at most so many characters are written by a loop, if they are ASCII: that costs less than any call out of JavaScript. */
const shortAscii = 48;
const blockBytes = 16 * 1024;
/** Characters of a text that goes into a block; UTF-8 needs three bytes for one at the most. */
const shortText = 1024;
let block = new Uint8Array(0);
let used = 0;

/** UTF-8; lone surrogates are replaced, so look for them before. */
export function encodeText(text: string): Uint8Array {
  if (text.length > shortText) return encoder.encode(text);
  if (used + 3 * text.length > block.length) {
    block = new Uint8Array(blockBytes);
    used = 0;
  }
  const from = used;
  used += write(text, block, from);
  return new Uint8Array(block.buffer, from, used - from);
}

/** Texts one after another in the same memory. */
export class LentText {
  readonly #bytes = new Uint8Array(3 * shortText);
  /** Of the first n bytes, by n. */
  readonly #views: (Uint8Array | undefined)[] = [];

  /** As `encodeText`, in bytes that are good until the next call. */
  encode(text: string): Uint8Array {
    if (text.length > shortText) return encoder.encode(text);
    const length = write(text, this.#bytes, 0);
    return (this.#views[length] ??= this.#bytes.subarray(0, length));
  }
}

/** Writes a short text at `at`, where there is room for it, and returns how many bytes it took. */
function write(text: string, into: Uint8Array, at: number): number {
  return writeAscii(text, into, at) ? text.length : utf8Write.call(into, text, at, into.length - at);
}

/** False, with nothing that counts written, for what is long or not ASCII. */
function writeAscii(text: string, into: Uint8Array, at: number): boolean {
  const { length } = text;
  if (length > shortAscii) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    into[at + i] = code;
  }
  return true;
}

/** @throws TypeError for bytes that are no UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  return decoders === undefined ? decodePortable(bytes, true) : decoders.strict.decode(bytes);
}

/** For people: what is no UTF-8 is replaced by U+FFFD. */
export function readText(bytes: Uint8Array): string {
  return decoders === undefined ? decodePortable(bytes, false) : decoders.lenient.decode(bytes);
}

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Base64 for addresses: `-` and `_`, no padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const characters = Math.min(bytes.length - at, 3) + 1;
    for (let i = 0; i < characters; i++) text += digits[(group >> (18 - 6 * i)) & 63];
  }
  return text;
}

/** The bytes of a `toBase64Url`, or `undefined` where it is none. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let group = 0;
  for (let i = 0, at = 0; i < text.length; i++) {
    const digit = digits.indexOf(text[i]!);
    if (digit < 0) return undefined;
    group = (group << 6) | digit;
    if (i % 4 !== 3) continue;
    bytes[at++] = group >> 16;
    bytes[at++] = group >> 8;
    bytes[at++] = group;
    group = 0;
  }
  if (rest === 3) {
    bytes[bytes.length - 2] = group >> 10;
    bytes[bytes.length - 1] = group >> 2;
  } else if (rest === 2) {
    bytes[bytes.length - 1] = group >> 4;
  }
  // What is cut off must be nothing: one text for the same bytes.
  return toBase64Url(bytes) === text ? bytes : undefined;
}
