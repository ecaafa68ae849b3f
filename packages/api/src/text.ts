/**
 * Text and bytes, without anything that only one platform has.
 *
 * TXT1  Short texts are encoded into a block that many share, each in a part of its own that nobody else gets: half the time of
 *      `TextEncoder.encode`, which makes a buffer for each.
 * TXT2  What is decoded for a program is text or is refused; only what is decoded for people may have replacements in it.
 */
const encoder = new TextEncoder();
// Both keep a byte order mark: it is a part of the text.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

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
  used += encoder.encodeInto(text, from === 0 ? block : block.subarray(from)).written;
  return block.subarray(from, used);
}

/** @throws TypeError for bytes that are no UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  return strict.decode(bytes);
}

/** For people: what is no UTF-8 is replaced by U+FFFD. */
export function readText(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Base64 for addresses: `-` and `_`, no padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let characters = '';
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return btoa(characters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The bytes of a `toBase64Url`, or `undefined` where it is none. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
  } catch {
    return undefined;
  }
}
