/**
 * How everything that writes is carried out: admitted, in one section, answered when it is durable.
 *
 * SVWS1  An answer says nothing that a crash could take back, a refusal neither: both wait for what they have seen (law 1).
 * SVWS2  Calls that wait are bounded: beyond that, clients are told to come back (law 9).
 * SVWS3  Alarms are looked at in the tick of the section: an alarm that is raised while a call waits holds for it.
 */
import type { WatchableStore, WriteTxn } from '@varve/watch';
import { nowMs } from '../clock.ts';
import { commitBounds, Histogram } from '../probes/histogram.ts';
import { failures } from '../status.ts';

export class Writes {
  readonly #store: WatchableStore;
  readonly #most: number;
  /** Seconds from a section to its being durable, once for each commit. */
  readonly commits: Histogram = new Histogram(commitBounds);
  #pending = 0;
  /** The commit that was measured last. */
  #measured: Promise<void> | undefined;
  #applied = 0;
  #failed = 0;
  /** Where counting begins: what is there already counts as applied. */
  readonly #base: number;

  /** @param most calls that may wait for admission or durability at once */
  constructor(store: WatchableStore, most: number) {
    this.#store = store;
    this.#most = most;
    this.#base = store.finishedRev() + Number(store.appliedIndex().index);
  }

  get pending(): number {
    return this.#pending;
  }

  /** Writes carried out, failed ones too, as the index of a log would count them. */
  get index(): number {
    return this.#base + this.#applied;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Runs `body` as one transaction; resolves when it is durable. */
  section<T>(body: (txn: WriteTxn) => T): Promise<T> {
    return this.run(() => this.#store.write(body).value);
  }

  /** As `section`, where `act` makes the section itself, in the tick in which it is called. */
  async run<T>(act: () => T): Promise<T> {
    const store = this.#store;
    if (this.#pending >= this.#most) throw failures.tooManyRequests();
    this.#pending++;
    try {
      while (!store.admitting) await store.admit();
      this.#applied++;
      let value: T;
      try {
        value = act();
      } catch (error) {
        this.#failed++;
        await store.settled();
        throw error;
      }
      await this.#durable();
      return value;
    } finally {
      this.#pending--;
    }
  }

  /** Those that share a commit share a promise, so the first of them measures for all. */
  #durable(): Promise<void> {
    const settled = this.#store.settled();
    if (settled !== this.#measured) {
      this.#measured = settled;
      const began = nowMs();
      settled.then(
        () => this.commits.observe((nowMs() - began) / 1000),
        () => undefined,
      );
    }
    return settled;
  }
}
