/**
 * The file `image`: what the store is as of a commit, in sections.
 *
 *    0  4  "SECT"    4  4  kind    8  4  bytes of text   12  4  bytes of body   16  4  0
 *   20  4  CRC of the 20 bytes before, text and body, begun at (CRC of the store's id, place)
 *   24  .. text (JSON), body
 *
 *   1 HEAD  text: format, id, commit, active (number of the segment that is written, 0: none), nextBucket, nextFile,
 *           files [number, kind, salt, firstCommit, end] in the order of their keys, buckets [name, number, appendOnly, floor in hex or null]
 *   2 RUNS  body: where the rows of the active segment lie (`run-table.ts`)
 *   3 DEAD  text: file, bucket; body: a bit a row of that bucket in that file, set if it is deleted
 *   4 ROWS  text: bucket; body: rows of a bucket that is kept in memory: 2 key length, 4 value length, key, value
 *   5 END   text: sections before it; body: CRC over their CRCs
 *
 * LGIM1  It is the only switch: what a file that it does not name holds is not part of the state, but for commits behind its own.
 * LGIM2  It is replaced whole, so one that is not whole is damage and never a crash.
 */
import { crc32c, crc32cOf } from '@varve/base/crc32c';
import type { Slice } from '@varve/base/pace';
import type { FileKind } from '../names.ts';
import { sumOf } from './footer.ts';
import { seedOf, sumWord, viewOf } from './seed.ts';

const SECTION_HEAD = 24;
const MAGIC = 0x54434553;
export const IMAGE_FORMAT = 1;
export const HEAD = 1;
export const RUNS = 2;
export const DEAD = 3;
export const ROWS = 4;
const END = 5;

export interface ImageFile {
  readonly number: number;
  readonly kind: FileKind;
  readonly salt: number;
  readonly firstCommit: number;
  readonly end: number;
}

export interface ImageBucket {
  readonly name: string;
  readonly number: number;
  readonly appendOnly: boolean;
  readonly floor: string | null;
}

export interface ImageHead {
  readonly format: number;
  readonly id: string;
  readonly commit: number;
  readonly active: number;
  readonly nextBucket: number;
  readonly nextFile: number;
  readonly files: readonly ImageFile[];
  readonly buckets: readonly ImageBucket[];
}

export interface Section {
  readonly kind: number;
  readonly text: string;
  readonly body: Uint8Array;
}

/** Makes the bytes of one section after the other. */
export class SectionWriter {
  readonly #salt: number;
  #place = 0;
  #count = 0;
  #sum = 0;

  constructor(storeId: string) {
    this.#salt = crc32c(Buffer.from(storeId));
  }

  get place(): number {
    return this.#place;
  }

  async section(kind: number, text: unknown, body: readonly Uint8Array[], slice: Slice): Promise<Uint8Array[]> {
    const words = Buffer.from(JSON.stringify(text));
    const head = new Uint8Array(SECTION_HEAD);
    const view = viewOf(head);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, kind, true);
    view.setUint32(8, words.length, true);
    view.setUint32(
      12,
      body.reduce((sum, part) => sum + part.length, 0),
      true,
    );
    let sum = crc32cOf(head, 0, 20, seedOf(this.#salt, this.#place));
    for (const part of [words, ...body]) sum = await sumOf(part, sum, slice);
    view.setUint32(20, sum, true);
    this.#sum = sumWord(sum, this.#sum);
    this.#count += 1;
    const pieces = [head, new Uint8Array(words), ...body];
    this.#place += pieces.reduce((length, piece) => length + piece.length, 0);
    return pieces;
  }

  async end(slice: Slice): Promise<Uint8Array[]> {
    const body = new Uint8Array(4);
    viewOf(body).setUint32(0, this.#sum, true);
    return this.section(END, { sections: this.#count }, [body], slice);
  }
}

/** @returns the sections before the end; a text says what is wrong */
export async function readSections(bytes: Uint8Array, storeId: string, slice: Slice): Promise<Section[] | string> {
  const salt = crc32c(Buffer.from(storeId));
  const view = viewOf(bytes);
  const sections: Section[] = [];
  let total = 0;
  let at = 0;
  while (at + SECTION_HEAD <= bytes.length) {
    if (view.getUint32(at, true) !== MAGIC) return `there is no section at ${at}`;
    const kind = view.getUint32(at + 4, true);
    const textEnd = at + SECTION_HEAD + view.getUint32(at + 8, true);
    const end = textEnd + view.getUint32(at + 12, true);
    if (end > bytes.length) return `the section at ${at} is cut off`;
    const begun = crc32cOf(bytes, at, at + 20, seedOf(salt, at));
    const sum = await sumOf(bytes.subarray(at + SECTION_HEAD, end), begun, slice);
    if (sum !== view.getUint32(at + 20, true)) return `the section at ${at} does not have its checksum`;
    const text = Buffer.from(bytes.subarray(at + SECTION_HEAD, textEnd)).toString();
    const body = bytes.subarray(textEnd, end);
    if (kind === END) {
      const isWhole = body.length === 4 && viewOf(body).getUint32(0, true) === total && end === bytes.length;
      return isWhole ? sections : `the end at ${at} is not that of the sections before it`;
    }
    total = sumWord(sum, total);
    sections.push({ kind, text, body });
    at = end;
  }
  return 'its end is missing';
}
