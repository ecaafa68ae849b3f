/**
 * Text out of bytes in plain JavaScript, for where there is no `TextDecoder`.
 *
 * TXP1  What is accepted, and what each mistake is replaced by, is as WHATWG's decoder has it: one U+FFFD for each longest run of
 *       bytes that begins a character and does not finish it.
 */

const replacement = '\ufffd';
/** Characters at a time: an argument each. */
const atOnce = 4096;

/** @param strict refuse what is no UTF-8 @throws TypeError then */
export function decodePortable(bytes: Uint8Array, strict: boolean): string {
  let text = '';
  let units: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const [point, length] = characterAt(bytes, at);
    at += length;
    if (point === undefined) {
      if (strict) throw new TypeError('The encoded data was not valid for encoding utf-8');
      units.push(replacement.charCodeAt(0));
    } else if (point < 0x10000) {
      units.push(point);
    } else {
      units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
    }
    if (units.length >= atOnce) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** The character that begins there, or none, and how many bytes were looked at. */
function characterAt(bytes: Uint8Array, at: number): [point: number | undefined, length: number] {
  const first = bytes[at]!;
  if (first < 0x80) return [first, 1];
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0) return [undefined, 1];
  let point = first & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i];
    if (next === undefined || !continues(first, i, next)) return [undefined, i];
    point = (point << 6) | (next & 0x3f);
  }
  return [point, length];
}

/** Neither too long a form, nor a surrogate, nor above U+10FFFF: the second byte tells. */
function continues(first: number, place: number, byte: number): boolean {
  let low = 0x80;
  let high = 0xbf;
  if (place === 1) {
    if (first === 0xe0) low = 0xa0;
    if (first === 0xed) high = 0x9f;
    if (first === 0xf0) low = 0x90;
    if (first === 0xf4) high = 0x8f;
  }
  return byte >= low && byte <= high;
}
