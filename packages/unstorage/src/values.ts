/** Values of items as bytes, and back (UND1). */
import { utf8, type Entry } from '@varve/api';
import { invalidType } from '@varve/api/implement';

/** The bytes to store, which nobody else has. @throws TypeError `KV_INVALID` for what is neither text nor bytes */
export function bytesOf(value: unknown): Uint8Array {
  if (typeof value === 'string') return utf8.encode(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (value instanceof ArrayBuffer) return new Uint8Array(value).slice();
  throw invalidType(
    'a raw value must be text or bytes: a Uint8Array, a Buffer, an ArrayBuffer; setItem takes the rest',
  );
}

/** The text of an item, or its bytes where they are no text; `null` where there is none. */
export function valueOf(entry: Entry<string, Uint8Array> | undefined): string | Uint8Array | null {
  if (entry === undefined) return null;
  try {
    return utf8.decode(entry.value);
  } catch {
    return entry.value;
  }
}
