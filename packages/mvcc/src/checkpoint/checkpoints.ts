/**
 * When the index of one history is saved, and that it is never in the way.
 *
 * IXC1  It is worth writing when reading what is not in the last one would take longer than writing: a record takes some eight times as
 *     long to read as a key to write. So at close, and after a compaction, it is written once that many records are new as an eighth of
 *     the keys, and at least `FEWEST`, or once `every` are, if that is less; in between, once `every` are, and half as many as there are keys.
 * IXC2  One at a time, in order with compactions (`Scheduler`): an index is saved that no compaction is changing. One that is
 *     accepted meanwhile ends the saving, and is followed by another.
 * IXC3  A failure is nobody's: the next open reads all records. It is told as a background error, and tried again much later.
 * IXC4  Nothing is saved of a history that has damaged records, because only the full scan finds them, nor while nobody knows the keys of
 *     leases.
 */
import { indexAside } from '@varve/backend';
import { backgroundError, traced } from '../diagnostics.ts';
import type { History } from '../history.ts';
import type { StoreObserver } from '../observer.ts';
import type { LeaseAttachment } from '../store.ts';
import { FORMAT, witnessesOf } from './head.ts';
import { checkpointPieces } from './write-checkpoint.ts';

/** Read in some thirty milliseconds. */
const FEWEST = 10_000;

/** Nothing is to be written after all. */
class Abandoned extends Error {}

export class Checkpoints {
  readonly #history: History;
  readonly #observers: readonly StoreObserver[];
  readonly #every: number;
  /** The revision of the one there is, 0 for none that could be used. */
  #saved: number;
  /** Records that are not in it. */
  #tail: number;
  /** When to look again whether one is due. */
  #next: number;
  #isQueued = false;
  /** Whether any record may have a lease. */
  #leased: boolean;

  /** @param every records; 0: none is written */
  constructor(history: History, observers: readonly StoreObserver[], every: number) {
    const { opened, leased } = history;
    this.#history = history;
    this.#observers = observers;
    this.#every = history.backend.aside === undefined || history.backend.readOnly ? 0 : every;
    this.#saved = opened.checkpoint ?? 0;
    this.#tail = opened.records;
    this.#next = this.#every;
    this.#leased = leased;
  }

  /** A transaction has finished. */
  finished(records: number, hasLease: boolean): void {
    this.#tail += records;
    if (hasLease) this.#leased = true;
    if (this.#tail >= this.#next && this.#every > 0) this.#look();
  }

  /** A compaction has removed everything it had to. */
  compacted(): void {
    if (this.#lost >= this.#worth) this.#queue();
  }

  /** Writes the last one; nothing is changed any more, and no compaction runs. Never rejects. */
  async close(): Promise<void> {
    if (this.#lost >= this.#worth) await this.#save(() => undefined);
  }

  /** Records that an opening would read, as things are. */
  get #lost(): number {
    const { index, scheduled } = this.#history;
    return scheduled > this.#saved || this.#saved === 0 ? Math.max(this.#tail, index.size) : this.#tail;
  }

  get #worth(): number {
    return Math.min(this.#every, Math.max(FEWEST, this.#history.index.size / 8));
  }

  #look(): void {
    this.#next = Math.max(this.#every, this.#history.index.size / 2);
    if (this.#tail >= this.#next) this.#queue();
  }

  #queue(): void {
    const { scheduler } = this.#history;
    if (this.#isQueued || this.#every === 0 || scheduler.stopped) return;
    this.#isQueued = true;
    scheduler.schedule(async (signal) => {
      this.#isQueued = false;
      const { scheduled } = this.#history;
      await this.#save(() => {
        if (signal.aborted || this.#history.scheduled > scheduled) throw new Abandoned();
      });
    });
  }

  async #save(check: () => void): Promise<void> {
    const { backend, damaged, finished } = this.#history;
    const leases = this.#leases();
    if (this.#every === 0 || leases === undefined || damaged.size > 0 || backend.failure.aborted) return;
    const tail = this.#tail;
    // Not again before there is as much as that.
    this.#next = tail + this.#every;
    try {
      check();
      await traced('checkpoint', { revision: finished }, () => this.#write(finished, leases, check));
      this.#saved = finished;
      this.#tail -= tail;
      this.#next = this.#every;
    } catch (error) {
      if (!(error instanceof Abandoned)) backgroundError('checkpoint', error);
    }
  }

  async #write(revision: number, leases: Iterable<LeaseAttachment>, check: () => void): Promise<void> {
    const { backend, clock, compactionFinished, index } = this.#history;
    const aside = backend.aside!;
    const witnesses = await witnessesOf(backend.concurrentReadTx(), revision);
    check();
    if (witnesses.length === 0) throw new Abandoned();
    const head = { format: FORMAT, id: aside.id, revision, compacted: compactionFinished, witnesses };
    const durable = (): Promise<void> => backend.forceCommit();
    await aside.replace(indexAside, checkpointPieces({ clock, head, index, leases, durable, check }));
  }

  /** Whose the keys are; undefined where nobody can tell now. */
  #leases(): Iterable<LeaseAttachment> | undefined {
    for (const observer of this.#observers) {
      if (observer.leaseAttachments !== undefined) return observer.leaseAttachments();
    }
    return this.#leased ? undefined : [];
  }
}
