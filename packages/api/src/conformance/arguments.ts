/** Wrong arguments: a code, before anything happens. */
import { json } from '../codec.ts';
import { tuple, type Tuple } from '../tuple.ts';
import { equal, refused, thrown } from './check.ts';
import { putAll, take, type Scenario } from './scenario.ts';

/** What somebody without types passes. */
const any = (value: unknown): never => value as never;

export const argumentScenarios: readonly Scenario[] = [
  {
    key: 'arguments/keys-and-values',
    title: 'keys, values and ranges of a wrong type are KV_INVALID, and nothing has changed',
    async run(kv) {
      const before = await putAll(kv, { a: '1' });
      await refused('KV_INVALID', {
        'put of an empty key': () => kv.put('', 'x'),
        'put of a number as key': () => kv.put(any(7), 'x'),
        'put of a number as value': () => kv.put('a', any(7)),
        'put of a range': () => kv.put(any({ prefix: 'a' }), 'x'),
        'get of nothing': () => kv.get(any(undefined)),
        'get of a range': () => kv.get(any({ prefix: 'a' })),
        'delete of an empty key': () => kv.delete(''),
        'delete of nothing': () => kv.delete(any(undefined)),
        'list of a key': () => take(kv.list(any('a'))),
        'list of an unknown bound': () => take(kv.list(any({ prefx: 'a' }))),
        'list of an undefined prefix': () => take(kv.list({ prefix: undefined })),
        'list of a start outside of the prefix': () => take(kv.list({ prefix: 'b', start: 'a' })),
        'page of an end outside of the prefix': () => kv.page({ prefix: 'b', end: 'c' }),
        'count of an empty end': () => kv.count({ end: '' }),
        'count of all, which is for deletions': () => kv.count(any({ all: true })),
        'watch of an empty key': () => take(kv.watch(''), 1),
        'history of a range': () => take(kv.history(any({}))),
        'namespace of a range': async () => kv.namespace(any({})),
      });
      equal(await kv.status().then(({ revision }) => revision), before, 'the revision');
    },
  },
  {
    key: 'arguments/options',
    title: 'unknown options and those out of range are KV_INVALID',
    async run(kv) {
      const before = await putAll(kv, { a: '1' });
      const signal = any({ aborted: false });
      await refused('KV_INVALID', {
        'get, unknown': () => kv.get('a', any({ limit: 1 })),
        'list, limit 0': () => take(kv.list({}, { limit: 0 })),
        'list, reverse': () => take(kv.list({}, { reverse: any('yes') })),
        'page, limit': () => kv.page({}, { limit: 1.5 }),
        'page, cursor': () => kv.page({}, { cursor: 'x' }),
        'page, total': () => kv.page({}, { total: any(1) }),
        'put, previous': () => kv.put('a', '2', { previous: any('yes') }),
        'put, unknown': () => kv.put('a', '2', any({ prevoius: true })),
        'put, signal': () => kv.put('a', '2', { signal }),
        'delete, limit of one key': () => kv.delete('a', { limit: 1 }),
        'delete, limit 0': () => kv.delete({ prefix: 'a' }, { limit: 0 }),
        'transaction, no body': () => kv.transaction(any(undefined)),
        'transaction, attempts': () => kv.transaction((tx) => tx.put('a', '2'), { attempts: 0 }),
        'history, from': () => take(kv.history('a', { from: 0 })),
        'watch, from': () => take(kv.watch('a', { from: -1 }), 1),
        'watch, from and initial': () => take(kv.watch('a', { from: 1, initial: true }), 1),
        'watch, only': () => take(kv.watch('a', { only: any('puts') }), 1),
        'watch, initial of deletions': () => take(kv.watch('a', { initial: true, only: 'delete' }), 1),
        'watch, progress': () => take(kv.watch('a', { progressIntervalMs: 0 }), 1),
        'watch, unknown': () => take(kv.watch('a', any({ startRevision: 1 })), 1),
        'compact, revision': () => kv.compact(0),
        'compact, a half': () => kv.compact(1.5),
        'at, revision': async () => kv.at(any('1')),
      });
      const error = await thrown(() => kv.put('a', any(7)), 'a number as value');
      equal(error instanceof TypeError, true, 'a wrong type is a TypeError');
      equal(
        (await thrown(() => take(kv.list({}, { limit: 0 })), 'limit 0')) instanceof RangeError,
        true,
        'a RangeError',
      );
      equal(await kv.status().then(({ revision }) => revision), before, 'the revision');
    },
  },
  {
    key: 'arguments/codecs',
    title: 'what a codec refuses is KV_ENCODE or KV_DECODE with its cause, and says where',
    async run(kv, bench) {
      await refused('KV_ENCODE', {
        'a lone surrogate': () => kv.put('a', '\ud800'),
        'in a key': () => kv.get('\ud800'),
      });
      const choosy = await bench.open<string, unknown>({ value: json() });
      await refused('KV_ENCODE', { 'no JSON form': () => choosy.put('a', undefined) });
      const mine = new Error('mine');
      const throwing = {
        encode(): Uint8Array {
          throw mine;
        },
        decode(): string {
          throw mine;
        },
      };
      const broken = kv.namespace('n/', { value: throwing });
      const writing = await thrown(() => broken.put('k', 'x'), 'encode');
      equal((writing as Error).cause === mine, true, 'the cause of KV_ENCODE');
      const { revision } = await kv.put('n/k', 'x');
      const reading = (await thrown(() => broken.get('k'), 'decode')) as Error & { code?: string; revision?: number };
      equal([reading.code, reading.cause === mine, reading.revision], ['KV_DECODE', true, revision], 'KV_DECODE');
    },
  },
  {
    key: 'arguments/tuples',
    title: 'keys of several parts sort part by part, and a prefix takes the first parts',
    async run(_, bench) {
      const kv = await bench.open<Tuple>({ key: tuple() });
      const keys: Tuple[] = [
        ['a', 2],
        ['a', 10],
        ['a', 10, true],
        ['b', -1],
        ['b', 'x'],
        ['b', Uint8Array.of(1)],
      ];
      for (const key of keys.toReversed()) await kv.put(key, JSON.stringify(key));
      equal(
        (await take(kv.list({}))).map((entry) => entry.key),
        keys,
        'all of them',
      );
      equal(
        (await take(kv.list({ prefix: ['a', 10] }))).map((entry) => entry.key),
        keys.slice(1, 3),
        'a prefix',
      );
      equal(
        (await take(kv.list({ prefix: ['a'], start: ['a', 3] }))).map((entry) => entry.key),
        keys.slice(1, 3),
        'a part of a prefix',
      );
      equal((await kv.delete({ prefix: ['a'] })).deleted, 3, 'a deletion');
    },
  },
  {
    key: 'arguments/limits',
    title: 'what is too large is KV_TOO_LARGE and tells the limit, and nothing is written',
    async run(kv) {
      const huge = 'x'.repeat(64 * 1024 * 1024);
      const error = (await thrown(() => kv.put('a', huge), 'a huge value')) as { code?: string; limit?: number };
      equal([error.code, (error.limit ?? huge.length) < huge.length], ['KV_TOO_LARGE', true], 'a huge value');
      await refused('KV_TOO_LARGE', { 'a huge key': () => kv.put('k'.repeat(1024 * 1024 * 16), 'x') });
      equal(await kv.count({}), 0, 'keys');
    },
  },
];
