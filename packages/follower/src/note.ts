/**
 * What a kept copy says of itself, as a row beside it.
 *
 * FNT1  It names the source as far as that can be named, and the range: a copy of something else is never gone on with.
 */
import { invalidType, type Bounds } from '@varve/api/implement';
import { hexOf } from '@varve/base/hex';

export interface Note {
  /** Keys of it, as `rangeText` has them. */
  readonly range: string;
  /** The copy was made of this revision; 0 where it has all there ever was. */
  readonly base: number;
  /** Everything up to here is there, and maybe more. */
  readonly revision: number;
  readonly clusterId?: string | undefined;
  /** A change was missed: it may be wrong, and is to be copied again. */
  readonly gap?: boolean | undefined;
}

export function rangeText({ key, end }: Bounds): string {
  return `${hexOf(key)}-${end === undefined ? '' : hexOf(end)}`;
}

export function noteBytes(note: Note): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: 1, ...note }));
}

/** @throws TypeError `KV_INVALID` for a copy of another range */
export function readNote(bytes: Uint8Array, range: string): Note {
  const { format, ...note } = parse(new TextDecoder().decode(bytes));
  const isWhole = format === 1 && Number.isSafeInteger(note.base) && Number.isSafeInteger(note.revision);
  if (!isWhole || note.range !== range)
    throw invalidType('the location holds a copy of another range: give this follower a place of its own');
  return note as Note;
}

function parse(text: string): Partial<Note> & { readonly format?: unknown } {
  try {
    return Object(JSON.parse(text)) as Partial<Note>;
  } catch {
    return {};
  }
}
