/**
 * Whose store a folder is: the engine that its marker `VARVE` names, which all engines begin with the same lines.
 *
 *   varve KIND store
 *   ...                  lines of the engine's own
 *   crc 9a0b1c2d         CRC-32C of the lines above
 *
 * MKK1  A marker that was damaged names no engine: a flipped bit must not make a store somebody else's.
 */
import { crc32c } from '@varve/base/crc32c';

const shape = /^(varve (\w+) store\n(?:(?!crc )[^\n]*\n)*)crc ([0-9a-f]{8})\n/;

/** The engine, as `level` or `log`; `undefined` for a text that is no marker, or is not as it was written. */
export function markerKind(text: string): string | undefined {
  const [, signed = '', kind, crc = ''] = shape.exec(text) ?? [];
  return crc32c(Buffer.from(signed, 'latin1')) === Number.parseInt(crc, 16) ? kind : undefined;
}
