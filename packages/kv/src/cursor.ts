/**
 * The text that leads from one page to the next: the revision of the walk and the first key of the next page.
 *
 * A cursor names where to go on, not what it may see: it is checked against the range it is used with, so it cannot
 * lead out of a name space.
 */
import { invalidType } from './errors.ts';
import { contains, type Bounds } from './range.ts';

export interface Cursor {
  readonly revision: number;
  readonly key: Uint8Array;
}

export function cursorOf(revision: number, key: Uint8Array): string {
  return `${revision.toString(36)}.${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64url')}`;
}

/** @throws TypeError `KV_INVALID` for anything that is not a cursor of this range, at this revision where one is given */
export function readCursor(text: unknown, bounds: Bounds, revision: number | undefined): Cursor {
  const parts = typeof text === 'string' ? /^([0-9a-z]{1,11})\.([\w-]+)$/.exec(text) : null;
  const cursor = {
    revision: Number.parseInt(parts?.[1] ?? '0', 36),
    key: new Uint8Array(Buffer.from(parts?.[2] ?? '', 'base64url')),
  };
  const fits = Number.isSafeInteger(cursor.revision) && cursor.revision >= 1 && contains(bounds, cursor.key);
  if (!fits || (revision !== undefined && revision !== cursor.revision)) {
    throw invalidType('cursor must be the `next` of a page of the same range and revision');
  }
  return cursor;
}
