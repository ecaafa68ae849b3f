/**
 * Random histories: an engine against maps of its rows, obviously right.
 *
 * Commits, pins, reads, scans, compactions and, where the engine keeps its rows, closing and opening again.
 */
import assert from 'node:assert/strict';
import type { Bucket } from '../contract/bucket.ts';
import type { Change, Engine, EngineView, PinnedView } from '../contract/engine.ts';
import { Random } from './random.ts';
import { type RandomHistory, randomHistories } from './random-history.ts';
import { type Bench, bytes, chunksOf, numbered, type Scenario, text } from './scenario.ts';

/** Rows by bucket name; keys and values as latin1 text. */
type State = Map<string, Map<string, string>>;

const modelBuckets: readonly Bucket[] = [
  { id: 930, name: 'm', appendOnly: false },
  { id: 931, name: 'model', appendOnly: false },
  { id: 932, name: 'model_ascending', appendOnly: true },
];

export const modelScenarios: readonly Scenario[] = randomHistories(
  'model',
  'a random history agrees with plain maps (law 3, R77)',
  120,
  (bench, seed) => new History(bench, seed),
);

class History implements RandomHistory {
  readonly #bench: Bench;
  readonly #random: Random;
  #engine!: Engine;
  #state: State = new Map();
  #counter = 0;
  #pins: { readonly view: PinnedView; readonly state: State }[] = [];

  constructor(bench: Bench, seed: number) {
    this.#bench = bench;
    this.#random = new Random(seed);
  }

  async open(): Promise<void> {
    this.#engine = await this.#bench.open();
  }

  async step(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 50) await this.#commit();
    else if (dice < 65) this.#pins.push({ view: this.#engine.pin(), state: this.#state });
    else if (dice < 80) await this.#readSomewhere();
    else if (dice < 88) this.#pins.splice(this.#random.below(this.#pins.length + 1), 1)[0]?.view[Symbol.dispose]();
    else if (dice < 94) await this.#engine.compact();
    else if (dice < 97 && this.#bench.canReopen) await this.#reopen();
    else await this.#check();
  }

  end(): Promise<void> {
    return this.#check();
  }

  /** Everything, in the engine and in each pin. */
  async #check(): Promise<void> {
    for (const { view, state } of [{ view: this.#engine, state: this.#state }, ...this.#pins]) {
      assert.deepEqual([...view.buckets()], [...state.keys()].sort());
      for (const bucket of modelBuckets) await compareRange(view, state, bucket, undefined, undefined, 50);
    }
  }

  async #commit(): Promise<void> {
    const next: State = new Map([...this.#state].map(([name, rows]) => [name, new Map(rows)]));
    const changes = Array.from({ length: this.#random.below(40) }, () => this.#change(next)).filter(
      (change) => change !== undefined,
    );
    const before = this.#state;
    const done = this.#engine.commit(changes);
    // What is read while it runs is the state before or after it.
    const pin = this.#engine.pin();
    await done;
    this.#state = next;
    this.#pins.push({ view: pin, state: shows(pin, next, before) ? next : before });
  }

  #change(state: State): Change | undefined {
    const bucket = this.#random.pick(modelBuckets);
    const rows = state.get(bucket.name);
    const dice = this.#random.below(100);
    if (rows === undefined || dice < 3) {
      if (rows === undefined) state.set(bucket.name, new Map());
      return { type: 'createBucket', bucket };
    }
    if (dice < 5) {
      state.delete(bucket.name);
      return { type: 'deleteBucket', bucket };
    }
    if (dice < 30) {
      const key = this.#random.below(4) === 0 ? this.#key(bucket) : bytes(this.#existing(rows));
      if (key.length === 0) return undefined;
      rows.delete(text(key));
      return { type: 'delete', bucket, key };
    }
    const key = bucket.appendOnly ? numbered((this.#counter += 1 + this.#random.below(3))) : this.#key(bucket);
    const value = this.#random.bytes(this.#random.below(30));
    rows.set(text(key), text(value));
    return { type: 'put', bucket, key, value };
  }

  async #readSomewhere(): Promise<void> {
    const all: { readonly view: EngineView; readonly state: State }[] = [
      { view: this.#engine, state: this.#state },
      ...this.#pins,
    ];
    const { view, state } = this.#random.pick(all);
    const bucket = this.#random.pick(modelBuckets);
    for (let i = 0; i < 10; i += 1) {
      const rows = state.get(bucket.name);
      const key = i % 2 === 0 && rows !== undefined && rows.size > 0 ? bytes(this.#existing(rows)) : this.#key(bucket);
      const found = view.get(bucket, key);
      assert.equal(found === undefined ? undefined : text(found), rows?.get(text(key)));
    }
    const [start, end] = [0, 0].map(() => (this.#random.below(3) === 0 ? undefined : this.#key(bucket)));
    await compareRange(view, state, bucket, start, end, 1 + this.#random.below(8));
  }

  async #reopen(): Promise<void> {
    for (const { view } of this.#pins) view[Symbol.dispose]();
    this.#pins = [];
    this.#engine = await this.#bench.reopen(this.#engine);
    await this.#check();
  }

  #existing(rows: ReadonlyMap<string, string>): string {
    return rows.size === 0 ? '' : this.#random.pick([...rows.keys()]);
  }

  #key(bucket: Bucket): Uint8Array {
    if (bucket.appendOnly) return numbered(this.#random.below(this.#counter + 2));
    return bytes(this.#random.pick(['', 'a', '\0', '\xff', 'key/']) + String.fromCharCode(this.#random.below(40) + 30));
  }
}

/** Whether the view agrees with `state` on every row of either state. */
function shows(view: EngineView, state: State, other: State): boolean {
  const names = view.buckets();
  if (names.length !== state.size || names.some((name) => !state.has(name))) return false;
  for (const bucket of modelBuckets) {
    const rows = state.get(bucket.name);
    for (const key of [...(rows?.keys() ?? []), ...(other.get(bucket.name)?.keys() ?? [])]) {
      const found = view.get(bucket, bytes(key));
      if ((found && text(found)) !== rows?.get(key)) return false;
    }
  }
  return true;
}

async function compareRange(
  view: EngineView,
  state: State,
  bucket: Bucket,
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
  chunkSize: number,
): Promise<void> {
  const [from, to] = [start && text(start), end && text(end)];
  const want = [...(state.get(bucket.name) ?? [])]
    .filter(([key]) => (from === undefined || key >= from) && (to === undefined || key < to))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const chunks = await chunksOf(view.scan(bucket, { start, end, chunkSize }));
  for (const chunk of chunks) assert.ok(chunk.length > 0 && chunk.length <= chunkSize);
  assert.deepEqual(
    chunks.flat().map(({ key, value }) => [text(key), text(value)]),
    want,
  );
}
