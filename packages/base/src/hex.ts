/** Bytes as people read them in messages. */

/** Two digits a byte, small letters. */
export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
