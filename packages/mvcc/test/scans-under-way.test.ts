/** What a scan of the records sees while sections finish, commits run and end, and rows go: exactly its moment. */
import { buckets, openBackend, type Backend } from '@varve/backend';
import { expect, test } from 'vitest';
import { readMain, revisionBytes } from '../src/revision-bytes.ts';
import { bytes, compact, engines, makeEngine, open, rows, type EngineName } from './support.ts';

const LARGE = process.env['VARVE_LARGE'] === '1';

/** Numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Scanned {
  /** What finished sections have left, ascending. */
  readonly #live = new Set<number>();
  readonly #backend: Backend;
  readonly #random: () => number;
  #next = 1;

  constructor(backend: Backend, random: () => number) {
    this.#backend = backend;
    this.#random = random;
  }

  write(count: number, fails: boolean): void {
    const first = this.#next;
    this.#section(fails, (put) => {
      for (let i = 0; i < count; i++) put(first + i);
    });
    if (fails) return;
    this.#next = first + count;
    for (let n = first; n < this.#next; n++) this.#live.add(n);
  }

  /** Takes rows out of one stretch, as a compaction does. */
  remove(fails: boolean): void {
    const share = this.#random();
    const from = this.#below(this.#live.size);
    const gone = [...this.#live].slice(from, from + this.#below(2000)).filter(() => this.#random() < share);
    this.#section(fails, (_, remove) => {
      for (const n of gone) remove(n);
    });
    if (!fails) for (const n of gone) this.#live.delete(n);
  }

  async check(): Promise<void> {
    const random = this.#random;
    const from = random() < 0.3 ? this.#below(this.#next) : 0;
    const to = random() < 0.3 ? this.#below(this.#next) : Infinity;
    const want = [...this.#live].filter((n) => n >= from && n < to);
    const tx = this.#backend.concurrentReadTx();
    const scan = tx.scan(buckets.key, {
      start: from === 0 ? undefined : revisionBytes(from, 0),
      end: to === Infinity ? undefined : revisionBytes(to, 0),
      chunkSize: 1 + this.#below(1000),
    });
    if (random() < 0.5) await new Promise(setImmediate);
    const seen: number[] = [];
    for await (const chunk of scan) {
      seen.push(...chunk.map((entry) => readMain(entry.key)));
      if (random() < 0.2) await new Promise(setImmediate);
    }
    tx[Symbol.dispose]();
    expect(seen).toEqual(want);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #section(fails: boolean, body: (put: (n: number) => void, remove: (n: number) => void) => void): void {
    const thrown = new Error('undone');
    try {
      this.#backend.batchTx((tx) => {
        const value = new Uint8Array(this.#below(300));
        body(
          (n) => tx.put(buckets.key, revisionBytes(n, 0), value),
          (n) => tx.delete(buckets.key, revisionBytes(n, 0)),
        );
        if (fails) throw thrown;
      });
    } catch (error) {
      if (error !== thrown) throw error;
    }
  }
}

async function storm(engineName: EngineName, seed: number): Promise<void> {
  const random = randomOf(seed);
  const { engine, remove } = await makeEngine(engineName);
  const backend = await openBackend(engine, {
    batchLimit: 1 + Math.floor(random() * 3000),
    batchIntervalMs: Math.floor(random() * 5),
  });
  backend.batchTx((tx) => tx.createBucket(buckets.key));
  const scanned = new Scanned(backend, random);
  const running: Promise<unknown>[] = [];
  for (let step = 0; step < 60; step++) {
    const what = random();
    if (what < 0.45) scanned.write(Math.floor(random() * (random() < 0.1 ? 5000 : 50)), random() < 0.1);
    else if (what < 0.6) scanned.remove(random() < 0.1);
    else if (what < 0.7) running.push(backend.forceCommit());
    else if (what < 0.75) await backend.forceCommit();
    else if (what < 0.77) running.push(backend.defrag());
    else if (what < 0.85) await (random() < 0.5 ? new Promise(setImmediate) : Promise.resolve());
    else running.push(scanned.check());
  }
  await Promise.all(running);
  await scanned.check();
  await backend.close();
  remove();
}

test.each([
  ['memory', LARGE ? 2000 : 40],
  ['level', LARGE ? 200 : 8],
] as const)(
  'BD7, law 2: a scan sees every row that had finished, and nothing else (%s)',
  async (engine, seeds) => {
    for (let seed = 1; seed <= seeds; seed++) await storm(engine, seed);
  },
  LARGE ? 600_000 : 60_000,
);

test.each(engines)('M63: a compaction right after many writes looks at every record (%s)', async (engine) => {
  for (const durability of ['interval', 'commit'] as const) {
    const { store, backend } = await open({ durability }, engine, { batchLimit: 700 });
    const { revision } = store.write((txn) => txn.put(bytes('k0'), bytes('x')));
    for (let i = 1; i < 3000; i++) store.put(bytes(`k${i % 10}`), bytes(`${i}`));
    if (durability === 'commit') await store.settled();
    const last = revision + 2999;
    const compaction = await store.compact(last);
    for (let i = 0; i < 500; i++) store.put(bytes('later'), bytes(`${i}`));
    await compaction.finished();
    expect(compaction.progress).toEqual({ scanned: 3000, removed: 2990 });
    await store.commit();
    expect(await rows(backend)).toHaveLength(510);
    await compact(store, last + 500);
    expect(await rows(backend)).toHaveLength(11);
  }
});
