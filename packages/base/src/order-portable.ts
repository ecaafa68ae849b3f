/**
 * Bytes as latin1 strings in plain JavaScript, for where there is no `Buffer`.
 *
 * ORP1  Not by `TextDecoder('latin1')`: that means windows-1252, and changes 0x80 to 0x9f.
 * ORP2  In parts: how many arguments a call may have depends on the engine and on the stack that is left.
 */

const partLength = 4096;

/** The bytes as a string of as many characters. */
export function portableByteKey(bytes: Uint8Array): string {
  if (bytes.length <= partLength) return String.fromCharCode(...bytes);
  let key = '';
  for (let at = 0; at < bytes.length; at += partLength) {
    key += String.fromCharCode(...bytes.subarray(at, at + partLength));
  }
  return key;
}
