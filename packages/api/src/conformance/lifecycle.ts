/** Status, closing, and what is there when the same store is opened again. */
import type { Kv } from '../kv.ts';
import { equal, holds, refused } from './check.ts';
import { putAll, shown, take, told, type Scenario } from './scenario.ts';

export const lifecycleScenarios: readonly Scenario[] = [
  {
    key: 'lifecycle/status',
    title: 'status tells the present revision, and sizes',
    async run(kv) {
      const before = await kv.status();
      equal(await kv.count({}), 0, 'keys of a new store');
      holds(Number.isSafeInteger(before.revision) && before.revision >= 1, 'a revision');
      equal('compactRevision' in before, false, 'compactRevision where nothing was compacted');
      const last = await putAll(kv, { a: '1', b: '2' });
      const after = await kv.status();
      equal(after.revision, last, 'the revision');
      holds(after.size >= after.sizeInUse && after.sizeInUse >= 0, 'sizes');
    },
  },
  {
    key: 'lifecycle/close',
    title: 'close lets in what was called before, ends watches, and everything afterwards is KV_CLOSED',
    async run(kv) {
      await kv.put('a', '1');
      const reader = kv.at((await kv.status()).revision);
      const space = kv.namespace('n/');
      const begun = kv.list({});
      const watch = kv.watch({});
      await watch.started();
      const pull = take(watch);
      const writes = Promise.all(Array.from({ length: 20 }, (_, i) => kv.put(`k${i}`, 'x')));
      const closing = kv.close();
      equal((await writes).length, 20, 'writes that were called before');
      await closing;
      await kv.close();
      await pull;
      await refused('KV_CLOSED', {
        get: () => kv.get('a'),
        list: () => take(kv.list({})),
        'a list that was begun': () => take(begun),
        page: () => kv.page({}),
        count: () => kv.count({}),
        'a reader': () => reader.get('a'),
        'a name space': () => space.put('a', '1'),
        put: () => kv.put('a', '2'),
        delete: () => kv.delete('a'),
        txn: () => kv.txn({}),
        transaction: () => kv.transaction(() => undefined),
        history: () => take(kv.history('a')),
        keys: () => take(kv.keys({})),
        changes: () => take(kv.changes({}, { since: 1 })),
        diff: () => take(kv.diff(1, 1, {})),
        watch: () => take(kv.watch('a'), 1),
        compact: () => kv.compact(2),
        status: () => kv.status(),
      });
    },
  },
  {
    key: 'lifecycle/reopen',
    title: 'laws 1 and 2: what was answered is there again, with all of its past, revisions and versions',
    reopens: true,
    async run(kv, bench) {
      const first = await putAll(kv, { a: '1', b: '2' });
      await kv.delete('b');
      const last = await putAll(kv, { a: '3', c: '4' });
      const told1 = told(await take(kv.history('a')));
      const states = await statesOf(kv, first, last);
      const again = await bench.reopen(kv);
      equal((await again.status()).revision, last, 'the revision');
      equal(await statesOf(again, first, last), states, 'every revision');
      equal(told(await take(again.history('a'))), told1, 'history');
      equal((await again.put('a', '5')).revision, last + 1, 'the next revision');
      equal((await again.get('a'))?.version, 3, 'the version');
      equal(
        told(await take(again.watch({}, { from: first }), 2)),
        [`${first} b=2`, `${first + 1} b`],
        'a watch from before',
      );
    },
  },
  {
    key: 'lifecycle/reopen-compacted',
    title: 'law 5: what was compacted stays so when the store is opened again',
    reopens: true,
    async run(kv, bench) {
      const first = await putAll(kv, { a: '1' });
      const last = await putAll(kv, { a: '2', b: '3' });
      await kv.compact(last);
      const again = await bench.reopen(kv);
      equal((await again.status()).compactRevision, last, 'compactRevision');
      await refused('MVCC_COMPACTED', { 'a read below': () => again.at(first).get('a') });
      equal(shown(await take(again.list({}))), ['a=2', 'b=3'], 'the keys');
    },
  },
];

async function statesOf(kv: Kv, first: number, last: number): Promise<unknown[]> {
  const states: unknown[] = [];
  for (let at = first; at <= last; at++) states.push(await take(kv.at(at).list({})));
  return states;
}
