/**
 * The text that leads from one page to the next: the revision of the walk, the first key of the next page, and a seal.
 *
 * CU1 A cursor belongs to one range of one name space. The seal is a hash over these, the revision and the key, so that
 *     another range refuses it even where the key lies inside, and a damaged cursor is no cursor.
 * CU2 The key is relative to the name space: whoever is handed a cursor learns nothing of what lies around.
 * CU3 It is no secret and no permission: whoever makes one up goes on reading in the range that is read anyway.
 */
import { createHash } from 'node:crypto';
import { invalidType } from './errors.ts';
import { contains, type Bounds } from './range.ts';

export interface Cursor {
  readonly revision: number;
  /** As it is stored. */
  readonly key: Uint8Array;
}

/** The part of a key space that cursors need. */
interface Space {
  readonly prefix: Uint8Array;
  relative(stored: Uint8Array): Uint8Array;
  absolute(relative: Uint8Array): Uint8Array;
}

export function cursorOf(revision: number, key: Uint8Array, bounds: Bounds, space: Space): string {
  const text = Buffer.from(space.relative(key)).toString('base64url');
  return `${revision.toString(36)}.${text}.${seal(revision, key, bounds, space)}`;
}

/** @throws TypeError `KV_INVALID` for anything that is not a cursor of this range, at this revision where one is given */
export function readCursor(text: unknown, bounds: Bounds, space: Space, revision: number | undefined): Cursor {
  const parts = typeof text === 'string' ? /^([0-9a-z]{1,11})\.([\w-]+)\.[\w-]+$/.exec(text) : null;
  const cursor = {
    revision: Number.parseInt(parts?.[1] ?? '0', 36),
    key: space.absolute(Buffer.from(parts?.[2] ?? '', 'base64url')),
  };
  // Written again it must be the same text: that compares the seal and refuses every other way to write it.
  const fits =
    Number.isSafeInteger(cursor.revision) &&
    cursor.revision >= 1 &&
    contains(bounds, cursor.key) &&
    cursorOf(cursor.revision, cursor.key, bounds, space) === text;
  if (!fits || (revision !== undefined && revision !== cursor.revision)) {
    throw invalidType('cursor must be the `next` of a page of the same range, name space and revision');
  }
  return cursor;
}

const sealLength = 8;
const noEnd = new Uint8Array(0);

function seal(revision: number, key: Uint8Array, { key: start, end = noEnd }: Bounds, { prefix }: Space): string {
  const hash = createHash('sha256').update(String(revision));
  for (const part of [prefix, start, end, key]) hash.update(`.${part.length}.`).update(part);
  return hash.digest('base64url').slice(0, sealLength);
}
