// @ts-check
/**
 * A client that follows keys, through crashes: each matching event exactly once, in order, or a clear "compacted" (law 4).
 *
 * SFO1  It goes on with `revision + 1`, as the contract says, and with the compacted revision where it is told so.
 * SFO2  What it has been given is compared with the model as soon as that knows the revision; so is what it was not given.
 * SFO3  Of a revision at which the store was compacted only the last change of each key is kept: a section that changes a key twice
 *       is seen so by who reads it from history (decisions/0035).
 *
 * @typedef {import('@varve/kv').EmbeddedKv} Store
 * @typedef {import('@varve/kv').WatchBatch<string, string>} Batch
 */
import { turns } from './clock.mjs';
import { anyKey, anyRange } from './calls.mjs';
import { changesText, entryText, selects, Violation } from './model.mjs';

/** @param {readonly import('@varve/kv').KvEvent<string, string>[]} events */
export function eventsText(events) {
  return changesText(
    events.map((event) => ({ key: event.key, entry: event.type === 'put' ? event : undefined, previous: undefined })),
  );
}

export class Follower {
  /** Turns it takes for each batch. */
  rests;
  /** The first revision it has not been given. */
  next;
  ended = true;
  /** The code it ended with. @type {string | undefined} */
  code;
  /** @type {import('@varve/kv').Watch<string, string> | undefined} */
  #watch;
  #model;
  #report;
  #compactedAt;
  #note;
  #name;
  #selector;
  #only;
  #previous;

  /**
   * @param {string} name
   * @param {import('../../run/random.mjs').Random} random
   * @param {number} from
   * @param {{ readonly model: import('./model.mjs').Model, readonly note: (what: string) => void, readonly report: (error: unknown) => void, readonly compactedAt: ReadonlySet<number> }} world
   */
  constructor(name, random, from, { model, note, report, compactedAt }) {
    this.#name = name;
    this.next = from;
    this.rests = random.chance(0.7) ? 0 : random.between(1, 40);
    this.#selector = random.chance(0.3) ? {} : random.chance(0.4) ? anyKey(random) : anyRange(random);
    this.#only = random.chance(0.2) ? random.pick(/** @type {const} */ (['put', 'delete'])) : undefined;
    this.#previous = random.chance(0.3);
    this.#model = model;
    this.#note = note;
    this.#report = report;
    this.#compactedAt = compactedAt;
  }

  /** @param {Store} kv */
  start(kv) {
    this.ended = false;
    this.code = undefined;
    void this.#follow(kv).then(
      () => {
        this.ended = true;
      },
      (error) => {
        this.ended = true;
        this.#report(error);
      },
    );
  }

  /** @param {Store} kv */
  async #follow(kv) {
    for (;;) {
      try {
        const watch = kv.watch(this.#selector, { from: this.next, only: this.#only, previous: this.#previous });
        this.#watch = watch;
        for await (const batch of watch.batches()) {
          this.#take(batch);
          if (watch.revision !== batch.revision)
            throw new Violation(`law 4: ${this.#name} is at ${watch.revision}, not ${batch.revision}`);
          await turns(this.rests);
        }
        this.#note(`${this.#name} ends`);
        return;
      } catch (error) {
        if (error instanceof Violation) throw error;
        const { code, compactRevision = 0 } = /** @type {{ code?: string, compactRevision?: number }} */ (error);
        this.#note(`${this.#name} ends ${code} ${compactRevision}`);
        if (code === undefined) throw error;
        if (code !== 'MVCC_COMPACTED') {
          this.code = code;
          return;
        }
        if (compactRevision <= this.next)
          throw new Violation(`law 4: ${this.#name} wants ${this.next}, and ${compactRevision} is what is compacted`);
        this.next = compactRevision;
      }
    }
  }

  /** @param {Batch} batch */
  #take(batch) {
    const { revision, events } = batch;
    this.#note(`${this.#name} gets ${revision} ${events.length}`);
    if (revision < this.next) throw new Violation(`law 4: ${this.#name} gets ${revision} after ${this.next - 1}`);
    if (events.some((event) => event.revision !== revision))
      throw new Violation(`law 4: ${this.#name}: mixed revisions`);
    const from = this.next;
    this.next = revision + 1;
    const found = eventsText(events);
    const previous = this.#previous ? events.map((event) => event.previous) : undefined;
    this.#model.whenKnown(revision, () => {
      for (let before = from; before < revision; before++) {
        if (this.#kept(before).length > 0)
          throw new Violation(`law 4: ${this.#name} was not given ${before}, but ${revision}`);
      }
      const all = this.#wanted(revision);
      const wanted = found === changesText(all) ? all : this.#kept(revision);
      const text = changesText(wanted);
      if (text !== found) throw new Violation(`law 4: ${this.#name} was given ${found} of ${revision}, not ${text}`);
      const before = this.#model.state(revision - 1);
      for (const [at, entry] of (previous ?? []).entries()) {
        const was = entryText(before.get(wanted[at]?.key ?? ''));
        if (entry !== undefined && entryText(entry) !== was)
          throw new Violation(`law 4: ${this.#name} of ${revision}: before was ${was}, not ${entryText(entry)}`);
      }
    });
  }

  /** @param {number} revision */
  #wanted(revision) {
    return this.#model.changes(revision).filter((change) => this.#matches(change));
  }

  /** What is left of them (SFO3). @param {number} revision */
  #kept(revision) {
    const changes = this.#model.changes(revision);
    if (!this.#compactedAt.has(revision)) return this.#wanted(revision);
    const last = new Map(changes.map((change) => [change.key, change]));
    return changes.filter((change) => last.get(change.key) === change && this.#matches(change));
  }

  /** @param {import('./model.mjs').Change} change */
  #matches({ key, entry }) {
    const isPut = entry !== undefined;
    return selects(this.#selector, key) && (this.#only === undefined || (this.#only === 'put') === isPut);
  }

  /** Whether it has been given everything up to the model's present. */
  get drained() {
    for (let revision = this.next; revision <= this.#model.revision; revision++) {
      if (this.#kept(revision).length > 0) return false;
    }
    return true;
  }

  get name() {
    return this.#name;
  }

  async close() {
    await this.#watch?.close();
  }
}
