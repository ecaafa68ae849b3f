/**
 * The rows of one frame in the making: each gets its head, in the room before its key, is applied to the draft, and becomes part of a
 * piece that is to be written.
 *
 * LGFW1  Values are not copied (`Pieces`). Neither heads nor sums make objects: ten thousand rows come at a time.
 * LGFW2  A row's bucket is looked up once for a run of rows of the same one.
 */
import type { Bucket } from '../../../contract/bucket.ts';
import type { PackedChanges } from '../../../contract/packed-changes.ts';
import type { LiveFile } from '../files/live-file.ts';
import {
  APPEND_ONLY,
  CREATE_BUCKET,
  DELETE,
  DELETE_BUCKET,
  FRAME_HEAD,
  PUT,
  ROW_HEAD,
  SUM_BYTES,
  writeRowHead,
} from '../format/frame.ts';
import { Probe } from '../rows/probe.ts';
import type { BucketState, Draft } from '../state/state.ts';
import { DeletedRows, type RowHeadToWrite } from './deleted-rows.ts';
import type { Pieces } from './pieces.ts';

const probe = new Probe();
const name = Buffer.from.bind(Buffer);

export class FrameRows {
  count = 0;
  /** Rows that are deleted, and buckets. */
  deletes = 0;
  /** Where the last row of an append-only bucket lies that is deleted. */
  deletedIn: LiveFile | undefined;
  /** Where the next row begins in the file. */
  at: number;
  readonly #changes: PackedChanges;
  readonly #draft: Draft;
  readonly #file: LiveFile;
  readonly #pieces: Pieces;
  /** The rows' sums as they stand in their heads, one behind the other. */
  readonly #sums: Uint8Array;
  readonly #head = { op: 0, flags: 0, bucket: 0, keyLength: 0 };
  readonly #deleted: DeletedRows = new DeletedRows();
  #bucket: Bucket | undefined;
  #target: BucketState | undefined;

  /** @param sums has `SUM_BYTES` for each of the changes */
  constructor(changes: PackedChanges, draft: Draft, file: LiveFile, pieces: Pieces, sums: Uint8Array) {
    this.#changes = changes;
    this.#draft = draft;
    this.#file = file;
    this.#pieces = pieces;
    this.#sums = sums;
    this.at = pieces.place + FRAME_HEAD;
  }

  /** Adds the change of that index. @throws BackendError `BACKEND_KEY_ORDER` */
  add(index: number): void {
    const changes = this.#changes;
    const isPut = changes.isPut(index);
    if (!isPut && changes.type(index) !== 'delete') {
      this.#addBucket(index);
      return;
    }
    const bucket = changes.bucket(index);
    if (bucket !== this.#bucket) {
      this.#bucket = bucket;
      this.#target = this.#draft.writable(bucket.name);
    }
    const target = this.#target;
    if (target === undefined) return; // the Backend has checked that it exists (ENG5)
    const block = changes.block(index);
    const start = changes.start(index);
    const keyEnd = changes.keyEnd(index);
    const end = changes.end(index);
    const deleted = this.#deleted;
    if (target.appendOnly && !isPut) {
      const row = target.rows.delete(probe.set(block, start, keyEnd));
      if (row < 0) return; // what is not there need not go
      const view = target.rows.deletedFrom!;
      if (deleted.count > 0 && !deleted.isNext(view, row)) deleted.writeTo(this);
      deleted.add(target.number, view, row, block, start, keyEnd);
      this.deletedIn = view.run.file;
      this.deletes += 1;
      return;
    }
    if (deleted.count > 0) deleted.writeTo(this);
    if (target.appendOnly) {
      target.rows.put(probe.set(block, start, keyEnd), end - keyEnd, this.#file, target.number, this.at);
    } else if (isPut) {
      target.rows.put(changes.key(index), changes.value(index));
    } else {
      target.rows.delete(changes.key(index));
    }
    if (!isPut) this.deletes += 1;
    const head = this.#head;
    head.op = isPut ? PUT : DELETE;
    head.bucket = target.number;
    head.keyLength = keyEnd - start;
    this.append(block, start - ROW_HEAD, end, head);
  }

  /** No change comes any more. */
  end(): void {
    if (this.#deleted.count > 0) this.#deleted.writeTo(this);
  }

  #addBucket(index: number): void {
    if (this.#deleted.count > 0) this.#deleted.writeTo(this);
    const { type, bucket } = this.#changes.change(index);
    this.#bucket = undefined;
    const isCreation = type === 'createBucket';
    const isNew = isCreation && !this.#draft.has(bucket.name);
    const number = isCreation ? this.#draft.createBucket(bucket) : this.#draft.deleteBucket(bucket.name);
    if (number === undefined || (isCreation && !isNew)) return;
    const named = name(bucket.name, 'latin1');
    const block = new Uint8Array(ROW_HEAD + named.length);
    block.set(named, ROW_HEAD);
    if (!isCreation) this.deletes += 1;
    const op = isCreation ? CREATE_BUCKET : DELETE_BUCKET;
    const flags = isCreation && bucket.appendOnly ? APPEND_ONLY : 0;
    const row = { op, flags, bucket: number, keyLength: named.length };
    this.append(block, 0, block.length, row);
  }

  /** The row that lies in `block` from `from` to `to`, whose head is written here. */
  append(block: Uint8Array, from: number, to: number, head: RowHeadToWrite): void {
    writeRowHead(block, from, to, head, this.#file.salt, this.at);
    const sums = this.#sums;
    const at = SUM_BYTES * this.count;
    for (let i = 0; i < SUM_BYTES; i += 1) sums[at + i] = block[from + i]!;
    this.count += 1;
    this.#pieces.add(block, from, to);
    this.at += to - from;
  }
}
