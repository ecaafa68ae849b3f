/**
 * Windows over the past, for watchers that catch up.
 *
 *   positions ...........[ window )[ next window ).......... visible | recent
 *   scan A                         ^ held here: the next window costs no search
 *
 * HI1  A window is made of what was visible when it was asked for, and only of that (law 1).
 * HI2  A scan is held between two windows, at most `HELD` at a time and only while passes go on: `release` lets go of
 *     what scans pin in the backend (R14). The newest windows are kept as long, for the rest of a large cohort.
 * HI3  What is still in memory (`RecentChanges`) is not read, and needs no await.
 *
 * etcd: watchable_store.go, rangeEventsWithReuse. Departs: one pass after another goes on in the same scan.
 */
import type { Change, Store } from '@varve/mvcc';
import type { PreviousOf } from '../delivery/change-run.ts';
import type { RecentChanges, WindowLimits } from '../places/recent-changes.ts';
import { HistoryWindow } from './history-window.ts';

const HELD = 4;
/** Bytes of keys and values that close a window, whatever its revisions. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** Changes that close a window: matched and made events of in one step, they are to fit a slice (law 10). */
const WINDOW_CHANGES = 8192;

/** A reading of `[next, to)` that can go on. */
interface Scan {
  readonly chunks: AsyncIterator<readonly Change[]>;
  readonly to: number;
  next: number;
  /** Read, but beyond the last window. */
  rest: readonly Change[];
  restFrom: number;
}

export class History {
  readonly #store: Store;
  readonly #recent: RecentChanges;
  readonly #previousOf: PreviousOf;
  readonly #limits: WindowLimits;
  #scans: Scan[] = [];
  #windows: HistoryWindow[] = [];
  #abort: AbortController = new AbortController();

  constructor(store: Store, recent: RecentChanges, previousOf: PreviousOf, revisionsPerBatch: number) {
    this.#store = store;
    this.#recent = recent;
    this.#previousOf = previousOf;
    this.#limits = { revisions: revisionsPerBatch, changes: WINDOW_CHANGES, bytes: WINDOW_BYTES };
  }

  get holds(): boolean {
    return this.#scans.length > 0 || this.#windows.length > 0;
  }

  /** Whether the window may still be handed out. */
  current(window: HistoryWindow): boolean {
    return this.#windows.includes(window);
  }

  /** Nobody needs it any more. */
  forget(window: HistoryWindow): void {
    this.#windows = this.#windows.filter((kept) => kept !== window);
  }

  /** The window from `from` on, if it can be had without reading. */
  ready(from: number): HistoryWindow | undefined {
    const kept = this.#windows.find((window) => window.from === from);
    if (kept !== undefined) return kept;
    const recent = this.#recent.read(from, this.#limits);
    return recent && this.#keep(new HistoryWindow(from, recent.to, recent.changes, this.#previousOf));
  }

  /**
   * Reads the window from `from` on, up to and without `end`.
   * @throws MvccError `MVCC_COMPACTED`; `MVCC_CLOSED`; AbortError after `release`
   */
  async read(from: number, end: number): Promise<HistoryWindow> {
    const scan = this.#takeScan(from) ?? this.#openScan(from, end);
    const { signal } = this.#abort;
    const changes: Change[] = [];
    try {
      const to = await this.#fill(scan, changes);
      signal.throwIfAborted();
      this.#putBack(scan);
      return this.#keep(new HistoryWindow(from, to, changes, this.#previousOf));
    } catch (error) {
      await endScan(scan);
      throw error;
    }
  }

  /** Ends all scans, also one that is being read, and forgets the windows. Resolves when those that rest pin nothing. */
  async release(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const scans = this.#scans;
    this.#scans = [];
    this.#windows = [];
    await Promise.all(scans.map(endScan));
  }

  #keep(window: HistoryWindow): HistoryWindow {
    this.#windows.unshift(window);
    if (this.#windows.length > HELD) this.#windows.pop();
    return window;
  }

  #openScan(from: number, end: number): Scan {
    const options = { signal: this.#abort.signal, chunkSize: Math.min(this.#limits.revisions, 1000) };
    const chunks = this.#store.changes(from, end, options)[Symbol.asyncIterator]();
    return { chunks, to: end, next: from, rest: [], restFrom: 0 };
  }

  #takeScan(from: number): Scan | undefined {
    const index = this.#scans.findIndex((scan) => scan.next === from);
    return index < 0 ? undefined : this.#scans.splice(index, 1)[0];
  }

  #putBack(scan: Scan): void {
    if (scan.next >= scan.to) {
      void endScan(scan);
      return;
    }
    this.#scans.unshift(scan);
    if (this.#scans.length > HELD) void endScan(this.#scans.pop()!);
  }

  /** Moves the next window's changes out of the scan; returns the revision after them. */
  async #fill(scan: Scan, changes: Change[]): Promise<number> {
    const { revisions, changes: mostChanges, bytes } = this.#limits;
    let left = revisions;
    let room = bytes;
    let last = 0;
    const full = (): boolean => left === 0 || room <= 0 || changes.length >= mostChanges;
    for (;;) {
      const { rest } = scan;
      for (; scan.restFrom < rest.length; scan.restFrom++) {
        const change = rest[scan.restFrom]!;
        const { key, value, modRevision } = change.kv;
        if (modRevision !== last) {
          if (full()) return (scan.next = modRevision);
          left--;
          last = modRevision;
        }
        room -= key.length + value.length;
        changes.push(change);
      }
      // A chunk ends with a revision, so a full window need not wait for the next one.
      if (full()) return (scan.next = last + 1);
      const { done, value } = await scan.chunks.next();
      if (done === true) return (scan.next = scan.to);
      scan.rest = value;
      scan.restFrom = 0;
    }
  }
}

/** Lets go of what the scan pins. Nobody can do anything about a failure. */
async function endScan(scan: Scan): Promise<void> {
  await scan.chunks.return?.().catch(() => undefined);
}
