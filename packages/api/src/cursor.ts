/**
 * The text that leads from one page to the next: the revision of the walk, the first key of the next page, and a seal.
 *
 * CU1 A cursor belongs to one range of one name space, in one direction, order and choice. The seal is a hash over these, the revision and the
 *     key, so that another range refuses it even where the key lies inside, and a damaged cursor is no cursor.
 * CU2 The key is relative to the name space: whoever is handed a cursor learns nothing of what lies around.
 * CU3 It is no secret and no permission: whoever makes one up goes on reading in the range that is read anyway.
 */
import { contains, noEnd, type Bounds } from './bounds.ts';
import { invalidType } from './errors.ts';
import { encodeText, fromBase64Url, toBase64Url } from './text.ts';

export interface Cursor {
  readonly revision: number;
  /** As it is stored. */
  readonly key: Uint8Array;
}

/** The walk that a cursor belongs to. */
export interface Walk {
  readonly bounds: Bounds;
  readonly reverse: boolean;
  readonly space: CursorSpace;
  /** Order and filters, as text; empty or absent where there are none. */
  readonly how?: string | undefined;
}

/** The part of a key space that cursors need. */
export interface CursorSpace {
  readonly prefix: Uint8Array;
  relative(stored: Uint8Array): Uint8Array;
  absolute(relative: Uint8Array): Uint8Array;
}

export function cursorOf(revision: number, key: Uint8Array, walk: Walk): string {
  const text = toBase64Url(walk.space.relative(key));
  return `${revision.toString(36)}.${text}.${seal(revision, key, walk)}`;
}

/** @throws TypeError `KV_INVALID` for anything that is not a cursor of this walk, at this revision where one is given */
export function readCursor(text: unknown, walk: Walk, revision: number | undefined): Cursor {
  const parts = typeof text === 'string' ? /^([0-9a-z]{1,11})\.([\w-]+)\.[\w-]+$/.exec(text) : null;
  const cursor = {
    revision: Number.parseInt(parts?.[1] ?? '0', 36),
    key: walk.space.absolute(fromBase64Url(parts?.[2] ?? '') ?? noEnd),
  };
  // Written again it must be the same text: that compares the seal and refuses every other way to write it.
  const fits =
    Number.isSafeInteger(cursor.revision) &&
    cursor.revision >= 1 &&
    contains(walk.bounds, cursor.key) &&
    cursorOf(cursor.revision, cursor.key, walk) === text;
  if (!fits || (revision !== undefined && revision !== cursor.revision)) {
    throw invalidType('cursor must be the `next` of a page of the same range, direction, name space and revision');
  }
  return cursor;
}

/** Two hashes of 32 bits with different beginnings: no secret (CU3), and one damage in 10^19 goes unseen. */
function seal(revision: number, key: Uint8Array, { bounds, reverse, space, how = '' }: Walk): string {
  const parts = [space.prefix, bounds.key, bounds.end ?? noEnd, key];
  if (how !== '') parts.push(encodeText(how));
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  for (const [place, start] of [0x811c9dc5, 0x9747b28c].entries()) {
    let hash = mixed(mixed(start, revision % 2 ** 32), Math.floor(revision / 2 ** 32));
    hash = mixed(hash, reverse ? 1 : 0);
    for (const part of parts) {
      // The length first: two parts are told apart from the same bytes cut elsewhere.
      hash = mixed(hash, part.length);
      for (const byte of part) hash = mixed(hash, byte);
    }
    view.setUint32(4 * place, hash >>> 0);
  }
  return toBase64Url(bytes);
}

/** One round of murmur3. */
function mixed(hash: number, value: number): number {
  let word = Math.imul(value, 0xcc9e2d51);
  word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
  const turned = hash ^ word;
  return Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64;
}
