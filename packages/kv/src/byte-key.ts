/** Key bytes as latin1 text: same order, comparable, usable in sets and maps (decision 8). */
export function byteKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
