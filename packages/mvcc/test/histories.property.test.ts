/**
 * The invariants of the spec, section 18, and laws 2, 3, 5, 6 and 7: random histories with restarts, compactions and
 * crashes at chosen commits, against a plain model. The seed of a failure is printed by fast-check.
 */
import { openBackend } from '@varve/backend';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import type { Compaction, Store, StoreOptions } from '../src/store.ts';
import { Model, type Step } from './model.ts';
import { ALL, bytes, makeEngine, Medium, rows, type EngineName } from './support.ts';

type Op =
  | { readonly type: 'write'; readonly steps: readonly Step[]; readonly throws: boolean; readonly settle: boolean }
  | { readonly type: 'compact'; readonly share: number; readonly wait: boolean }
  | { readonly type: 'restart'; readonly options: StoreOptions }
  | { readonly type: 'crash'; readonly commits: number; readonly options: StoreOptions };

const keys = fc.constantFrom('a', 'aa', 'b', 'c', 'é');
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('put' as const),
    key: keys,
    value: fc.string({ maxLength: 6 }),
    lease: fc.constantFrom(0n, 0n, 7n, -1n),
  }),
  fc.record({
    type: fc.constant('delete' as const),
    key: keys,
    end: fc.option(fc.constantFrom('', 'b', 'd'), { nil: undefined }),
  }),
);
const options: fc.Arbitrary<StoreOptions> = fc.record({
  compactionBatchLimit: fc.constantFrom(1, 2, 3, 1000),
  compactionPauseMs: fc.constantFrom(0, undefined),
  restoreChunkLimit: fc.constantFrom(1, 2, 7, 10_000),
  cacheBytes: fc.constantFrom(0, 2000, 1 << 20),
});
const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      steps: fc.array(steps, { minLength: 1, maxLength: 4 }),
      throws: fc.constantFrom(false, false, false, true),
      settle: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('compact' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      wait: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), options }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('crash' as const), commits: fc.nat(4), options }),
  },
);

function run(txn: Parameters<Parameters<Store['write']>[0]>[0], list: readonly Step[]): void {
  for (const step of list) {
    if (step.type === 'put') txn.put(bytes(step.key), bytes(step.value), step.lease);
    else txn.deleteRange(bytes(step.key), step.end === undefined ? undefined : bytes(step.end));
  }
}

/** One run: the store, its model, and what a crash may have left open. */
class Run {
  readonly medium: Medium;
  readonly model = new Model();
  store!: Store;
  #backend!: Awaited<ReturnType<typeof openBackend>>;
  /** Revisions at or below it were acknowledged. */
  #settled = 1;
  /** Of the compactions asked for: the newest that was accepted, and the newest tried. */
  #compacted = 0;
  #tried = 0;

  constructor(medium: Medium) {
    this.medium = medium;
  }

  async open(storeOptions: StoreOptions, commitsLeft = Infinity): Promise<void> {
    this.#backend = await openBackend(this.medium.attach(commitsLeft));
    this.store = await openStore(this.#backend, storeOptions);
  }

  /** After a crash: what survived is a prefix with everything acknowledged. */
  async recover(storeOptions: StoreOptions): Promise<void> {
    this.medium.crash();
    await this.store.close();
    await this.open(storeOptions);
    const revision = this.store.rev();
    expect(revision).toBeGreaterThanOrEqual(Math.max(this.#settled, this.#compacted));
    expect(revision).toBeLessThanOrEqual(this.model.revision);
    expect([this.#compacted, this.#tried]).toContain(this.store.firstRev());
    this.model.truncate(revision);
    this.#settled = revision;
    this.#compacted = this.store.firstRev();
    this.#tried = this.#compacted;
  }

  async step(op: Op): Promise<void> {
    if (op.type === 'write') await this.#write(op.steps, op.throws, op.settle);
    else if (op.type === 'compact') await this.#compact(op.share, op.wait);
    else if (op.type === 'restart') {
      const settled = this.store.settled();
      await this.store.close();
      await settled;
      await this.#backend.close();
      await this.open(op.options);
      expect(this.store.rev()).toBe(this.model.revision);
      this.#settled = this.model.revision;
    } else {
      // The process that comes lives for so many commits; what follows runs into its end.
      await this.recover(op.options);
      this.medium.endAfter(op.commits);
    }
  }

  async #write(list: readonly Step[], throws: boolean, settle: boolean): Promise<void> {
    const before = this.store.finishedRev();
    if (throws) {
      const failure = new Error('undo');
      let thrown: unknown;
      try {
        this.store.write((txn) => {
          run(txn, list);
          throw failure;
        });
      } catch (error) {
        thrown = error;
      }
      if (isCrash(thrown)) throw thrown; // a commit had failed before
      expect(thrown).toBe(failure);
      expect(this.store.finishedRev()).toBe(before);
      return;
    }
    const { revision } = this.store.write((txn) => {
      run(txn, list);
    });
    const changed = this.model.apply(list);
    expect(revision).toBe(before + (changed ? 1 : 0));
    expect(revision).toBe(this.model.revision);
    if (!settle) return;
    await this.store.settled();
    this.#settled = this.store.rev();
    expect(this.#settled).toBe(this.model.revision);
  }

  async #compact(share: number, wait: boolean): Promise<void> {
    await this.store.settled();
    this.#settled = this.store.rev();
    const low = Math.max(this.#compacted + 1, 1);
    if (low > this.#settled) return;
    const revision = low + Math.floor(share * (this.#settled - low));
    const { hash, compactRevision } = await this.store.hashByRev(revision);
    this.#tried = revision;
    const compaction: Compaction = await this.store.compact(revision);
    this.#compacted = revision;
    if (!wait) return;
    await compaction.finished();
    const stored = await this.store.hashByRev(revision);
    if (stored.compactRevision === compactRevision) expect(stored.hash).toBe(hash);
  }

  /** Invariants 1, 2 and 7: every revision that can be read is what it was. */
  async check(): Promise<void> {
    const { store, model } = this;
    expect(store.finishedRev()).toBe(model.revision);
    for (let revision = Math.max(1, store.firstRev()); revision <= store.rev(); revision++) {
      const want = model.at(revision);
      const { kvs, count } = await store.range(...ALL, { revision });
      expect(kvs).toEqual(want);
      expect(count).toBe(want.length);
      for (const kv of want) expect(store.get(kv.key, { revision })).toEqual(kv);
    }
  }

  /** Invariants 3, 5 and 6: the bucket is the model's, byte for byte that of a store that was never disturbed. */
  async finish(): Promise<void> {
    await this.store.settled();
    await this.store.compactionBarrier();
    await this.check();
    const compacted = this.store.firstRev();
    expect(await rows(this.#backend)).toEqual(this.model.rows(compacted));
    const { engine } = await makeEngine('memory');
    const backend = await openBackend(engine, { batchLimit: 3 });
    const calm = await openStore(backend, { durability: 'interval', compactionBatchLimit: 4 });
    for (const list of this.model.txns.slice(2)) {
      calm.write((txn) => {
        run(txn, list);
      });
    }
    if (compacted > 0) await (await calm.compact(compacted)).finished();
    expect(await rows(this.#backend, true)).toEqual(await rows(backend, true));
    const ours = await this.store.hashByRev(0);
    const theirs = await calm.hashByRev(0);
    expect([ours.hash, ours.revision]).toEqual([theirs.hash, theirs.revision]);
    await calm.close();
    await backend.close();
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.medium.close();
  }
}

function isCrash(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'BACKEND_FAILED';
}

async function check(engine: EngineName, history: readonly Op[]): Promise<void> {
  const { engine: inner, remove } = await makeEngine(engine);
  const run = new Run(new Medium(inner));
  await run.open({});
  try {
    for (const op of history) {
      try {
        await run.step(op);
      } catch (error) {
        if (!isCrash(error)) throw error;
        await run.recover({});
      }
      await run.check();
    }
    await run.recover({});
    await run.finish();
  } finally {
    await run.close();
    remove();
  }
}

/** With `VARVE_LARGE=1` as many as a nightly run has time for. */
const LARGE = process.env['VARVE_LARGE'] === '1';

test.each([
  ['memory', LARGE ? 3000 : 200],
  ['level', LARGE ? 200 : 12],
] as const)(
  'invariants 1 to 7, laws 2, 3, 5, 6, 7: random histories (%s)',
  async (engine, numRuns) => {
    await fc.assert(
      fc.asyncProperty(fc.array(ops, { maxLength: 40, size: 'max' }), (history) => check(engine, history)),
      { numRuns },
    );
  },
  LARGE ? 1_200_000 : 120_000,
);

test('law 6: one history, two engines, equal hashes', async () => {
  const txns = fc.array(fc.array(steps, { minLength: 1, maxLength: 4 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(txns, async (history) => {
      const seen: unknown[] = [];
      for (const name of ['memory', 'level'] as const) {
        const { engine, remove } = await makeEngine(name);
        const backend = await openBackend(engine);
        const store = await openStore(backend);
        const hashes: unknown[] = [];
        for (const list of history) {
          store.write((txn) => {
            run(txn, list);
          });
          await store.settled();
          hashes.push(await store.hashByRev(0));
        }
        hashes.push((await store.hash()).hash, await rows(backend, true));
        seen.push(hashes);
        await store.close();
        await backend.close();
        remove();
      }
      expect(seen[0]).toEqual(seen[1]);
    }),
    { numRuns: 10 },
  );
});
