/** The suite for every `Kv` can fail: stores that break one promise each are caught by the scenarios that are about it. */
import { kvConformance } from '@varve/api/conformance';
import { expect, test } from 'vitest';
import {
  KvError,
  memory,
  open,
  type Codec,
  type Lease,
  type KvEvent,
  type NamespaceOptions,
  type Range,
  type Watch,
  type WatchOptions,
} from '../src/index.ts';
import { changed, fewer, testFaults, without, type AnyKv, type Fault } from './faults.ts';
import { collect } from './helpers.ts';

async function* twice<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    yield item;
    yield item;
  }
}

/** A watch whose events, or whose beginning, are not what they should be. */
function watchWith(events: (watch: Watch<string, string>) => AsyncIterable<KvEvent<string, string>>): Fault {
  return (kv) => ({
    watch: (key, options) => {
      const watch = kv.watch(key, options);
      return new Proxy(watch, {
        get(target, name) {
          if (name === Symbol.asyncIterator) return () => events(target)[Symbol.asyncIterator]();
          const member: unknown = Reflect.get(target, name);
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
    },
  });
}

function watchAs(change: (options: WatchOptions | undefined) => WatchOptions | undefined): Fault {
  return (kv) => ({ watch: (key, options) => kv.watch(key, change(options)) });
}

function bound(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  return typeof member === 'function' ? (member.bind(target) as unknown) : member;
}

/** Leases, some members of which are not what they should be. */
function leasesWith(change: (lease: Lease) => Partial<Lease>): Fault {
  return (kv) => ({
    lease: async (options) => {
      const lease = await kv.lease(options);
      const members = change(lease);
      return new Proxy(lease, {
        get(target, name) {
          if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown;
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
    },
  });
}

let acknowledged = 0;

const faults: readonly [string, Fault, readonly string[]][] = [
  [
    'a list drops its last but one entry',
    (kv) => ({ list: (range, options) => fewer(kv.list(range, options), (_, index) => index === 1) }),
    ['reads/ranges', 'reads/one-revision', 'reads/pages', 'writes/delete-ranges', 'histories/seed-1'],
  ],
  [
    'a list knows no reverse',
    (kv) => ({ list: (range, options) => kv.list(range, { ...options, reverse: false }) }),
    ['reads/reverse', 'reads/long', 'histories/seed-2'],
  ],
  [
    'pages begin again and again',
    (kv) => ({ page: (range, options) => kv.page(range, { ...options, cursor: undefined }) }),
    ['reads/pages', 'past/compact-without-waiting', 'histories/seed-3'],
  ],
  [
    'a count that is too high',
    (kv) => ({ count: async (range) => (await kv.count(range)) + 1 }),
    ['reads/ranges', 'histories/seed-4'],
  ],
  [
    'a start beside a prefix is ignored',
    (kv) => ({
      list: (range: Range<string>, options) =>
        kv.list(range.prefix === undefined ? range : { prefix: range.prefix }, options),
    }),
    ['reads/ranges', 'arguments/keys-and-values'],
  ],
  [
    'a put in seven is answered and not done',
    (kv) => ({
      put: async (key, value, options) =>
        ++acknowledged % 7 === 0 ? { revision: (await kv.status()).revision + 1 } : kv.put(key, value, options),
    }),
    ['writes/seen', 'writes/order', 'histories/seed-5'],
  ],
  [
    'deletions without bounds are taken',
    (kv) => ({ delete: (key, options) => kv.delete(Object.keys(key).length === 0 ? { all: true } : key, options) }),
    ['writes/delete-everything'],
  ],
  [
    'a deletion of a range takes a revision each',
    (kv) => ({
      async delete(key, options) {
        if (typeof key === 'string' || 'all' in key) return kv.delete(key, options);
        let last = await kv.delete('nothing');
        let deleted = 0;
        for await (const entry of kv.list(key)) deleted += (last = await kv.delete(entry.key)).deleted;
        return { ...last, deleted };
      },
    }),
    ['writes/delete-ranges', 'histories/seed-6'],
  ],
  [
    'a txn always takes the first branch',
    (kv) => ({ txn: (txn, options) => kv.txn({ ...txn, if: [] }, options) }),
    ['txn/branches', 'txn/conditions', 'histories/seed-1'],
  ],
  [
    'an optimistic transaction that compares nothing',
    (kv) => ({
      async transaction(body) {
        const { revision } = await kv.status();
        const writes: [string, string | undefined][] = [];
        const value = await body({
          revision,
          get: (key) => kv.at(revision).get(key),
          getMany: (keys) => kv.at(revision).getMany(keys),
          in: () => expect.fail('not part of this fault'),
          list: (range) => collect(kv.at(revision).list(range)),
          put: (key, text) => void writes.push([key, text]),
          delete: (key) => void writes.push([key, undefined]),
        });
        for (const [key, text] of writes) await (text === undefined ? kv.delete(key) : kv.put(key, text));
        return { value, revision: (await kv.status()).revision, attempts: 1 };
      },
    }),
    ['transaction/reads-and-writes', 'transaction/conflict', 'transaction/counters', 'transaction/gives-up'],
  ],
  ['the past is the present', (kv) => ({ at: () => kv }), ['past/at', 'past/future', 'histories/seed-2']],
  [
    'a history of puts alone',
    (kv) => ({ history: (key, options) => fewer(kv.history(key, options), (event) => event.type === 'delete') }),
    ['past/history', 'histories/seed-3'],
  ],
  [
    'a compaction that is ignored',
    () => ({ compact: async (revision) => ({ revision }) }),
    ['past/compact', 'watch/compacted'],
  ],
  [
    'a compaction that forgets too much',
    (kv) => ({ compact: async (_, options) => kv.compact((await kv.status()).revision, options) }),
    ['past/compact', 'histories/seed-5'],
  ],
  [
    'a watch that skips an event',
    watchWith((watch) => without(watch, (_, index) => index === 3)),
    ['watch/from', 'watch/slow', 'histories/seed-1'],
  ],
  ['a watch that gives events twice', watchWith(twice), ['watch/future', 'watch/from', 'histories/seed-4']],
  [
    'a watch that begins a revision too late',
    watchAs((options) => (options?.from === undefined ? options : { ...options, from: options.from + 1 })),
    ['watch/from', 'watch/resume', 'histories/seed-6'],
  ],
  ['a watch without initial state', watchAs((options) => options && { ...options, initial: false }), ['watch/initial']],
  ['a watch without previous', watchAs((options) => options && { ...options, previous: false }), ['watch/previous']],
  ['a watch that tells every kind', watchAs((options) => options && { ...options, only: undefined }), ['watch/only']],
  [
    'a name space that is the whole store',
    (kv) => ({ namespace: () => kv as never }),
    ['namespaces/inside', 'namespaces/nested', 'namespaces/cursors', 'namespaces/errors'],
  ],
  [
    'errors without a code',
    (kv) => ({
      get: (key, options) =>
        kv.get(key, options).catch((error: unknown) => {
          throw new Error((error as Error).message);
        }),
    }),
    ['arguments/keys-and-values', 'reads/abort', 'lifecycle/close'],
  ],
  [
    'one code for everything',
    (kv) => ({
      put: (key, value, options) =>
        kv.put(key, value, options).catch(() => {
          throw new KvError('KV_INVALID', 'no');
        }),
    }),
    ['arguments/limits', 'arguments/codecs', 'writes/abort'],
  ],
  [
    'a put forgets its lease',
    (kv) => ({ put: (key, value, options) => kv.put(key, value, { ...options, lease: undefined, ttl: undefined }) }),
    ['leases/revoke', 'leases/ttl-of-a-put', 'leases/expiry', 'leases/unknown', 'leases/arguments'],
  ],
  [
    'a transaction forgets its leases',
    (kv) => ({
      transaction: (body, options) =>
        kv.transaction(
          (tx) => body({ ...tx, get: (key) => tx.get(key), put: (key, value) => tx.put(key, value) }),
          options,
        ),
    }),
    ['leases/every-write', 'leases/unknown', 'leases/arguments'],
  ],
  [
    'a lease that is never lost',
    leasesWith(() => ({ signal: new AbortController().signal })),
    ['leases/revoke', 'leases/dispose', 'leases/expiry', 'leases/keep-alive'],
  ],
  [
    'a lease that ends without its keys',
    leasesWith((lease) => ({ revoke: async () => ({ revision: 1, deleted: Number(lease.ttl > 0) }) })),
    ['leases/revoke', 'leases/every-write', 'leases/given-ids'],
  ],
  ['disposing does nothing', leasesWith(() => ({ [Symbol.asyncDispose]: async () => undefined })), ['leases/dispose']],
  [
    'nothing is renewed by itself',
    (kv) => ({ lease: (options) => kv.lease({ ...options, keepAlive: false }) }),
    ['leases/keep-alive'],
  ],
  [
    'a renewal gives nothing',
    leasesWith(() => ({ keepAlive: async () => 1, remaining: async () => 1 })),
    ['leases/keep-alive', 'leases/revoke'],
  ],
  [
    'every lease gets an id and a ttl of its own',
    (kv) => ({ lease: () => kv.lease({ ttl: 7 }) }),
    ['leases/given-ids', 'leases/arguments', 'leases/ttl-of-a-put', 'leases/unknown', 'leases/keep-alive'],
  ],
  [
    'a transaction writes what is of another name space in its own',
    (kv) => ({
      transaction: (body, options) =>
        kv.transaction(
          (tx) => body(new Proxy(tx, { get: (target, name) => (name === 'in' ? () => target : bound(target, name)) })),
          options,
        ),
      txn: ((txn: { then?: readonly { op?: object }[] }, options: object) =>
        kv.txn({ ...txn, then: txn.then?.map((op) => op.op ?? op) } as object, options)) as unknown as AnyKv['txn'],
    }),
    ['namespaces/together', 'namespaces/together-refused'],
  ],
  ['no lease is listed', () => ({ leases: async () => [] }), ['leases/given-ids', 'create/who-won']],
  [
    'create writes whatever is there',
    (kv) => ({
      create: async (key, value) => ({ succeeded: true, revision: (await kv.put(key, value)).revision }),
    }),
    ['create/who-won', 'update/arguments', 'leases/unknown'],
  ],
  [
    'a loser is not told what is there',
    (kv) => ({
      create: async (key, value, options) => {
        const { entry, ...result } = { entry: undefined, ...(await kv.create(key, value, options)) };
        return (entry === undefined ? result : { ...result, entry: undefined }) as never;
      },
      update: async (key, value, options) => {
        const { entry, ...result } = { entry: undefined, ...(await kv.update(key, value, options)) };
        return (entry === undefined ? result : { ...result, entry: undefined }) as never;
      },
    }),
    ['create/who-won', 'update/who-won', 'update/counters'],
  ],
  [
    'update compares nothing',
    (kv) => ({
      update: async (key, value) => ({ succeeded: true, revision: (await kv.put(key, value)).revision }),
    }),
    ['update/who-won', 'update/counters', 'update/arguments', 'leases/unknown'],
  ],
  [
    'several keys are read one by one',
    (kv) => ({
      getMany: async (keys, options) => {
        const entries = [];
        for (const key of keys) {
          entries.push(await kv.get(key, options));
          await new Promise(setImmediate);
        }
        return entries;
      },
    }),
    ['reads/many', 'update/arguments'],
  ],
  [
    'a put whose answer a codec refuses takes its key with it',
    (kv) => ({
      namespace: ((prefix: string, options: NamespaceOptions<string>) => {
        const space = kv.namespace(prefix, options as { value: Codec<string> });
        const put: AnyKv['put'] = async (key, value, how) => {
          try {
            return await space.put(key, value, how);
          } catch (error) {
            await kv.delete(prefix + key);
            throw error;
          }
        };
        return changed(space, { put });
      }) as AnyKv['namespace'],
    }),
    ['writes/undecodable-answer'],
  ],
  ['a store that cannot be closed', () => ({ close: async () => undefined }), ['lifecycle/close']],
];

testFaults(faults);

test('a known gap that passes, and one that does not exist, fail', async () => {
  const outcomes = new Map<string, () => Promise<void>>();
  kvConformance({
    test: (name, body) => outcomes.set(name, body),
    open: (codecs) => open(memory(), codecs),
    knownGaps: ['reads/get', 'reads/nothing'],
  });
  const of = (start: string): (() => Promise<void>) => [...outcomes].find(([name]) => name.startsWith(start))![1];
  await expect(of('reads/get')()).rejects.toThrow('take it out of knownGaps');
  await expect(of('reads/nothing')()).rejects.toThrow('no such scenario');
});
