/** Key bytes as text, for sets and maps and for people. */
import { hex, readText } from './text.ts';

/** A call takes so many arguments in every engine. */
const mostArguments = 4096;

/** Key bytes as text of one character per byte: same order, comparable, usable in sets and maps. */
export function byteKey(key: Uint8Array): string {
  let text = '';
  for (let from = 0; from < key.length; from += mostArguments) {
    text += String.fromCharCode(...key.subarray(from, from + mostArguments));
  }
  return text;
}

/** The bytes of a `byteKey`. */
export function bytesOfKey(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Key bytes for people: text where they are text, else hexadecimal; long ones are cut. */
export function keyName(key: Uint8Array): string {
  const most = 64;
  const cut = key.subarray(0, most);
  const more = key.length > most ? `... (${key.length} bytes)` : '';
  const text = readText(cut);
  if (/^[\p{L}\p{N}\p{P}\p{S}\p{M} ]*$/u.test(text) && !text.includes('\uFFFD')) return JSON.stringify(text) + more;
  return `0x${hex(cut)}${more}`;
}
