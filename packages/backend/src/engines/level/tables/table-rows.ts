/**
 * The rows of one state from LevelDB's tables, read and merged without LevelDB.
 *
 * LevelDB's iterator makes two Buffers a row on the main thread, which is most of what a row costs there. From the bytes
 * of the tables a row costs a third less, and a restore of a million rows takes 200 MB of memory instead of 500.
 *
 * TA1  The state is one of which all rows lie in tables (the caller knows). Newer rows may lie there as well: they have
 *     greater sequence numbers. What a row replaced stays in the tables while the state's snapshot is held.
 * TA2  The tables are those of one LevelDB version. An iterator pins it, so that LevelDB deletes none of them.
 * TA3  Of one key the entry with the greatest sequence up to the state's counts. Every row's checksum is checked (R67).
 * TA4  Blocks that somebody else's LevelDB compressed are LevelDB's to read, and so is everything while no file can be opened:
 *     it has open what it uses. `isForLevel` tells errors of that kind.
 * TA5  The event loop gets its turn after a slice (law 10).
 */
import { Blocks } from '@varve/base/block';
import { Slice } from '@varve/base/pace';
import type { Entry } from '../../../contract/engine.ts';
import { BackendError } from '../../../contract/errors.ts';
import type { Committed } from '../engine/committed.ts';
import type { LevelIterator } from '../driver.ts';
import { errorCode, type Files } from '../files.ts';
import { SLOT_BYTES, decodeValueIn, type Slot } from '../engine/rows.ts';
import { CompressedBlock } from './table.ts';
import { compareKeys, TableRun } from './table-run.ts';

/** Keys are put together in memory that so many share. */
const SLAB = 16 * 1024;

export interface TableScanOptions {
  readonly slot: Slot;
  /** LevelDB's key before the first one wanted. */
  readonly after: Uint8Array;
  /** LevelDB's first key that may not appear. */
  readonly end: Uint8Array;
  readonly chunkSize: number;
}

/**
 * Neither rows nor chunks are literals: LE8 may take to making those in old space, where each keeps what it refers to until
 * a full collection. In one of three restores of a million rows that was 70 MB, which the process never gave back.
 */
class Row implements Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;

  constructor(key: Uint8Array, value: Uint8Array) {
    this.key = key;
    this.value = value;
  }
}

const NO_ROWS: readonly Entry[] = [];

const NO_DESCRIPTOR = new Set(['EMFILE', 'ENFILE']);

/** Whether LevelDB's iterator may well do what failed so (TA4). */
export function isForLevel(error: unknown): boolean {
  const cause = error instanceof BackendError ? error.cause : error;
  return cause instanceof CompressedBlock || NO_DESCRIPTOR.has(errorCode(cause) ?? '');
}

export class TableRows {
  readonly #state: Committed;
  readonly #options: TableScanOptions;
  readonly #pin: LevelIterator;
  readonly #all: readonly TableRun[];
  /** In the order of the entries they are at. */
  #runs: TableRun[] = [];
  #started = false;
  readonly #slice: Slice;
  /** The key that was decided last. */
  #decided: Uint8Array;
  #decidedLength: number;
  readonly #blocks = new Blocks(SLAB);

  /** @param state held by the caller until after `close`; all its rows are in tables (TA1) */
  constructor(files: Files, state: Committed, options: TableScanOptions) {
    this.#slice = new Slice(files.clock);
    this.#state = state;
    this.#options = options;
    const { pin, runs } = pinTables(state, options.after);
    this.#pin = pin;
    this.#all = runs.map(
      (numbers) =>
        new TableRun(
          files,
          numbers.map((number) => `${state.path}/${number.padStart(6, '0')}`),
          options.after,
        ),
    );
    this.#decided = options.after;
    this.#decidedLength = options.after.length;
  }

  /** At most `chunkSize` rows; none at the end. */
  async next(): Promise<readonly Entry[]> {
    if (this.#slice.over) await this.#slice.turn();
    const { end, chunkSize } = this.#options;
    const chunk = NO_ROWS.slice();
    try {
      if (!this.#started) await this.#start();
      while (chunk.length < chunkSize) {
        const run = this.#runs[0];
        if (run === undefined) break;
        if (compareKeys(run.key, run.keyLength, end, end.length) >= 0) {
          this.#runs = [];
          break;
        }
        if (run.sequence <= this.#state.sequence && this.#decide(run) && run.isPut) chunk.push(this.#entry(run));
        if (!run.advance() && !(await run.load())) this.#runs.shift();
        else if (this.#runs.length > 1) this.#sink();
      }
    } catch (error) {
      throw this.#state.readError(error, this.#options.slot);
    }
    return chunk;
  }

  async close(): Promise<void> {
    this.#runs = [];
    try {
      await Promise.allSettled(this.#all.map((run) => run.close()));
    } finally {
      await this.#pin.close();
    }
  }

  async #start(): Promise<void> {
    this.#started = true;
    const { after } = this.#options;
    await Promise.all(
      this.#all.map(async (run) => {
        for (let more = await run.load(); more; more = run.advance() || (await run.load())) {
          if (compareKeys(run.key, run.keyLength, after, after.length) <= 0) continue;
          this.#runs.push(run);
          return;
        }
      }),
    );
    this.#runs.sort(byEntry);
  }

  /** Puts the first run where it belongs now. */
  #sink(): void {
    const runs = this.#runs;
    const run = runs[0]!;
    let at = 0;
    for (; at + 1 < runs.length && byEntry(run, runs[at + 1]!) > 0; at++) runs[at] = runs[at + 1]!;
    runs[at] = run;
  }

  /** Whether the run's entry is the first of its key. */
  #decide({ key, keyLength }: TableRun): boolean {
    if (compareKeys(key, keyLength, this.#decided, this.#decidedLength) === 0) return false;
    if (this.#decided.length < keyLength || this.#decided === this.#options.after) {
      this.#decided = new Uint8Array(Math.max(256, 2 * keyLength));
    }
    const decided = this.#decided;
    for (let i = 0; i < keyLength; i++) decided[i] = key[i]!;
    this.#decidedLength = keyLength;
    return true;
  }

  #entry({ key: whole, keyLength, bytes, valueStart, valueEnd }: TableRun): Entry {
    const { slot } = this.#options;
    const key = this.#ownKey(whole, keyLength - SLOT_BYTES);
    const value = decodeValueIn(slot, key, 0, bytes, valueStart, valueEnd);
    if (value === undefined) throw this.#state.damaged(slot, key);
    return new Row(key, value);
  }

  #ownKey(whole: Uint8Array, length: number): Uint8Array {
    const start = this.#blocks.reserve(length);
    const { block } = this.#blocks;
    for (let i = 0; i < length; i++) block[start + i] = whole[SLOT_BYTES + i]!;
    return new Uint8Array(block.buffer, start, length);
  }
}

function byEntry(a: TableRun, b: TableRun): number {
  const order = compareKeys(a.key, a.keyLength, b.key, b.keyLength);
  return order === 0 ? b.sequence - a.sequence : order;
}

/** An iterator, and numbers of the tables of the version that it pins: of each level, and of each table of level 0. */
function pinTables(
  state: Committed,
  gte: Uint8Array,
): { readonly pin: LevelIterator; readonly runs: readonly (readonly string[])[] } {
  const { level } = state;
  // LevelDB's own thread may install another version between the two calls.
  for (;;) {
    const before = level.getProperty('leveldb.sstables');
    const pin = level.iterator({ gte, snapshot: state.fix().snapshot, fillCache: false });
    if (level.getProperty('leveldb.sstables') === before) return { pin, runs: runsOf(before) };
    void pin.close().catch(() => undefined);
  }
}

function runsOf(sstables: string): string[][] {
  const runs: string[][] = [];
  let isFirstLevel = true;
  let run: string[] = [];
  for (const line of sstables.split('\n')) {
    const level = /^--- level (\d+) ---$/.exec(line)?.[1];
    if (level !== undefined) {
      isFirstLevel = level === '0';
      run = [];
      continue;
    }
    const number = /^ (\d+):\d+\[/.exec(line)?.[1];
    if (number === undefined) continue;
    if (isFirstLevel || run.length === 0) runs.push((run = []));
    run.push(number);
  }
  return runs;
}
