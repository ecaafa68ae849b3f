/** Puts and deletions: revisions, answers, order, and what belongs to the caller. */
import { bytes, utf8 } from '../codec.ts';
import type { KvError } from '../errors.ts';
import { equal, holds, refusal, thrown } from './check.ts';
import { putAll, shown, take, type Scenario } from './scenario.ts';

/** As `utf8`, but for one value, which it writes and does not read. */
const refusingOdd = {
  encode: (value: string): Uint8Array => utf8.encode(value),
  decode(stored: Uint8Array): string {
    const value = utf8.decode(stored);
    if (value === 'odd') throw new Error('odd');
    return value;
  },
};

export const writeScenarios: readonly Scenario[] = [
  {
    key: 'writes/revisions',
    title: 'law 3: each write makes the next revision, and one that changes nothing makes none',
    async run(kv) {
      const { revision } = await kv.status();
      equal(await kv.put('a', '1'), { revision: revision + 1 }, 'a put');
      equal(await kv.put('a', '1'), { revision: revision + 2 }, 'the same put again');
      equal(await kv.delete('b'), { revision: revision + 2, deleted: 0 }, 'nothing to delete');
      equal(await kv.delete('a'), { revision: revision + 3, deleted: 1 }, 'a deletion');
      equal((await kv.status()).revision, revision + 3, 'the present');
    },
  },
  {
    key: 'writes/seen',
    title: 'law 1: a read that starts after a resolved write sees it',
    async run(kv) {
      for (let i = 0; i < 30; i++) {
        const { revision } = await kv.put('k', `${i}`);
        equal((await kv.get('k'))?.value, `${i}`, 'get');
        holds((await kv.status()).revision >= revision, 'the present is behind a write that was answered');
      }
    },
  },
  {
    key: 'writes/order',
    title: 'writes take effect in the order of their calls, awaited or not',
    async run(kv) {
      const results = await Promise.all(Array.from({ length: 50 }, (_, i) => kv.put(i % 2 === 0 ? 'a' : 'b', `${i}`)));
      const revisions = results.map(({ revision }) => revision);
      equal(
        revisions,
        revisions.toSorted((a, b) => a - b),
        'revisions',
      );
      equal(new Set(revisions).size, 50, 'revisions that differ');
      equal(shown(await take(kv.list({}))), ['a=48', 'b=49'], 'the last of each key');
    },
  },
  {
    key: 'writes/previous',
    title: 'previous answers with what was replaced or deleted',
    async run(kv) {
      equal((await kv.put('a', '1', { previous: true })).previous, undefined, 'a new key');
      const entry = await kv.get('a');
      equal((await kv.put('a', '2', { previous: true })).previous, entry, 'a key that is replaced');
      equal((await kv.put('a', '2')).previous, undefined, 'not asked for');
      await kv.put('b', 'x');
      const both = await take(kv.list({}));
      equal((await kv.delete({ all: true }, { previous: true })).previous, both, 'what was deleted');
      equal((await kv.delete('a', { previous: true })).previous, [], 'nothing was deleted');
    },
  },
  {
    key: 'writes/undecodable-answer',
    title:
      'law 3: a write whose answer a codec refuses is KV_DECODE; it is done wholly and with its lease, or not at all',
    async run(kv) {
      const choosy = kv.namespace('n/', { value: refusingOdd });
      const put = { type: 'put', key: 'k', value: 'new', ttl: 600 } as const;
      const calls = {
        put: () => choosy.put('k', 'new', { ttl: 600, previous: true }),
        'a read before a put': () => choosy.txn({ then: [{ type: 'get', key: 'k' }, put] }),
        'a put inside': () => choosy.txn({ then: [{ type: 'txn', then: [{ ...put, previous: true }] }] }),
        delete: () => choosy.delete('k', { previous: true }),
        'delete in parts': () => choosy.delete({ prefix: 'k' }, { limit: 1, previous: true }),
      };
      for (const [what, call] of Object.entries(calls)) {
        const { revision } = await kv.put('n/k', 'odd');
        const error = (await thrown(call, what)) as KvError;
        equal([error.code, [...(error.key ?? [])], error.revision], ['KV_DECODE', [0x6b], revision], what);
        const entry = await kv.get('n/k');
        const leases = (await kv.leases()).map(({ id }) => id);
        if (entry?.modRevision === revision) equal(leases, [], `${what}, undone: leases`);
        else if (call === calls.delete || call === calls['delete in parts']) equal(entry, undefined, `${what}, done`);
        else equal([entry?.value, [entry?.lease]], ['new', leases], `${what}, done: the key and its lease`);
        for (const id of leases) await (await kv.lease({ id })).revoke();
      }
    },
  },
  {
    key: 'writes/delete-ranges',
    title: 'law 3: a range is deleted as one revision, and nothing beside it',
    async run(kv) {
      const names = ['a', 'a/1', 'a/2', 'a/3', 'b', 'c'];
      for (const name of names) await kv.put(name, 'x');
      const before = (await kv.status()).revision;
      equal(await kv.delete({ prefix: 'a/', end: 'a/3' }), { revision: before + 1, deleted: 2 }, 'a part of a prefix');
      equal(
        (await take(kv.list({}))).map((entry) => entry.key),
        ['a', 'a/3', 'b', 'c'],
        'what is left',
      );
      equal((await kv.delete({ prefix: 'a' })).deleted, 2, 'a prefix');
      equal((await kv.delete({ start: 'b', end: 'c' })).deleted, 1, 'start and end');
      equal((await kv.delete({ all: true })).deleted, 1, 'all that was left');
      equal(await kv.count({}), 0, 'keys');
      equal((await kv.delete({ all: true })).deleted, 0, 'all of nothing');
    },
  },
  {
    key: 'writes/delete-in-parts',
    title: 'a limit deletes the first keys of a range and tells whether there are more',
    async run(kv) {
      for (let i = 0; i < 5; i++) await kv.put(`k${i}`, 'x');
      const parts: unknown[] = [];
      for (let more: boolean | undefined = true; more === true && parts.length < 9;) {
        const part = await kv.delete({ prefix: 'k' }, { limit: 2, previous: true });
        more = part.more;
        parts.push([part.deleted, part.more, part.previous?.map((entry) => entry.key)]);
      }
      equal(
        parts,
        [
          [2, true, ['k0', 'k1']],
          [2, true, ['k2', 'k3']],
          [1, false, ['k4']],
        ],
        'the parts',
      );
    },
  },
  {
    key: 'writes/delete-everything',
    title: 'all keys are deleted by { all: true } only, here and in transactions',
    async run(kv) {
      await putAll(kv, { a: '1' });
      for (const range of [
        {},
        { prefix: '' },
        { start: '' },
        { start: undefined },
        { all: false },
        { all: true, end: 'b' },
      ]) {
        const what = JSON.stringify(range);
        equal(await refusal(() => kv.delete(range as unknown as string), what), 'KV_INVALID', what);
        const op = { type: 'delete', key: range as unknown as string } as const;
        equal(await refusal(() => kv.txn({ then: [op] }), what), 'KV_INVALID', `${what} in a transaction`);
      }
      equal(shown(await take(kv.list({}))), ['a=1'], 'nothing was deleted');
      const all = { type: 'delete', key: { all: true } } as const;
      equal((await kv.txn({ then: [all] })).succeeded, true, 'the transaction');
      equal(await kv.count({}), 0, 'keys');
    },
  },
  {
    key: 'writes/owned-bytes',
    title: 'bytes belong to who holds them: what was passed and what was answered may be changed',
    async run(_, bench) {
      const kv = await bench.open({ key: bytes, value: bytes });
      const key = Uint8Array.of(1, 2);
      const value = Uint8Array.of(3, 4);
      const written = kv.put(key, value);
      key.fill(9);
      value.fill(9);
      await written;
      const entry = await kv.get(Uint8Array.of(1, 2));
      equal([...(entry?.value ?? [])], [3, 4], 'what was passed');
      entry?.value.fill(7);
      entry?.key.fill(7);
      equal([...((await kv.get(Uint8Array.of(1, 2)))?.value ?? [])], [3, 4], 'what was answered');
    },
  },
  {
    key: 'writes/abort',
    title: 'a write with an aborted signal is refused with its reason and writes nothing; the others go on',
    async run(kv) {
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      const writes = [kv.put('a', '1'), kv.put('b', '2', { signal }), kv.put('c', '3')];
      const outcomes = await Promise.allSettled(writes);
      equal(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
        'outcomes',
      );
      const calls = {
        put: () => kv.put('b', '1', { signal }),
        delete: () => kv.delete('a', { signal }),
        txn: () => kv.txn({ then: [{ type: 'put', key: 'b', value: '1' }] }, { signal }),
        transaction: () => kv.transaction((tx) => tx.put('b', '1'), { signal }),
      };
      for (const [what, call] of Object.entries(calls)) equal((await thrown(call, what)) === reason, true, what);
      equal(shown(await take(kv.list({}))), ['a=1', 'c=3'], 'what was written');
    },
  },
];
