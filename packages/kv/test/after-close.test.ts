/** R10: after `close` there is one code, for every member of what the store is, has handed out or was called with. */
import { describe, expect, test } from 'vitest';
import {
  KvError,
  open,
  put,
  type Compaction,
  type EmbeddedKv,
  type Reader,
  type Snapshot,
  type Transaction,
  type Watch,
  type WriteSection,
} from '../src/index.ts';
import { codeOf, collect, engines, failure, temporaryFolder } from './helpers.ts';

/** Every member by its name, so that the compiler sees one that is missing. */
type Calls<T> = { readonly [Member in keyof T]-?: ((it: T) => unknown) | 'answers still' };

const ofReader: Calls<Reader<string, string>> = {
  get: (reader) => reader.get('k1'),
  getMany: (reader) => reader.getMany(['k1']),
  list: (reader) => reader.list({}),
  keys: (reader) => reader.keys({}),
  page: (reader) => reader.page({}),
  count: (reader) => reader.count({}),
};

const ofKv: Calls<EmbeddedKv> = {
  ...ofReader,
  revision: (kv) => kv.revision,
  getSync: (kv) => kv.getSync('k1'),
  listSync: (kv) => kv.listSync({}, { limit: 5 }),
  check: (kv) => kv.check(),
  at: (kv) => kv.at(1),
  put: (kv) => kv.put('a', 'x'),
  create: (kv) => kv.create('b', 'x'),
  update: (kv) => kv.update('a', 'x', { revision: 1 }),
  delete: (kv) => kv.delete('a'),
  lease: (kv) => kv.lease({ ttl: 5 }),
  leases: (kv) => kv.leases(),
  txn: (kv) => kv.txn({ then: [put('a', 'x')] }),
  transaction: (kv) => kv.transaction(() => undefined),
  write: (kv) => kv.write(() => undefined),
  history: (kv) => kv.history('k1'),
  changes: (kv) => kv.changes({}, { since: 1 }),
  diff: (kv) => kv.diff(1, 1, {}),
  undo: (kv) => kv.undo({}, 1),
  hold: (kv) => kv.hold(1),
  revisionAt: (kv) => kv.revisionAt(0),
  timeOf: (kv) => kv.timeOf(1),
  watch: (kv) => kv.watch({}),
  namespace: (kv) => kv.namespace('k'),
  compact: (kv) => kv.compact(2),
  status: (kv) => kv.status(),
  stats: (kv) => kv.stats(),
  backup: (kv) => kv.backup(temporaryFolder('copy.db')),
  snapshot: (kv) => kv.snapshot(),
  defrag: (kv) => kv.defrag(),
  hashByRev: (kv) => kv.hashByRev(),
  settled: (kv) => kv.settled(),
  commit: (kv) => kv.commit(),
  close: 'answers still',
  [Symbol.asyncDispose]: 'answers still',
};

const ofSection: Calls<WriteSection<string, string>> = {
  revision: 'answers still',
  get: (section) => section.get('k1'),
  list: (section) => section.list({}),
  count: (section) => section.count({}),
  put: (section) => section.put('a', 'x'),
  delete: (section) => section.delete('a'),
  in: (section) => section.in(undefined as never),
};

const ofTransaction: Calls<Transaction<string, string>> = {
  revision: 'answers still',
  get: (tx) => tx.get('k1'),
  getMany: (tx) => tx.getMany(['k1']),
  list: (tx) => tx.list({}),
  put: (tx) => tx.put('a', 'x'),
  delete: (tx) => tx.delete('a'),
  in: (tx) => tx.in(undefined as never),
};

/** A wrong argument does not make it another code: nothing is looked at any more. */
const wrong: readonly (readonly [string, (made: Made) => unknown])[] = [
  ['get', ({ kv }) => kv.get('')],
  ['list', ({ kv }) => kv.list(7 as never)],
  ['at', ({ kv }) => kv.at(-1)],
  ['history', ({ kv }) => kv.history('')],
  ['undo', ({ kv }) => kv.undo('', -1)],
  ['hold', ({ kv }) => kv.hold(-1)],
  ['timeOf', ({ kv }) => kv.timeOf(-1)],
  ['watch', ({ kv }) => kv.watch('')],
  ['namespace', ({ kv }) => kv.namespace({} as never)],
  ['put of a section', ({ section }) => section.put('', 'x')],
  ['list of a section', ({ section }) => section.list(7 as never)],
  ['count of a section', ({ section }) => section.count(7 as never)],
  ['delete of a section', ({ section }) => section.delete('')],
  ['get of a transaction', ({ transaction }) => transaction.get('')],
];

/** So much that a snapshot has several chunks. */
const large = 'x'.repeat(50_000);

/** What a store hands out, all of it made before it is closed. */
interface Made {
  readonly kv: EmbeddedKv;
  readonly space: EmbeddedKv;
  readonly reader: Reader<string, string>;
  readonly section: WriteSection<string, string>;
  readonly transaction: Transaction<string, string>;
  readonly snapshot: Snapshot;
  readonly compaction: Compaction;
  readonly fresh: readonly AsyncIterable<unknown>[];
  readonly begun: readonly AsyncIterator<unknown>[];
}

async function made(kv: EmbeddedKv): Promise<Made> {
  await kv.write((section) => {
    for (let i = 0; i < 20; i++) section.put(`k${i}`, large);
  });
  await kv.put('k1', 'y');
  const kept: { section?: WriteSection<string, string>; transaction?: Transaction<string, string> } = {};
  await kv.write((section) => void (kept.section = section));
  await kv.transaction((transaction) => void (kept.transaction = transaction));
  const reader = kv.at(3);
  const space = kv.namespace('k');
  const lists = (): AsyncIterable<unknown>[] => [
    kv.list({}),
    reader.list({}),
    space.list({}),
    kv.list({}, { orderBy: 'value' }),
    reader.keys({}),
    kv.changes({}, { since: 1 }),
    kv.diff(1, 2, {}),
    kv.history('k1'),
    space.history('1'),
  ];
  const begun = [...lists(), await kv.snapshot()].map((stream) => stream[Symbol.asyncIterator]());
  for (const iterator of begun) expect((await iterator.next()).done).toBe(false);
  return {
    kv,
    space,
    reader,
    section: kept.section!,
    transaction: kept.transaction!,
    snapshot: await kv.snapshot(),
    compaction: await kv.compact(2),
    fresh: lists(),
    begun,
  };
}

function callsOf<T>(it: T, calls: Calls<T>): (readonly [string, () => unknown])[] {
  const found: (readonly [string, () => unknown])[] = [];
  for (const member of Reflect.ownKeys(calls) as (keyof T)[]) {
    const call = calls[member];
    if (typeof call === 'function') found.push([String(member), () => call(it)]);
  }
  return found;
}

async function expectClosed(calls: readonly (readonly [string, () => unknown])[]): Promise<void> {
  const others: unknown[] = [];
  for (const [name, call] of calls) {
    const said = await failure(call).catch(() => undefined);
    if (!(said instanceof KvError && said.code === 'KV_CLOSED')) others.push([name, said?.code]);
  }
  expect(others).toEqual([]);
}

/** All that must say it, by name. */
function everyCall(it: Made): (readonly [string, () => unknown])[] {
  return [
    ...callsOf(it.kv, ofKv),
    ...callsOf(it.space, ofKv),
    ...callsOf(it.reader, ofReader),
    ...callsOf(it.section, ofSection),
    ...callsOf(it.transaction, ofTransaction),
    ...it.fresh.map((stream, i) => [`stream ${i}`, () => collect(stream)] as const),
    ...it.begun.map((iterator, i) => [`begun stream ${i}`, () => iterator.next()] as const),
    ['snapshot', () => collect(it.snapshot)],
    ...wrong.map(([name, call]) => [`wrong ${name}`, () => call(it)] as const),
  ];
}

describe.each(engines)('R10: on %s', (_engine, place) => {
  test.each(['commit', 'interval'] as const)('with durability %s, every member after close', async (durability) => {
    const it = await made(await open(place(), { durability }));
    await it.kv.close();
    await expectClosed(everyCall(it));
    await it.kv.close();
    await it.space.close();
    await it.space[Symbol.asyncDispose]();
    expect(await it.compaction.finished().catch((error: { readonly code?: string }) => error.code)).toBeOneOf([
      undefined,
      'KV_CLOSED',
    ]);
  });

  test('every member from the call of close on', async () => {
    const it = await made(await open(place()));
    const closed = it.kv.close();
    await expectClosed(everyCall(it));
    await closed;
  });

  test('a transaction whose body goes on after close', async () => {
    const kv = await open(place());
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const names: (readonly [string, () => unknown])[] = [];
    const outcome = codeOf(() =>
      kv.transaction(async (tx) => {
        await held;
        names.push(...callsOf(tx, ofTransaction));
        await expectClosed(names);
        return tx.get('a');
      }),
    );
    await kv.close();
    release();
    expect([await outcome, names.length]).toEqual(['KV_CLOSED', 6]);
  });

  test('a watch ends without error, whatever it is asked for', async () => {
    const kv = await open(place());
    await kv.put('a', 'x');
    const watches = Array.from({ length: 5 }, () => kv.watch({}, { from: 1 }));
    const [idle, batched, waiting, begun, asked] = watches as [Watch<string, string>, ...typeof watches] & {
      readonly length: 5;
    };
    const events = collect(waiting!);
    const iterator = begun![Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ revision: 2 });
    await kv.close();
    expect((await events).length).toBeLessThanOrEqual(1);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect([await collect(idle), await collect(batched!.batches())]).toEqual([[], []]);
    const watch = asked!;
    expect([watch.ref(), watch.unref(), await watch.started()]).toEqual([watch, watch, 2]);
    expect([watch.revision, begun!.revision]).toEqual([0, 2]);
    await watch.close();
    await watch[Symbol.asyncDispose]();
  });
});
