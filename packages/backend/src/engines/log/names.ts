/**
 * The names in a log store's folder: ours, and those that a file system or a desktop puts everywhere.
 */
import { isAside } from '../aside-files.ts';
import { isHarmless } from '../level/names.ts';

export { isHarmless };

/** Says what the folder is (`format/marker.ts`). */
export const MARKER = 'VARVE';
/** The lock's folder, where it cannot lie beside. */
export const LOCK = 'VARVE.lock';
/** How far commits were acknowledged (`format/acked.ts`). */
export const ACKED = 'ACKED';
/** What the store is as of a commit (`format/image.ts`). */
export const IMAGE = 'image';
/** Begins whatever is not whole yet; nobody needs it. */
export const TEMPORARY = '.varve-temporary-';

const NUMBERED = /^(\d{10,16})\.(log|dat)$/;
const TAIL = /^\d{10,16}\.tail$/;

export type FileKind = 'log' | 'dat';

export function fileName(number: number, kind: FileKind | 'tail'): string {
  return `${String(number).padStart(10, '0')}.${kind}`;
}

/** What a name says of a file that holds rows. */
export function numbered(name: string): { readonly number: number; readonly kind: FileKind } | undefined {
  const found = NUMBERED.exec(name);
  if (found === null) return undefined;
  const number = Number(found[1]);
  const kind = found[2] as FileKind;
  return Number.isSafeInteger(number) && number > 0 && fileName(number, kind) === name ? { number, kind } : undefined;
}

/** A name that this engine may open or write, now or later. */
export function isOfStore(name: string): boolean {
  return [MARKER, ACKED, IMAGE].includes(name) || isAside(name) || TAIL.test(name) || numbered(name) !== undefined;
}

export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY);
}
