/**
 * Rewrites the live rows of neighbouring files into one.
 *
 * LGRW1  Every row is checked before it is copied. A damaged one leaves its file as it is: it is reported when it is read.
 * LGRW2  The new file is durable, its name too, before anybody is told of it. Until an image names it, it is a leftover.
 * LGRW3  What was deleted meanwhile is deleted in the new file when it takes the place of the old ones (`substituted`).
 */
import { nodeClock } from '@varve/base/node/clock';
import { Slice } from '@varve/base/pace';
import { LiveFile, type OpenFiles } from '../files/live-file.ts';
import { writeAll, type LogFile, type LogFiles } from '../files/log-files.ts';
import { writeFooter } from '../format/footer.ts';
import {
  firstSum,
  FRAME_HEAD,
  FRAME_TAIL,
  isRow,
  PUT,
  readRowHead,
  ROW_HEAD,
  writeFrameHead,
  writeFrameTail,
  writeRowHead,
} from '../format/frame.ts';
import { aligned, sumWord } from '../format/seed.ts';
import { HEADER_BYTES, writeHeader } from '../format/segment-header.ts';
import { readBlock } from '../read/scan-rows.ts';
import { DeadBits } from '../rows/dead-bits.ts';
import { LoggedRows } from '../rows/logged-rows.ts';
import { Probe } from '../rows/probe.ts';
import { Run } from '../rows/run.ts';
import { RunView } from '../rows/run-view.ts';
import type { BucketState, State } from '../state/state.ts';

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

interface RewrittenRun {
  readonly bucket: number;
  /** The old ones, as they were when rewriting began. */
  readonly from: readonly RunView[];
  readonly to: Run;
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
      const to = new Run(file, bucket);
      for (const view of from) await copier.copy(view, to);
      if (to.rowN > 0) runs.push({ bucket, from, to });
    }
    await copier.endFrame();
    const footer = await writeFooter(
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
  readonly #slice = new Slice(nodeClock);
  #frames = 0;
  #rows: Uint8Array[] = [];
  #sums: number[] = [];
  #bytes = 0;

  constructor(options: RewriteOptions, handle: LogFile, file: LiveFile) {
    this.#options = options;
    this.#handle = handle;
    this.#file = file;
  }

  async copy(view: RunView, to: Run): Promise<void> {
    const { run, rowN } = view;
    for (let index = 0; index < rowN;) {
      if (!view.isLive(index)) {
        index += 1;
        continue;
      }
      const from = run.offset(index);
      let end = from + run.rowLength(index);
      let next = index + 1;
      let last = index;
      for (; next < rowN; next += 1) {
        if (!view.isLive(next)) continue;
        const rowEnd = run.offset(next) + run.rowLength(next);
        if (run.offset(next) - end > LARGEST_GAP || rowEnd - from > PART) break;
        end = rowEnd;
        last = next;
      }
      this.#options.signal.throwIfAborted();
      const bytes = await readBlock(this.#options.openFiles, run.file, from, end - from);
      for (; index <= last; index += 1) {
        if (!view.isLive(index)) continue;
        const place = run.offset(index);
        await this.#add(bytes.subarray(place - from, place - from + run.rowLength(index)), run, place, to);
        if (this.#slice.over) await this.#slice.turn();
      }
    }
  }

  async #add(row: Uint8Array, run: Run, place: number, to: Run): Promise<void> {
    const head = readRowHead(row, 0);
    const isWhole =
      head.op === PUT &&
      head.bucket === run.bucket &&
      ROW_HEAD + head.keyLength + head.valueLength === row.length &&
      isRow(row, 0, row.length, run.file.salt, place);
    if (!isWhole) throw new DamagedRow(run.file, place);
    const at = aligned(this.#file.end) + FRAME_HEAD + this.#bytes;
    // The block is this copy's own: it was read for it alone.
    this.#sums.push(writeRowHead(row, 0, row.length, { ...head, flags: 0 }, this.#file.salt, at));
    to.push(this.#probe.set(row, ROW_HEAD, ROW_HEAD + head.keyLength), head.valueLength, at);
    this.#rows.push(row);
    this.#bytes += row.length;
    this.#file.rowBytes += row.length;
    if (this.#bytes >= PART) await this.endFrame();
  }

  async endFrame(): Promise<void> {
    if (this.#rows.length === 0) return;
    const { salt, end } = this.#file;
    const place = aligned(end);
    const length = FRAME_HEAD + this.#bytes + FRAME_TAIL;
    const head = new Uint8Array(FRAME_HEAD);
    this.#frames += 1;
    const headSum = writeFrameHead(head, salt, place, { rows: this.#rows.length, length, commit: this.#frames });
    let sum = firstSum(salt, place, headSum);
    for (const row of this.#sums) sum = sumWord(row, sum);
    const tail = new Uint8Array(FRAME_TAIL);
    writeFrameTail(tail, 0, sum);
    await writeAll(this.#handle, [head, Buffer.concat(this.#rows), tail], place);
    this.#file.end = place + length;
    this.#rows = [];
    this.#sums = [];
    this.#bytes = 0;
  }
}

/** A state with the new file in place of the old ones. In one tick. */
export function substituted(state: State, { group, file, runs }: Rewritten): State {
  const buckets = new Map<string, BucketState>();
  for (const [name, bucket] of state.buckets) {
    if (!bucket.appendOnly || !bucket.rows.views.some(({ run }) => group.has(run.file))) {
      buckets.set(name, bucket);
      continue;
    }
    const rewritten = runs.find((one) => one.bucket === bucket.number);
    const views: RunView[] = [];
    let isPlaced = rewritten === undefined;
    for (const view of bucket.rows.views) {
      if (!group.has(view.run.file)) {
        views.push(view);
      } else if (!isPlaced && rewritten !== undefined) {
        isPlaced = true;
        const made = rewrittenView(rewritten, bucket.rows);
        if (made.liveN > 0) views.push(made);
      }
    }
    buckets.set(name, { ...bucket, rows: LoggedRows.of(views, bucket.rows.floor) });
  }
  const files: LiveFile[] = [];
  let isPlaced = file === undefined;
  for (const one of state.files) {
    if (!group.has(one)) {
      files.push(one);
    } else if (!isPlaced && file !== undefined) {
      isPlaced = true;
      files.push(file);
    }
  }
  return { ...state, buckets, files };
}

/** In one tick, so row by row without a call that can be done without. */
function rewrittenView({ from, to }: RewrittenRun, rows: LoggedRows): RunView {
  const dead = new Uint8Array((to.rowN + 7) >>> 3);
  let isAnyDead = false;
  let index = 0;
  for (const old of from) {
    const now = rows.views.find(({ run }) => run === old.run);
    if (now !== undefined && now.dead === old.dead) {
      index += old.liveN;
      continue;
    }
    for (let i = 0; i < old.rowN; i += 1) {
      if (!old.isLive(i)) continue;
      if (now === undefined || !now.isLive(i)) {
        dead[index >>> 3]! |= 1 << (index & 7);
        isAnyDead = true;
      }
      index += 1;
    }
  }
  return RunView.whole(to, to, isAnyDead ? DeadBits.fromBytes(dead) : undefined);
}
