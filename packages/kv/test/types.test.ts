import { expectTypeOf, test } from 'vitest';
import {
  bytes,
  compare,
  get,
  json,
  missing,
  nested,
  open,
  put,
  range,
  remove,
  within,
  tuple,
  type EmbeddedKv,
  type Entry,
  type Items,
  type Kv,
  type KvEvent,
  type Lease,
  type LeaseStatus,
  type RangeOpResult,
  type StandardSchemaV1,
  type Tuple,
  type Undecodable,
} from '../src/index.ts';
import type { MemoryKv, Opened as OpenedOfMemory } from '../src/memory.ts';

interface Config {
  readonly theme: string;
}

declare const kv: Kv<string, Config>;
declare const text: EmbeddedKv;
declare const schema: StandardSchemaV1<Partial<Config>, Config>;

// Never called: the compiler is the test.
async function types(): Promise<void> {
  expectTypeOf(await open('x')).toEqualTypeOf<EmbeddedKv>();
  expectTypeOf(await open('x', { key: bytes })).toEqualTypeOf<EmbeddedKv<Uint8Array>>();
  expectTypeOf(await open('x', { value: json<Config>() })).toEqualTypeOf<EmbeddedKv<string, Config>>();
  expectTypeOf(await kv.get('a')).toEqualTypeOf<Entry<string, Config> | undefined>();
  for await (const entry of kv.list({ prefix: 'a' })) expectTypeOf(entry).toEqualTypeOf<Entry<string, Config>>();
  for await (const event of kv.watch({})) expectTypeOf(event).toEqualTypeOf<KvEvent<string, Config>>();

  const won = await text.txn({
    if: [missing('leader'), compare('x', { value: { equals: 'y' } })],
    then: [put('leader', 'me'), range({ prefix: 'a' }, { limit: 2 }), remove({ prefix: 'b' })],
    else: [get('leader'), nested({ then: [get('b')], else: [put('c', 'd')] })],
  });
  if (won.succeeded) {
    expectTypeOf(won.results[0].revision).toEqualTypeOf<number>();
    expectTypeOf(won.results[1]).toEqualTypeOf<RangeOpResult<string, string>>();
    expectTypeOf(won.results[2].deleted).toEqualTypeOf<number>();
    // @ts-expect-error there are three results
    expectTypeOf(won.results[3]);
  } else {
    expectTypeOf(won.results[0]).toEqualTypeOf<Entry<string, string> | undefined>();
    const inner = won.results[1];
    if (inner.succeeded) expectTypeOf(inner.results[0]).toEqualTypeOf<Entry<string, string> | undefined>();
    else expectTypeOf(inner.results[0].previous).toEqualTypeOf<Entry<string, string> | undefined>();
  }
  const inner = await text.txn({
    then: [
      nested({ if: [missing('k'), compare('k', { version: { less: 2 } })], then: [put('k', 'v')], else: [get('k')] }),
    ],
  });
  if (inner.succeeded && inner.results[0].succeeded) {
    expectTypeOf(inner.results[0].results[0].revision).toEqualTypeOf<number>();
  }
  await kv.txn({
    else: [nested({ if: [compare('k', { value: { not: { theme: 'x' } } })], then: [nested({ then: [remove('a')] })] })],
  });
  // @ts-expect-error the nested value has another type
  await kv.txn({ then: [nested({ if: [missing('k')], then: [put('a', 7)] })] });
  // @ts-expect-error the nested key has another type
  await kv.txn({ then: [nested({ if: [missing(7)] })] });
  await kv.txn({ then: [put('a', { theme: 'dark' })] });
  await kv.txn({ if: [missing({}), missing({ prefix: 'a' })], then: [remove({ all: true }), remove('a')] });
  const raw = await open('x', { key: bytes });
  await raw.txn({
    if: [missing(Uint8Array.of(1)), missing({ start: Uint8Array.of(1) })],
    then: [remove(Buffer.of(1))],
  });
  // @ts-expect-error no such bound
  await kv.txn({ then: [remove({ prefx: 'a' })] });
  // @ts-expect-error the value has another type
  await kv.txn({ then: [put('a', 7)] });
  // @ts-expect-error the key has another type
  await kv.txn({ if: [missing(7)] });
  kv.list({ prefix: 'a', start: 'ab', end: 'ac' }, { reverse: true });
  await kv.delete({ all: true });
  await kv.delete({ start: 'a' });
  // @ts-expect-error all keys are deleted as { all: true }
  await kv.delete({});
  // @ts-expect-error reads have {} for that
  kv.list({ all: true });

  const lease = await kv.lease({ ttl: 30, keepAlive: true });
  expectTypeOf(lease).toEqualTypeOf<Lease>();
  expectTypeOf(await kv.lease({ id: '7b' })).toEqualTypeOf<Lease>();
  expectTypeOf(await lease.keepAlive()).toEqualTypeOf<number>();
  expectTypeOf(await kv.leases()).toEqualTypeOf<readonly LeaseStatus[]>();
  // @ts-expect-error neither a ttl nor an id
  await kv.lease({});
  // @ts-expect-error ids are text
  await kv.lease({ ttl: 30, id: 7n });
  const entry = await kv.get('a');
  await kv.put('a', { theme: 'dark' }, { lease });
  await kv.put('a', { theme: 'dark' }, { lease: entry?.lease, previous: true });
  await kv.txn({ then: [put('a', { theme: 'dark' }, { lease: lease.id }), put('b', { theme: 'x' }, { ttl: 5 })] });
  // @ts-expect-error seconds are a number
  await kv.put('a', { theme: 'dark' }, { ttl: '5' });
  // @ts-expect-error no such option
  put('a', 'b', { leese: lease });

  const created = await kv.create('a', { theme: 'dark' }, { ttl: 5 });
  if (created.succeeded) expectTypeOf(created.lease).toEqualTypeOf<string | undefined>();
  else expectTypeOf(created.entry).toEqualTypeOf<Entry<string, Config>>();
  const updated = await kv.update('a', { theme: 'dark' }, { revision: created.revision });
  if (!updated.succeeded) expectTypeOf(updated.entry).toEqualTypeOf<Entry<string, Config> | undefined>();
  // @ts-expect-error the winner has no entry
  if (updated.succeeded) expectTypeOf(updated.entry);
  // @ts-expect-error of which revision
  await kv.update('a', { theme: 'dark' });
  expectTypeOf(await kv.getMany(['a', 'b'])).toEqualTypeOf<readonly (Entry<string, Config> | undefined)[]>();
  // @ts-expect-error the keys have another type
  await kv.getMany([7]);
  await kv.transaction(async (tx) => {
    tx.put('a', { theme: 'dark' }, { lease, ttl: undefined });
    expectTypeOf(await tx.getMany(['a'])).toEqualTypeOf<readonly (Entry<string, Config> | undefined)[]>();
  });
  await text.write((section) => section.put('a', 'b', { ttl: 5 }));

  const numbers = text.namespace('n', { value: json<number>() });
  const mixed = await text.txn({
    if: [within(numbers, compare('k', { value: { equals: 7 } })), missing('a')],
    then: [within(numbers, get('k')), within(numbers, put('k', 8)), put('a', 'b'), within(numbers, range({}))],
  });
  if (mixed.succeeded) {
    expectTypeOf(mixed.results[0]).toEqualTypeOf<Entry<string, number> | undefined>();
    expectTypeOf(mixed.results[1].previous).toEqualTypeOf<Entry<string, number> | undefined>();
    expectTypeOf(mixed.results[2].previous).toEqualTypeOf<Entry<string, string> | undefined>();
    expectTypeOf(mixed.results[3]).toEqualTypeOf<RangeOpResult<string, number>>();
  }
  // @ts-expect-error the value has the type of the other name space
  within(numbers, put('k', 'text'));
  // @ts-expect-error the key has another type
  within(numbers, get(7));
  await text.transaction(async (tx) => {
    expectTypeOf(await tx.in(numbers).get('k')).toEqualTypeOf<Entry<string, number> | undefined>();
    // @ts-expect-error the value has the type of the other name space
    tx.in(numbers).put('k', 'text');
  });
  await text.write((section) => {
    expectTypeOf(section.in(numbers).get('k')).toEqualTypeOf<Entry<string, number> | undefined>();
    section.in(numbers).put('k', 7, { lease });
  });
  expectTypeOf(kv.list({}, { orderBy: 'value', minModRevision: 2 })).toEqualTypeOf<Items<Entry<string, Config>>>();
  expectTypeOf(await kv.list({}).toArray()).toEqualTypeOf<Entry<string, Config>[]>();
  expectTypeOf(await kv.keys({}, { reverse: true }).toArray()).toEqualTypeOf<string[]>();
  expectTypeOf(await raw.keys({}).toArray()).toEqualTypeOf<Uint8Array[]>();
  expectTypeOf(await kv.history('a', { until: 3 }).toArray()).toEqualTypeOf<KvEvent<string, Config>[]>();
  expectTypeOf(await kv.changes({}, { since: 1 }).toArray()).toEqualTypeOf<KvEvent<string, Config>[]>();
  // @ts-expect-error since what must be said
  kv.changes({}, {});
  // @ts-expect-error no such order
  kv.list({}, { orderBy: 'lease' });
  // @ts-expect-error a count has no direction
  await kv.count({}, { reverse: true });
  for await (const found of kv.diff(1, 2, { prefix: 'a' })) {
    if (found.type === 'put') expectTypeOf(found.previous).toEqualTypeOf<undefined>();
    if (found.type === 'delete') expectTypeOf(found.previous).toEqualTypeOf<Entry<string, Config>>();
    if (found.type === 'change') expectTypeOf(found.entry.value).toEqualTypeOf<Config>();
  }
  for await (const event of kv.watch({ any: ['a', { prefix: 'b/' }] })) {
    expectTypeOf(event.ranges).toEqualTypeOf<readonly number[] | undefined>();
  }
  // @ts-expect-error a key of another type
  kv.watch({ any: [7] });
  const undecodable = ({ key, value, error }: Undecodable): void => void [key, value, error.code];
  kv.list({}, { undecodable });
  kv.watch({}, { undecodable: 'skip', resync: true });

  // Without a codec there are strings, and nothing else.
  // @ts-expect-error no codec for these values
  await open<string, Config>('x');
  // @ts-expect-error no codec for these values
  await open<string, Config>('x', { key: bytes });
  // @ts-expect-error no codec for these keys
  await open<Uint8Array>('x');
  // @ts-expect-error no codec for these values
  kv.namespace<number>('n');
  expectTypeOf(await open<string, Config>('x', { value: json<Config>() })).toEqualTypeOf<EmbeddedKv<string, Config>>();
  expectTypeOf(await open('x', { value: json() })).toEqualTypeOf<EmbeddedKv<string, unknown>>();
  expectTypeOf(await open('x', { key: tuple(), value: bytes })).toEqualTypeOf<EmbeddedKv<Tuple, Uint8Array>>();
  expectTypeOf(await open('x', { durability: 'interval' })).toEqualTypeOf<EmbeddedKv>();

  // What a schema takes is put, what it gives is read.
  const settings = await open('x', { value: json(schema) });
  expectTypeOf(settings).toEqualTypeOf<EmbeddedKv<string, Config, Partial<Config>>>();
  await settings.put('a', {});
  await settings.txn({ then: [put('a', {})] });
  await settings.transaction((tx) => tx.put('a', {}));
  await settings.write((section) => section.put('a', {}));
  expectTypeOf((await settings.get('a'))?.value).toEqualTypeOf<Config | undefined>();
  expectTypeOf(settings.namespace('n')).toEqualTypeOf<EmbeddedKv<string, Config, Partial<Config>>>();
  expectTypeOf(kv.namespace('n', { value: json(schema) })).toEqualTypeOf<Kv<string, Config, Partial<Config>>>();
  // @ts-expect-error what the schema does not take
  await settings.put('a', { theme: 7 });

  expectTypeOf(kv.namespace('n', { value: json<number>() })).toEqualTypeOf<Kv<string, number>>();
  expectTypeOf(kv.namespace('n')).toEqualTypeOf<Kv<string, Config>>();
  expectTypeOf(text.namespace('n')).toEqualTypeOf<EmbeddedKv>();
  expectTypeOf(await kv.transaction(async (tx) => (await tx.get('a'))?.value)).toEqualTypeOf<{
    readonly value: Config | undefined;
    readonly revision: number;
    readonly attempts: number;
  }>();
  expectTypeOf(await text.write((section) => section.count({})))
    .toHaveProperty('value')
    .toEqualTypeOf<number>();
}

test('types flow from the codecs through every call', () => {
  expectTypeOf(types).toBeFunction();
});

test('the entry without files names the types that its members give, as the other one', () => {
  expectTypeOf<ReturnType<MemoryKv['stats']>['opened']>().toEqualTypeOf<OpenedOfMemory>();
});
