import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Bolt, OpenOptions, ReadBucket, ReadTransaction, WriteBucket } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';

/** A bucket as plain maps; keys are latin1 text, which sorts as bytes. */
interface Model {
  sequence: bigint;
  readonly entries: Map<string, string | Model>;
}

const fresh = (): Model => ({ sequence: 0n, entries: new Map() });
const clone = (model: Model): Model => ({
  sequence: model.sequence,
  entries: new Map([...model.entries].map(([key, value]) => [key, typeof value === 'string' ? value : clone(value)])),
});

type Step =
  | { readonly kind: 'put'; readonly path: readonly number[]; readonly key: number; readonly size: number }
  | {
      readonly kind: 'fill';
      readonly path: readonly number[];
      readonly from: number;
      readonly count: number;
      readonly size: number;
    }
  | { readonly kind: 'delete'; readonly path: readonly number[]; readonly key: number }
  | { readonly kind: 'clear'; readonly path: readonly number[]; readonly from: number; readonly count: number }
  | { readonly kind: 'create' | 'drop' | 'sequence'; readonly path: readonly number[]; readonly key: number };

interface Tx {
  readonly kind: 'commit' | 'throw' | 'group';
  readonly steps: readonly Step[];
}

type Command = Tx | { readonly kind: 'reopen' | 'crash' | 'pin' | 'unpin' | 'defragment' };

const name = (index: number): Buffer => Buffer.from(`${'n'.repeat(index % 7)}${index}`);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const path = fc.array(fc.nat(2), { minLength: 1, maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('put' as const), path, key: fc.nat(300), size: fc.nat(700) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fill' as const),
      path,
      from: fc.nat(200),
      count: fc.nat(120),
      size: fc.nat(60),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), path, key: fc.nat(300) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('clear' as const), path, from: fc.nat(250), count: fc.nat(150) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('create' as const, 'drop' as const, 'sequence' as const),
      path,
      key: fc.nat(2),
    }),
  },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit' as const, 'commit' as const, 'group' as const, 'throw' as const),
      steps: fc.array(step, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'reopen' as const,
        'crash' as const,
        'pin' as const,
        'unpin' as const,
        'defragment' as const,
      ),
    }),
  },
);
const setting: fc.Arbitrary<OpenOptions> = fc.record({
  pageSize: fc.constantFrom(512, 512, 1024, 4096),
  freelist: fc.constantFrom('persisted' as const, 'scanned' as const),
  pageChecksums: fc.boolean(),
  cacheBytes: fc.constantFrom(0, 4096, 1 << 20),
});

function applyToModel(root: Model, one: Step, value: string): void {
  let model = root;
  for (const index of one.path) {
    const key = `bucket${index}`;
    const nested = model.entries.get(key) ?? fresh();
    assert.ok(typeof nested !== 'string');
    model.entries.set(key, nested);
    model = nested;
  }
  const { entries } = model;
  if (one.kind === 'put') entries.set(text(name(one.key)), value.repeat(one.size));
  if (one.kind === 'fill')
    for (let i = 0; i < one.count; i++) entries.set(text(name(one.from + i)), value.repeat(one.size));
  if (one.kind === 'delete') entries.delete(text(name(one.key)));
  if (one.kind === 'clear') for (let i = 0; i < one.count; i++) entries.delete(text(name(one.from + i)));
  if (one.kind === 'create') entries.set(`bucket${one.key}`, entries.get(`bucket${one.key}`) ?? fresh());
  if (one.kind === 'drop') entries.delete(`bucket${one.key}`);
  if (one.kind === 'sequence') model.sequence++;
}

function applyToBucket(root: WriteBucket, one: Step, value: string): void {
  let bucket = root;
  for (const index of one.path) bucket = bucket.createBucketIfMissing(`bucket${index}`);
  if (one.kind === 'put') bucket.put(name(one.key), value.repeat(one.size));
  if (one.kind === 'fill') for (let i = 0; i < one.count; i++) bucket.put(name(one.from + i), value.repeat(one.size));
  if (one.kind === 'delete') bucket.delete(name(one.key));
  if (one.kind === 'clear') for (let i = 0; i < one.count; i++) bucket.delete(name(one.from + i));
  if (one.kind === 'create') bucket.createBucketIfMissing(`bucket${one.key}`);
  if (one.kind === 'drop') bucket.deleteBucket(`bucket${one.key}`);
  if (one.kind === 'sequence') bucket.nextSequence();
}

function same(bucket: ReadBucket, model: Model): void {
  assert.equal(bucket.sequence, model.sequence);
  const want = [...model.entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const cursor = bucket.cursor();
  let at = 0;
  for (let found = cursor.first(); found; found = cursor.next()) {
    const [key, value] = want[at++] ?? [];
    assert.equal(text(cursor.key), key);
    if (typeof value === 'string') assert.equal(text(cursor.value as Uint8Array), value);
    else assert.ok(cursor.isBucket && value !== undefined);
  }
  assert.equal(at, want.length);
  for (let found = cursor.last(); found; found = cursor.prev()) assert.equal(text(cursor.key), want[--at]?.[0]);
  assert.equal(at, 0);
  for (const [key, value] of want) {
    const bytes = Buffer.from(key, 'latin1');
    assert.ok(cursor.seek(bytes) && text(cursor.key) === key);
    if (typeof value === 'string') assert.equal(text(bucket.get(bytes) as Uint8Array), value);
    else same(bucket.bucket(bytes) as ReadBucket, value);
  }
}

const PATH = '/disk/model.db';
const STOP = new Error('stop');

async function history(options: OpenOptions, commands: readonly Command[], seed: number): Promise<void> {
  let disk = new SimulatedDisk();
  let bolt: Bolt = await openBoltOn(disk, PATH, options);
  let model = fresh();
  let pins: { tx: ReadTransaction; model: Model }[] = [];
  const random = seeded(seed);
  let round = 0;
  const check = async (): Promise<void> => {
    const { problems } = await bolt.check();
    assert.deepEqual(problems, []);
    using tx = bolt.read();
    same(tx.root, model);
    for (const pin of pins) same(pin.tx.root, pin.model);
  };
  for (const one of commands) {
    round++;
    const value = String.fromCharCode(97 + (round % 26));
    if (one.kind === 'pin') pins.push({ tx: bolt.read({ borrow: round % 2 === 0 }), model: clone(model) });
    else if (one.kind === 'unpin') pins.splice(Math.floor(random() * pins.length), 1)[0]?.tx.end();
    else if (one.kind === 'defragment') await bolt.defrag();
    else if (one.kind === 'reopen' || one.kind === 'crash') {
      pins = [];
      if (one.kind === 'reopen') await bolt.close();
      else disk = disk.crash(random);
      bolt = await openBoltOn(disk, PATH, options);
    } else if ('steps' in one) {
      await runTx(bolt, one, value, model, round % 3 === 0);
      if (one.kind !== 'throw') {
        const next = clone(model);
        for (const single of one.steps) applyToModel(next, single, value);
        model = next;
      }
    }
    await check();
  }
  await bolt.close();
}

async function runTx(bolt: Bolt, { kind, steps }: Tx, value: string, before: Model, sliced: boolean): Promise<void> {
  const body = (part: readonly Step[], fails: boolean) => (tx: { root: WriteBucket }) => {
    for (const single of part) applyToBucket(tx.root, single, value);
    if (fails) throw STOP;
  };
  if (sliced && kind !== 'group') {
    const writing = bolt.writeInSteps(function* (tx) {
      for (const single of steps) {
        applyToBucket(tx.root, single, value);
        yield;
      }
      if (kind === 'throw') throw STOP;
    });
    await (kind === 'throw' ? assert.rejects(writing, STOP) : writing);
  } else if (kind === 'commit') {
    await bolt.write((tx) => {
      const now = clone(before);
      for (const single of steps) {
        applyToBucket(tx.root, single, value);
        applyToModel(now, single, value);
      }
      same(tx.root, now); // F75: a transaction sees its own changes
    });
  } else if (kind === 'throw') {
    await assert.rejects(bolt.write(body(steps, true)), STOP);
  } else {
    // The first body commits alone; the rest share a commit, with bodies between them that do the same and then throw.
    const writes = steps.flatMap((single, i) => [
      bolt.write(body([single], false)),
      ...(i > 0 ? [bolt.write(body(steps, true))] : []),
    ]);
    for (const result of await Promise.allSettled(writes))
      if (result.status === 'rejected') assert.equal(result.reason, STOP);
  }
}

const RUNS = process.env['VARVE_LARGE'] === '1' ? 10_000 : 300;

describe('F33 F36 F38 F39 F67 F68 F75 F100 F102', () => {
  test(`${RUNS} random histories equal plain maps, the check clean after every step`, async () => {
    await fc.assert(fc.asyncProperty(setting, fc.array(command, { minLength: 1, maxLength: 14 }), fc.nat(), history), {
      numRuns: RUNS,
    });
  }, 3_600_000);
});
