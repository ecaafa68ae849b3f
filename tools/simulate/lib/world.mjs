// @ts-check
/**
 * One store with its disk, its clients and its model; and what must hold between them.
 *
 * SWO1  `settle` waits until every call is answered, reads the store's history into the model, and looks at everything.
 *
 * @typedef {import('@varve/kv').EmbeddedKv} Store
 */
import { worldOf } from '@varve/base/world';
import { file, log, memory, open } from '@varve/kv';
import { Dates } from './dates.mjs';
import { emptyDisk, SimulatedDisk } from './disk.mjs';
import { foldersOn } from './folders.mjs';
import { eventsText } from './follower.mjs';
import { Ledger } from './ledger.mjs';
import { entriesText, listed, Model, Violation } from './model.mjs';
import { codeOf, Patience } from './patience.mjs';

const place = '/store.db';
const folder = '/store';

export class World extends Patience {
  /** @type {Store} */
  kv;
  /** @type {SimulatedDisk | undefined} */
  disk;
  model = new Model();
  /** @type {import('./follower.mjs').Follower[]} */
  followers = [];
  /** What else was asked for, such as compactions. @type {{ readonly name: string, done: boolean, error?: unknown }[]} */
  chores = [];
  compactAsked = 0;
  /** Every revision at which a compaction was asked for. @type {Set<number>} */
  compactedAt = new Set();
  compactAnswered = 0;
  /** The newest revision that was the present one. */
  seen = 1;
  crashes = 0;
  /** Openings from a saved index. */
  saved = 0;
  failures = 0;
  #strict;
  /** With `interval`: everything up to here was committed. */
  #committed = 1;
  #options;
  /** @type {Dates | undefined} */
  #dates;
  #cacheBytes;
  #lies;
  #faultsKnown = 0;

  /**
   * @param {'memory' | 'file' | 'log'} engine
   * @param {import('../../run/random.mjs').Random} random
   * @param {import('./clock.mjs').SimulatedClock} clock
   * @param {(what: string) => void} note
   * @param {boolean} lies whether the disk says that it has synced, and has not
   * @param {boolean} times whether the store notes when revisions are written
   */
  constructor(engine, random, clock, note, lies, times) {
    super();
    this.#lies = lies;
    this.#dates = times ? new Dates() : undefined;
    this.engine = engine;
    this.random = random;
    this.clock = clock;
    this.note = note;
    this.ledger = new Ledger(this.model, note);
    this.#strict = engine === 'memory' || random.chance(0.85);
    /** @type {'commit' | 'interval'} */
    const durability = this.#strict ? 'commit' : 'interval';
    this.#options = {
      durability,
      batchLimit: random.pick([1, 5, 40, 10_000]),
      batchIntervalMs: random.pick([1, 20, 100]),
      cacheBytes: random.pick([0, 4096, 1 << 20]),
      // Histories are short: the index is saved every few changes, or each opening reads all of it.
      checkpointEvery: random.pick([0, 1, 3, 10]),
      verify: random.chance(0.1),
      times,
    };
    this.#cacheBytes = random.pick([0, 16_384, 1 << 20]);
    this.kv = /** @type {Store} */ (/** @type {unknown} */ (undefined));
    note(`options ${JSON.stringify(this.#options)} ${this.#cacheBytes}`);
  }

  /** @param {string} name @param {Promise<unknown>} promise @param {() => void} [then] */
  chore(name, promise, then = () => {}) {
    /** @type {{ name: string, done: boolean, error?: unknown }} */
    const chore = { name, done: false };
    this.chores.push(chore);
    this.note(`chore ${name}`);
    promise.then(
      () => {
        chore.done = true;
        this.note(`done ${name}`);
        then();
      },
      (error) => {
        chore.done = true;
        chore.error = error;
        this.note(`not done ${name} ${codeOf(error)}`);
      },
    );
  }

  /** What the store is given: nothing else of the system is looked at (law 11). @param {SimulatedDisk} files */
  #worldOn(files) {
    const { random } = this;
    let calls = 0;
    return worldOf({
      clock: this.clock.clock,
      random: {
        bytes: (count) => Uint8Array.from({ length: count }, () => random.below(256)),
        unique: () => `u${random.below(0x7fffffff)}-${++calls}`,
      },
      files,
      folders: foldersOn(files, folder),
      locks: {
        takeStoreLock: async () => ({ kind: 'impossible', reason: 'a simulated store is locked by its disk' }),
        findHolder: async () => undefined,
        takeThreadLock: async () => 'impossible',
      },
    });
  }

  /** Opens what the files are, through crashes and failures. @param {import('./disk.mjs').Left} before */
  async open(before) {
    if (this.engine === 'memory') {
      const world = this.#worldOn(new SimulatedDisk(emptyDisk, this.random, this.note));
      this.kv = await this.answer(open(memory({ world }), { ...this.#options, world }), 'opening');
      return;
    }
    let left = before;
    for (let attempt = 0; ; attempt++) {
      const disk = new SimulatedDisk(left, this.random, this.note);
      this.disk = disk;
      disk.lies = this.#lies;
      this.#faultsKnown = 0;
      disk.crashKind = this.random.pick(['power', 'process']);
      if (attempt < 3 && this.random.chance(0.15)) disk.crashAt = this.random.between(1, 12);
      if (attempt < 3 && this.random.chance(0.1)) disk.fault = { call: this.random.between(1, 12), code: 'EIO' };
      try {
        const world = this.#worldOn(disk);
        const engine =
          this.engine === 'log'
            ? log(folder, { segmentBytes: this.#cacheBytes + 4096, world })
            : file(place, { cacheBytes: this.#cacheBytes, world });
        const opening = open(engine, { ...this.#options, world });
        this.kv = await this.answer(opening, 'opening');
        disk.crashAt = undefined;
        disk.fault = undefined;
        if (this.kv.stats().opened.checkpoint !== undefined) this.saved++;
        if (disk.left === undefined && disk.faults === 0) return;
        await this.kv.close().catch(() => undefined);
      } catch (error) {
        if (error instanceof Violation) throw error;
        if (codeOf(error) === undefined) throw error;
        if (disk.left === undefined && disk.faults === 0)
          throw new Violation(
            `law 7: the store does not open: ${codeOf(error)} ${/** @type {Error} */ (error).message}`,
          );
      }
      if (disk.left === undefined) disk.crash(this.random.chance(0.5) ? 'power' : 'process');
      left = disk.left ?? left;
    }
  }

  /** The power goes, or the process dies; then the store opens again. @param {'power' | 'process'} kind */
  async crash(kind) {
    const { disk } = this;
    if (disk === undefined) return;
    disk.crash(kind);
    this.crashes++;
    await this.#abandon();
    await this.#comeBack();
  }

  /** The old process is dead: nobody hears it any more. */
  async #abandon() {
    await this.refusal(this.kv.close(), 'closing after a crash');
    await this.until(() => !this.ledger.pending && this.chores.every(({ done }) => done), 'calls after a crash');
    await this.until(() => this.followers.every(({ ended }) => ended), 'watchers after a crash');
    if (this.clock.waiting > 0) throw new Violation('law 9: timers are left after closing');
  }

  async #comeBack() {
    this.chores = [];
    await this.open(this.disk?.left ?? emptyDisk);
    const { compactRevision = 0, revision } = await this.answer(this.kv.status(), 'status');
    this.note(`back at ${revision}, compacted ${compactRevision}`);
    if (compactRevision < (this.#strict ? this.compactAnswered : 0) || compactRevision > this.compactAsked)
      throw new Violation(
        `law 5: compacted at ${compactRevision}, asked ${this.compactAsked}, answered ${this.compactAnswered}`,
      );
    this.compactAsked = this.compactAnswered = compactRevision;
    if (this.#strict && revision < this.seen)
      throw new Violation(`law 1: ${this.seen} was seen, and ${revision} is the present`);
    if (!this.#strict && revision < this.model.revision) {
      if (revision < this.#committed)
        throw new Violation(`law 7: ${this.#committed} was committed, and ${revision} is the present`);
      this.model.goBack(revision);
      this.#dates?.goBack(revision);
    }
    this.seen = revision;
    await this.#absorb(true);
    for (const follower of this.followers) {
      if (!this.#strict) follower.next = Math.min(follower.next, revision + 1);
      follower.start(this.kv);
    }
    await this.look();
  }

  /** Everything up to here is committed, as the store says. */
  async commit() {
    const { revision } = this.kv;
    await this.answer(this.kv.commit(), 'commit');
    this.#committed = Math.max(this.#committed, revision);
  }

  async settle() {
    try {
      await this.#settle();
    } catch (error) {
      // A commit may fail at any time, also while we look: then that is what there is to look at.
      if (this.disk === undefined || this.disk.faults === this.#faultsKnown || codeOf(error) !== 'BACKEND_FAILED')
        throw error;
      await this.#settle();
    }
  }

  /** As `settle`, with no failure to come. */
  async calm() {
    if (this.disk !== undefined) this.disk.fault = undefined;
    await this.settle();
  }

  /** @returns {Promise<void>} */
  async #settle() {
    await this.until(() => !this.ledger.pending && this.chores.every(({ done }) => done), 'calls');
    if (this.disk !== undefined && this.disk.faults > this.#faultsKnown) {
      this.#faultsKnown = this.disk.faults;
      if (await this.#hasFailed()) return;
      this.chores = [];
    }
    const { refused } = this.ledger;
    if (refused !== undefined) throw refused.error;
    const wrong = this.chores.find(({ error }) => error !== undefined);
    if (wrong !== undefined)
      throw new Violation(`${wrong.name} rejected: ${codeOf(wrong.error) ?? String(wrong.error)}`, {
        cause: wrong.error,
      });
    this.chores = [];
    await this.#absorb(false);
    // A commit that nobody waits for may fail meanwhile, which ends the watchers.
    const hasFault = () => this.disk !== undefined && this.disk.faults > this.#faultsKnown;
    const isCalm = () => this.followers.every((one) => one.rests > 0 || one.drained);
    await this.until(() => hasFault() || isCalm(), 'watchers that are not slow');
    if (hasFault()) return this.#settle();
    await this.look();
  }

  /** Whether a commit has failed: loudly, finally, with reads that go on; then the store is opened again (law 8). */
  async #hasFailed() {
    const { kv, disk } = this;
    const probe = this.ledger.make(
      {
        said: 'probe',
        floats: false,
        make: (store) => store.put('probe', 'p').then(({ revision }) => ({ text: '', revision })),
        plays: [(draft) => (draft.put('probe', 'p'), '')],
      },
      kv,
    );
    await this.until(() => probe.done, 'a write after a failure');
    // With `interval` it is answered before anything is known.
    const code = probe.error === undefined ? await this.refusal(kv.commit(), 'a commit') : codeOf(probe.error);
    if (code === undefined) return false;
    this.failures++;
    if (code !== 'BACKEND_FAILED') throw new Violation(`law 8: a write after a failed commit: ${code}`);
    for (const write of [() => kv.put('probe', 'q'), () => kv.delete({ all: true }), () => kv.commit()]) {
      const code = await this.refusal(write(), 'a refusal');
      if (code !== 'BACKEND_FAILED') throw new Violation(`law 8: a write after a failed commit: ${code ?? 'answered'}`);
    }
    this.readSoon(kv.revision);
    await this.until(() => this.chores.every(({ done }) => done), 'reads after a failure');
    const unread = this.chores.find(({ name, error }) => error !== undefined && name.startsWith('read'));
    if (unread !== undefined)
      throw new Violation(`law 8: reads do not go on: ${codeOf(unread.error)}`, { cause: unread.error });
    await this.until(() => this.followers.every(({ ended }) => ended), 'watchers after a failure');
    const quiet = this.followers.find(({ code }) => code !== 'BACKEND_FAILED');
    if (quiet !== undefined) throw new Violation(`law 8: ${quiet.name} ended with ${quiet.code}`);
    await this.#abandon();
    disk?.crash(this.random.chance(0.5) ? 'power' : 'process');
    await this.#comeBack();
    return true;
  }

  /** Closes in peace, loses power, opens again: nothing is lost. */
  async reopen() {
    await this.calm();
    await this.answer(this.kv.close(), 'closing');
    this.#committed = this.model.revision;
    this.seen = this.model.revision;
    await this.#abandon();
    this.disk?.crash('power');
    const before = this.model.revision;
    await this.#comeBack();
    if (this.model.revision !== before)
      throw new Violation(`law 7: closed at ${before}, opened at ${this.model.revision}`);
  }

  /** Reads the store's history into the model. @param {boolean} crashed */
  async #absorb(crashed) {
    const { kv, model, ledger } = this;
    const target = kv.revision;
    if (target > model.revision) {
      const reading = (async () => {
        for await (const { revision, events } of kv.watch({}, { from: model.revision + 1 }).batches()) {
          ledger.enter(revision, eventsText(events));
          if (revision >= target) break;
        }
      })();
      await this.answer(reading, 'history');
    }
    ledger.end(this.#strict || !crashed ? Infinity : this.#committed);
    model.lookBack(this.#strict || !crashed);
    this.seen = Math.max(this.seen, kv.revision);
    if (kv.revision !== model.revision)
      throw new Violation(`law 2: the present is ${kv.revision}, not ${model.revision}`);
  }

  /** A read at a revision that is visible, compared once the model knows it. @param {number} revision */
  readSoon(revision) {
    const { kv, model } = this;
    const work = async () => {
      const found = [];
      for await (const entry of kv.at(revision).list({})) found.push(entry);
      const text = entriesText(found);
      model.whenKnown(revision, () => {
        const wanted = entriesText(listed(model.state(revision), {}));
        if (text !== wanted) this.report(new Violation(`law 2: at ${revision} there is ${text}, not ${wanted}`));
      });
    };
    const reading = work().catch((error) => {
      // Compacted meanwhile: also an answer.
      if (codeOf(error) === 'MVCC_COMPACTED' && revision < this.compactAsked) return;
      throw error;
    });
    this.chore(`read ${revision}`, reading);
  }

  /** Looks at the store and the model, both at rest: laws 2 and 5. */
  async look() {
    const { kv, model, random } = this;
    const { revision } = model;
    const lowest = Math.max(1, this.compactAnswered);
    for (const at of new Set([revision, random.between(lowest, revision), lowest])) {
      const range = at === revision ? {} : random.pick([{}, { prefix: 'a/' }, { start: 'b/3', end: 'd/2' }]);
      const wanted = listed(model.state(at), range);
      const reader = kv.at(at);
      /** @type {import('@varve/kv').Entry<string, string>[]} */
      const found = [];
      const reading = (async () => {
        for await (const entry of reader.list(range)) found.push(entry);
        return reader.count(range);
      })();
      const count = await this.answer(reading, `reading at ${at}`);
      if (entriesText(found) !== entriesText(wanted) || count !== wanted.length)
        throw new Violation(`law 2: at ${at} there is ${entriesText(found)} (${count}), not ${entriesText(wanted)}`);
    }
    const above = await this.refusal(kv.at(revision + 1).count({}), 'a read of the future');
    if (above !== 'MVCC_FUTURE_REVISION')
      throw new Violation(`law 2: a read at ${revision + 1} of ${revision}: ${above}`);
    if (this.compactAnswered > 1) {
      const below = await this.refusal(
        kv.at(random.between(1, this.compactAnswered - 1)).get('a/1'),
        'a compacted read',
      );
      if (below !== 'MVCC_COMPACTED')
        throw new Violation(`law 5: a read below ${this.compactAnswered}: ${below ?? 'answered'}`);
    }
    if (this.#dates !== undefined) await this.answer(this.#dates.look(kv), 'looking at times');
    if (this.violation !== undefined) throw this.violation;
  }

  /** The end: watchers are drained, and nothing is held any more (law 9). */
  async finish() {
    await this.calm();
    for (const follower of this.followers) follower.rests = 0;
    await this.until(() => this.followers.every(({ drained }) => drained), 'the last watchers');
    for (const follower of this.followers) await this.answer(follower.close(), 'the end of a watch');
    const rest = ({ openReads, watch } = this.kv.stats()) => openReads + watch.watchers + watch.streams + watch.pending;
    await this.until(() => rest() === 0, 'reads and watchers to be given back');
    await this.answer(this.kv.close(), 'closing');
    if (this.clock.waiting > 0) throw new Violation('law 9: timers are left after closing');
  }
}
