/**
 * Random histories of a whole Backend over the engine, against maps of its rows: sections that finish and that throw,
 * commits on their own and asked for, pins, scans, hashes, defrag, closing and opening again.
 */
import assert from 'node:assert/strict';
import { crc32c } from '@varve/base/crc32c';
import type { Backend, BatchTx, ConcurrentReadTx, ReadTx } from '../contract/backend.ts';
import type { Bucket } from '../contract/bucket.ts';
import type { Engine } from '../contract/engine.ts';
import { openBackend } from '../open/open-backend.ts';
import { Random } from './random.ts';
import { type RandomHistory, randomHistories } from './random-history.ts';
import { type Bench, bytes, chunksOf, numbered, type Scenario, text } from './scenario.ts';

/** Rows by bucket name; keys and values as latin1 text. Never changed once it is the current one. */
type State = ReadonlyMap<string, ReadonlyMap<string, string>>;
type Draft = Map<string, Map<string, string>>;

const modelBuckets: readonly Bucket[] = [
  { id: 940, name: 'backend', appendOnly: false },
  { id: 941, name: 'backend_ascending', appendOnly: true },
];

const thrown = new Error('thrown by a section');

export const backendScenarios: readonly Scenario[] = randomHistories(
  'backend',
  'a random history of sections agrees with plain maps (law 3, R1, R77)',
  150,
  (bench, seed) => new History(bench, seed),
);

class History implements RandomHistory {
  readonly #bench: Bench;
  readonly #random: Random;
  readonly #batchLimit: number;
  #engine!: Engine;
  #backend!: Backend;
  #state: State = new Map();
  #counter = 0;
  #pins: { readonly tx: ConcurrentReadTx; readonly state: State }[] = [];
  #commits: Promise<void>[] = [];

  constructor(bench: Bench, seed: number) {
    this.#bench = bench;
    this.#random = new Random(seed);
    this.#batchLimit = 1 + this.#random.below(8);
  }

  async open(): Promise<void> {
    this.#engine = await this.#bench.open();
    await this.#openBackend();
  }

  async step(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 55) this.#section();
    else if (dice < 62) this.#pins.push({ tx: this.#backend.concurrentReadTx(), state: this.#state });
    else if (dice < 76) await this.#readSomewhere();
    else if (dice < 82) this.#pins.splice(this.#random.below(this.#pins.length + 1), 1)[0]?.tx[Symbol.dispose]();
    else if (dice < 87) this.#commits.push(this.#backend.forceCommit());
    else if (dice < 91) await this.#backend.forceCommit();
    else if (dice < 93) await this.#backend.admit();
    else if (dice < 95) await this.#backend.defrag();
    else if (dice < 98) await this.#hash();
    else if (this.#bench.canReopen) await this.#reopen();
    assert.equal(this.#backend.openReadTxN, this.#pins.length);
  }

  async end(): Promise<void> {
    for (const { tx, state } of this.#pins) await this.#compare(tx, state);
    await this.#hash();
    await this.#close();
  }

  async #openBackend(): Promise<void> {
    this.#backend = await openBackend(this.#engine, { batchLimit: this.#batchLimit, batchIntervalMs: 60_000 });
  }

  #section(): void {
    const draft: Draft = new Map([...this.#state].map(([name, rows]) => [name, new Map(rows)]));
    const fails = this.#random.below(5) === 0;
    const counter = this.#counter;
    const run = (): void =>
      this.#backend.batchTx((tx) => {
        for (let i = this.#random.below(8); i > 0; i -= 1) this.#write(tx, draft);
        this.#points(tx, draft);
        this.#backend.readTx((before) => this.#points(before, this.#state));
        if (fails) throw thrown;
      });
    if (fails) {
      assert.throws(run, (error) => error === thrown);
      this.#counter = counter;
    } else {
      run();
      this.#state = draft;
    }
    this.#backend.readTx((tx) => this.#points(tx, this.#state));
  }

  #write(tx: BatchTx, draft: Draft): void {
    const bucket = this.#random.pick(modelBuckets);
    const rows = draft.get(bucket.name);
    const dice = this.#random.below(100);
    if (rows === undefined || dice < 3) {
      if (rows === undefined) {
        assert.throws(() => tx.put(bucket, bytes('a'), bytes('b')), { code: 'BACKEND_NO_BUCKET' });
        draft.set(bucket.name, new Map());
      }
      tx.createBucket(bucket);
    } else if (dice < 6) {
      draft.delete(bucket.name);
      tx.deleteBucket(bucket);
    } else if (dice < 30) {
      const key = this.#key(bucket);
      rows.delete(text(key));
      tx.delete(bucket, key);
    } else {
      const key = bucket.appendOnly ? numbered((this.#counter += 1)) : this.#key(bucket);
      const value = this.#random.bytes(this.#random.below(100));
      rows.set(text(key), text(value));
      tx.put(bucket, key, value);
      if (bucket.appendOnly) {
        assert.throws(() => tx.put(bucket, key, value), { code: 'BACKEND_KEY_ORDER' });
      }
      value.fill(0);
      key.fill(0);
    }
  }

  #points(tx: ReadTx, state: State): void {
    for (const bucket of modelBuckets) {
      for (let i = 0; i < 4; i += 1) {
        const key = this.#key(bucket);
        const found = tx.get(bucket, key);
        assert.equal(found && text(found), state.get(bucket.name)?.get(text(key)));
      }
    }
  }

  async #readSomewhere(): Promise<void> {
    if (this.#pins.length > 0 && this.#random.below(2) === 0) {
      const { tx, state } = this.#random.pick(this.#pins);
      await this.#compare(tx, state);
    } else {
      const tx = this.#backend.concurrentReadTx();
      const state = this.#state;
      await this.#compare(tx, state);
      tx[Symbol.dispose]();
    }
  }

  async #compare(tx: ConcurrentReadTx, state: State): Promise<void> {
    this.#points(tx, state);
    for (const bucket of modelBuckets) {
      const [start, end] = [0, 0].map(() => (this.#random.below(2) === 0 ? undefined : this.#key(bucket)));
      const [from, to] = [start && text(start), end && text(end)];
      const want = [...(state.get(bucket.name) ?? [])]
        .filter(([key]) => (from === undefined || key >= from) && (to === undefined || key < to))
        .sort(([a], [b]) => (a < b ? -1 : 1));
      const chunkSize = 1 + this.#random.below(6);
      const chunks = await chunksOf(tx.scan(bucket, { start, end, chunkSize }));
      for (const chunk of chunks) assert.ok(chunk.length > 0 && chunk.length <= chunkSize);
      assert.deepEqual(
        chunks.flat().map(({ key, value }) => [text(key), text(value)]),
        want,
      );
    }
  }

  async #hash(): Promise<void> {
    await this.#backend.forceCommit();
    let sum = 0;
    for (const [name, rows] of [...this.#state].sort(([a], [b]) => (a < b ? -1 : 1))) {
      sum = crc32c(bytes(name), sum);
      for (const [key, value] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
        sum = crc32c(bytes(value), crc32c(bytes(key), sum));
      }
    }
    assert.equal(await this.#backend.hash(), sum);
  }

  async #reopen(): Promise<void> {
    await this.#close();
    this.#engine = await this.#bench.reopen(this.#engine);
    await this.#openBackend();
    const tx = this.#backend.concurrentReadTx();
    await this.#compare(tx, this.#state);
    tx[Symbol.dispose]();
  }

  async #close(): Promise<void> {
    await this.#backend.close();
    await Promise.all(this.#commits);
    this.#commits = [];
    for (const { tx } of this.#pins) {
      assert.throws(() => tx.get(modelBuckets[0]!, bytes('a')), { code: 'BACKEND_CLOSED' });
    }
    this.#pins = [];
  }

  #key(bucket: Bucket): Uint8Array {
    if (bucket.appendOnly) return numbered(this.#random.below(this.#counter + 2));
    return bytes(this.#random.pick(['a', '\0', '\xff', 'key/']) + String.fromCharCode(this.#random.below(12) + 60));
  }
}
