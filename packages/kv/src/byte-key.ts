/** Key bytes as text, for sets and maps and for people. */

/** Key bytes as latin1 text: same order, comparable, usable in sets and maps (decisions/0014). */
export function byteKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/** Key bytes for people: text where they are text, else hexadecimal; long ones are cut. */
export function keyName(key: Uint8Array): string {
  const most = 64;
  const cut = key.subarray(0, most);
  const more = key.length > most ? `... (${key.length} bytes)` : '';
  const text = Buffer.from(cut.buffer, cut.byteOffset, cut.byteLength).toString('utf8');
  if (/^[\p{L}\p{N}\p{P}\p{S}\p{M} ]*$/u.test(text) && !text.includes('\uFFFD')) return JSON.stringify(text) + more;
  return `0x${Buffer.from(cut).toString('hex')}${more}`;
}
