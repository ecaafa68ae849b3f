/**
 * Rewrites the live rows of neighbouring files into one.
 *
 * LGRW1  Every row is checked before it is copied. A damaged one leaves its file as it is: it is reported when it is read.
 * LGRW2  The new file is durable, its name too, before anybody is told of it. Until an image names it, it is a leftover.
 * LGRW3  What was deleted meanwhile is deleted in the new file when it takes the place of the old ones (`substitution.ts`).
 * LGRW4  Blocks are read into and written from the same memory again and again: what lies outside the heap hurries the collector, and
 *     its pauses are everybody's.
 */
import { Slice, STEP_MS } from '@varve/base/pace';
import { LiveFile, type OpenFiles } from '../files/live-file.ts';
import { writeAll, type LogFile, type LogFiles } from '../files/log-files.ts';
import { writeFooter } from '../format/footer.ts';
import {
  FRAME_HEAD,
  FRAME_TAIL,
  isRow,
  PUT,
  readRowHead,
  ROW_HEAD,
  SUM_BYTES,
  tailSum,
  writeFrameHead,
  writeFrameTail,
  writeRowHead,
} from '../format/frame.ts';
import { aligned } from '../format/seed.ts';
import { HEADER_BYTES, writeHeader } from '../format/segment-header.ts';
import { readInto } from '../read/scan-rows.ts';
import { Probe } from '../rows/probe.ts';
import { Run } from '../rows/run.ts';
import type { RunView } from '../rows/run-view.ts';
import type { State } from '../state/state.ts';

/** Bytes of rows in a frame, and of a read. */
const PART = 1 << 20;
const LARGEST_GAP = 1 << 16;

/** What takes the place of some files. */
export interface Rewritten {
  readonly group: ReadonlySet<LiveFile>;
  /** Absent: nothing in them lives. */
  readonly file: LiveFile | undefined;
  readonly runs: readonly RewrittenRun[];
}

export interface RewrittenRun {
  readonly bucket: number;
  /** The old ones, as they were when rewriting began. */
  readonly from: readonly RunView[];
  readonly to: Run;
  /** Of its rows. */
  readonly bytes: number;
}

/** A row that cannot be copied; the file is to be left alone. */
export class DamagedRow extends Error {
  readonly file: LiveFile;

  constructor(file: LiveFile, place: number) {
    super(`the row at ${place} of ${file.path} does not have its checksum`);
    this.file = file;
  }
}

export interface RewriteOptions {
  readonly files: LogFiles;
  readonly openFiles: OpenFiles;
  readonly folder: string;
  readonly storeId: string;
  /** Of the new file. */
  readonly number: number;
  readonly signal: AbortSignal;
}

/** @throws DamagedRow, the system's error, the signal's reason: the new file is removed again */
export async function rewrite(options: RewriteOptions, state: State, group: readonly LiveFile[]): Promise<Rewritten> {
  const members = new Set(group);
  const wanted = [...state.buckets.values()].flatMap((bucket) => {
    if (!bucket.appendOnly) return [];
    const from = bucket.rows.views.filter(({ run }) => members.has(run.file));
    return from.length === 0 ? [] : [{ bucket: bucket.number, from }];
  });
  if (wanted.every(({ from }) => from.every(({ liveN }) => liveN === 0)))
    return { group: members, file: undefined, runs: [] };
  const { files, folder, storeId, number } = options;
  const salt = new DataView(Uint8Array.from(files.random(4)).buffer).getUint32(0);
  const file = new LiveFile(folder, { kind: 'dat', number, salt, firstCommit: 0, end: HEADER_BYTES });
  const handle = await files.open(file.path, 'create');
  try {
    const header = { kind: 'dat', number, storeId, salt, firstCommit: 0, endBefore: 0 } as const;
    await writeAll(handle, [writeHeader(header)], 0);
    const copier = new Copier(options, handle, file);
    const runs: RewrittenRun[] = [];
    for (const { bucket, from } of wanted) {
      const rowN = from.reduce((sum, view) => sum + view.liveN, 0);
      if (rowN === 0) continue;
      const to = new Run(file, bucket, rowN);
      const before = file.rowBytes;
      for (const view of from) await copier.copy(view, to);
      runs.push({ bucket, from, to, bytes: file.rowBytes - before });
    }
    await copier.endFrame();
    const footer = await writeFooter(
      files.clock,
      file,
      runs.map(({ to }) => ({ run: to, rowN: to.rowN })),
    );
    const place = aligned(file.end);
    await writeAll(handle, footer, place);
    file.footerBytes = place - file.end + footer.reduce((sum, piece) => sum + piece.length, 0);
    await handle.sync();
    await handle.close();
    await files.syncFolder(folder);
    return { group: members, file, runs };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await files.remove(file.path).catch(() => undefined); // the next open does
    throw error;
  }
}

/** Frames of rows, numbered from 1 instead of by commit. */
class Copier {
  readonly #options: RewriteOptions;
  readonly #handle: LogFile;
  readonly #file: LiveFile;
  readonly #probe = new Probe();
  readonly #slice: Slice;
  #read: Uint8Array = new Uint8Array(PART);
  /** The frame in the making: room for its head, then rows. */
  #frame: Uint8Array = new Uint8Array(FRAME_HEAD + PART + FRAME_TAIL);
  /** Of its rows, as they stand in them. */
  #sums: Uint8Array = new Uint8Array(1024 * SUM_BYTES);
  #frames = 0;
  #rowN = 0;
  #bytes = 0;

  constructor(options: RewriteOptions, handle: LogFile, file: LiveFile) {
    this.#options = options;
    this.#handle = handle;
    this.#file = file;
    this.#slice = new Slice(options.files.clock, { lengthMs: STEP_MS });
  }

  async copy(view: RunView, to: Run): Promise<void> {
    const { run, rowN } = view;
    for (let index = 0; index < rowN;) {
      if (!view.isLive(index)) {
        index += 1;
        if (this.#slice.due()) await this.#slice.turn();
        continue;
      }
      const from = run.offset(index);
      let end = from + run.rowLength(index);
      let next = index + 1;
      let last = index;
      for (; next < rowN; next += 1) {
        if (!view.isLive(next)) {
          if (run.offset(next) - end > LARGEST_GAP) break;
          continue;
        }
        const rowEnd = run.offset(next) + run.rowLength(next);
        if (run.offset(next) - end > LARGEST_GAP || rowEnd - from > PART) break;
        end = rowEnd;
        last = next;
      }
      this.#options.signal.throwIfAborted();
      if (end - from > this.#read.length) this.#read = new Uint8Array(end - from);
      const bytes = this.#read.subarray(0, end - from);
      await readInto(this.#options.openFiles, run.file, bytes, from);
      for (; index <= last; index += 1) {
        if (!view.isLive(index)) continue;
        const place = run.offset(index);
        await this.#add(bytes, place - from, run.rowLength(index), run, place, to);
        if (this.#slice.due()) await this.#slice.turn();
      }
    }
  }

  async #add(bytes: Uint8Array, start: number, length: number, run: Run, place: number, to: Run): Promise<void> {
    const head = readRowHead(bytes, start);
    const isWhole =
      head.op === PUT &&
      head.bucket === run.bucket &&
      ROW_HEAD + head.keyLength + head.valueLength === length &&
      isRow(bytes, start, start + length, run.file.salt, place);
    if (!isWhole) throw new DamagedRow(run.file, place);
    if (FRAME_HEAD + this.#bytes + length + FRAME_TAIL > this.#frame.length) {
      await this.endFrame();
      const least = FRAME_HEAD + length + FRAME_TAIL;
      if (least > this.#frame.length) this.#frame = new Uint8Array(least);
    }
    const inFrame = FRAME_HEAD + this.#bytes;
    const at = aligned(this.#file.end) + inFrame;
    this.#frame.set(bytes.subarray(start, start + length), inFrame);
    const sumAt = SUM_BYTES * this.#rowN;
    if (sumAt === this.#sums.length) {
      const grown = new Uint8Array(2 * sumAt);
      grown.set(this.#sums);
      this.#sums = grown;
    }
    const row = { ...head, flags: 0 };
    writeRowHead(this.#frame, inFrame, inFrame + length, row, this.#file.salt, at);
    for (let i = 0; i < SUM_BYTES; i += 1) this.#sums[sumAt + i] = this.#frame[inFrame + i]!;
    const keyAt = inFrame + ROW_HEAD;
    to.push(this.#probe.set(this.#frame, keyAt, keyAt + head.keyLength), head.valueLength, at);
    this.#rowN += 1;
    this.#bytes += length;
    this.#file.rowBytes += length;
  }

  async endFrame(): Promise<void> {
    if (this.#rowN === 0) return;
    const { salt, end } = this.#file;
    const place = aligned(end);
    const tailAt = FRAME_HEAD + this.#bytes;
    const length = tailAt + FRAME_TAIL;
    this.#frames += 1;
    const headSum = writeFrameHead(this.#frame, 0, salt, place, { rows: this.#rowN, length, commit: this.#frames });
    writeFrameTail(this.#frame, tailAt, tailSum(salt, place, headSum, this.#sums, this.#rowN));
    await writeAll(this.#handle, [this.#frame.subarray(0, length)], place);
    this.#file.end = place + length;
    this.#rowN = 0;
    this.#bytes = 0;
  }
}
