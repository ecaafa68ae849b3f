/** The suite can fail, for orders, filters, changes, differences and watches of several: as conformance-faults does for the rest. */
import type { Difference, Entry, KvEvent, ListOptions, Range, Watch } from '../src/index.ts';
import { changed, fewer, testFaults, without, type AnyKv, type Fault } from './faults.ts';
import { collect } from './helpers.ts';

async function* sortedLate(
  kv: AnyKv,
  range: Range<string>,
  options: ListOptions,
): AsyncGenerator<Entry<string, string>> {
  const entries = await collect(kv.list(range, options));
  yield* entries.toSorted((a, b) => a.value.localeCompare(b.value));
}

async function* forEachRange(watch: Watch<string, string>): AsyncGenerator<KvEvent<string, string>> {
  for await (const event of watch) for (const range of event.ranges ?? [0]) yield { ...event, ranges: [range] };
}

const faults: readonly [string, Fault, readonly string[]][] = [
  [
    'a list that knows the order of keys only',
    (kv) => ({ list: (range, options) => kv.list(range, { ...options, orderBy: 'key' }) }),
    ['selections/order', 'histories/seed-3'],
  ],
  [
    'pages that know the order of keys only',
    (kv) => ({ page: (range, options) => kv.page(range, { ...options, orderBy: 'key' }) }),
    ['selections/order'],
  ],
  [
    'a list whose limit cuts before it sorts, as that of etcd without an order',
    (kv) => ({
      list: (range, options = {}) => {
        const { limit, orderBy, ...rest } = options;
        if (limit === undefined || orderBy === undefined || orderBy === 'key') return kv.list(range, options);
        const cut = { [Symbol.asyncIterator]: () => sortedLate(kv, range, { limit, ...rest }) };
        return { ...cut, toArray: () => collect(cut) };
      },
    }),
    ['selections/order'],
  ],
  [
    'filters that are ignored',
    (kv) => ({
      list: (range, { limit, reverse, orderBy, undecodable, signal } = {}) =>
        kv.list(range, { limit, reverse, orderBy, undecodable, signal }),
    }),
    ['selections/filters', 'histories/seed-2'],
  ],
  [
    'a count that knows no filter, as that of etcd',
    (kv) => ({ count: (range, { limit, signal } = {}) => kv.count(range, { limit, signal }) }),
    ['selections/filters', 'histories/seed-3'],
  ],
  [
    'a filter whose end is excluded',
    (kv) => ({
      keys: (range, options = {}) =>
        kv.keys(range, { ...options, maxModRevision: options.maxModRevision && options.maxModRevision - 1 }),
    }),
    ['selections/filters'],
  ],
  [
    'keys that are missing at the end of a part',
    (kv) => ({ keys: (range, options) => fewer(kv.keys(range, options), (_, index) => index === 255) }),
    ['selections/keys'],
  ],
  [
    'a history that knows no end',
    (kv) => ({ history: (key, options) => kv.history(key, { ...options, until: undefined }) }),
    ['selections/history', 'histories/seed-5'],
  ],
  [
    'a history that is never turned round',
    (kv) => ({ history: (key, options) => kv.history(key, { ...options, reverse: false }) }),
    ['selections/history'],
  ],
  [
    'what cannot be decoded is left out without being asked',
    (kv) => ({
      namespace: (prefix: string, options: object) => {
        const space = kv.namespace(prefix, options);
        return changed(space, { list: (range, how) => space.list(range, { undecodable: 'skip', ...how }) }) as never;
      },
    }),
    ['selections/undecodable'],
  ],
  [
    'options that are not looked at',
    (kv) => ({
      list: (range, { limit, reverse, signal } = {}) => kv.list(range, { limit, reverse, signal }),
      watch: (key, { from, initial, previous, only, signal } = {}) =>
        kv.watch(key, { from, initial, previous, only, signal }),
    }),
    ['selections/arguments', 'several/resync'],
  ],
  [
    'changes that include since',
    (kv) => ({
      changes: (key, { since, ...options }) => kv.changes(key, { since: Math.max(since - 1, 0), ...options }),
    }),
    ['changes/since', 'changes/limit', 'changes/compacted', 'histories/seed-5'],
  ],
  [
    'changes without until',
    (kv) => ({ changes: (key, options) => kv.changes(key, { ...options, until: undefined }) }),
    ['changes/since', 'histories/seed-6'],
  ],
  [
    'changes whose limit splits a revision',
    (kv) => ({
      changes: (key, options) =>
        fewer(kv.changes(key, options), (_, index) => index >= (options.limit ?? Number.POSITIVE_INFINITY)),
    }),
    ['changes/limit'],
  ],
  [
    'changes that begin where they can, without a word',
    (kv) => ({
      changes: (key, options) => {
        const begin = async function* (): AsyncGenerator<KvEvent<string, string>> {
          const { compactRevision = 0 } = await kv.status();
          yield* kv.changes(key, { ...options, since: Math.max(options.since, compactRevision) });
        };
        const late = { [Symbol.asyncIterator]: begin };
        return { ...late, toArray: () => collect(late) };
      },
    }),
    ['changes/compacted'],
  ],
  [
    'a difference that tells changes as puts',
    (kv) => ({
      diff: (first, second, range, options) => {
        const items = kv.diff(first, second, range, options);
        const told = async function* (): AsyncGenerator<Difference<string, string>> {
          for await (const item of items)
            yield item.type === 'change' ? { ...item, type: 'put', previous: undefined } : item;
        };
        const puts = { [Symbol.asyncIterator]: told };
        return { ...puts, toArray: () => collect(puts) };
      },
    }),
    ['changes/diff', 'changes/diff-long', 'histories/seed-1'],
  ],
  [
    'a difference in one direction only',
    (kv) => ({
      diff: (first, second, range, options) =>
        kv.diff(Math.min(first, second), Math.max(first, second), range, options),
    }),
    ['changes/diff'],
  ],
  [
    'a watch of several that is one of the first',
    (kv) => ({
      watch: (key, options) =>
        kv.watch(typeof key === 'object' && 'any' in key ? { any: key.any.slice(0, 1) } : key, options),
    }),
    ['several/ranges', 'several/initial', 'several/resync', 'histories/seed-2'],
  ],
  [
    'a watch of several that gives one event for each of its ranges',
    (kv) => ({
      watch: (key, options) => {
        const watch = kv.watch(key, options);
        return new Proxy(watch, {
          get(target, name) {
            if (name === Symbol.asyncIterator) return () => forEachRange(target);
            const member: unknown = Reflect.get(target, name);
            return typeof member === 'function' ? (member.bind(target) as unknown) : member;
          },
        });
      },
    }),
    ['several/ranges', 'several/initial'],
  ],
  [
    'a watch that lists again and does not say so',
    (kv) => ({
      watch: (key, options) => {
        const watch = kv.watch(key, options);
        return new Proxy(watch, {
          get(target, name) {
            if (name === 'batches') {
              return () => without(target.batches(), ({ resync, events }) => resync === true && events.length === 0);
            }
            const member: unknown = Reflect.get(target, name);
            return typeof member === 'function' ? (member.bind(target) as unknown) : member;
          },
        });
      },
    }),
    ['several/resync'],
  ],
];

testFaults(faults);
