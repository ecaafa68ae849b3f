/** Watches of several keys and ranges at once, and those that list again after a compaction. */
import type { KvEvent, WatchBatch } from '../kv.ts';
import { equal, holds, thrown } from './check.ts';
import { putAll, take, takeUntil, told, type Scenario } from './scenario.ts';

function toldWhich(events: readonly KvEvent<string, string>[]): string[] {
  return told(events).map((text, i) => `${text} in ${events[i]?.ranges?.join() ?? 'no'}`);
}

export const severalScenarios: readonly Scenario[] = [
  {
    key: 'several/ranges',
    title: 'law 4: a watch of several has every event of each once, in one order, and says which they lie in',
    async run(kv) {
      const any = ['leader', { prefix: 'config/' }, { start: 'config/b', end: 'd' }, { start: 'x' }];
      const watch = kv.watch({ any });
      await watch.started();
      const first = await putAll(kv, { 'config/a': '1' });
      await putAll(kv, { 'config/b': '2', c: 'none', d: 'none', leader: '3', leader2: 'none', y: '4' });
      await kv.txn({ then: ['y', 'z', 'leader', 'nothing'].map((key) => ({ type: 'put', key, value: '5' }) as const) });
      const last = (await kv.delete('config/b')).revision;
      const wanted = [
        `${first} config/a=1 in 1`,
        `${first + 1} config/b=2 in 1,2`,
        `${first + 4} leader=3 in 0`,
        `${first + 6} y=4 in 3`,
        `${first + 7} y=5 in 3`,
        `${first + 7} z=5 in 3`,
        `${first + 7} leader=5 in 0`,
        `${last} config/b in 1,2`,
      ];
      equal(toldWhich(await take(watch, wanted.length)), wanted, 'events');
      equal(watch.revision, last, 'revision of the watch');
      equal(toldWhich(await take(kv.watch({ any }, { from: first }), wanted.length)), wanted, 'from the past');
      const batches = await take(kv.watch({ any }, { from: first }).batches(), 6);
      equal(
        batches.map(({ events }) => events.length),
        [1, 1, 1, 1, 3, 1],
        'batches are whole revisions',
      );
      const plain = await take(kv.watch({ prefix: 'config/' }, { from: first }), 1);
      equal('ranges' in (plain[0] ?? {}), false, 'a watch of one says nothing of ranges');
    },
  },
  {
    key: 'several/initial',
    title: 'law 4: the state of several is told once, in the order of the keys, and what comes after it follows',
    async run(kv) {
      const keys = Array.from({ length: 600 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      await Promise.all(keys.map((key) => kv.put(key, '1')));
      await putAll(kv, { a: '1', z: '1' });
      const any = [
        { start: keys[500] ?? '', end: 'l' },
        'z',
        { start: keys[100] ?? '', end: keys[550] ?? '' },
        'k0001',
      ];
      const watch = kv.watch({ any }, { initial: true });
      const state = ['k0001', ...keys.slice(100), 'z'];
      const found = await take(watch, state.length);
      equal(
        found.map(({ key }) => key),
        state,
        'the state',
      );
      equal([found[0]?.ranges, found[401]?.ranges, found.at(-1)?.ranges], [[3], [0, 2], [1]], 'which they lie in');
      const again = kv.watch({ any }, { initial: true });
      await again.started();
      await putAll(kv, { k0050: 'none', k0100: '2' });
      const all = await takeUntil(again, ({ value }) => value === '2');
      equal([all.length, all.at(-1)?.key], [state.length + 1, 'k0100'], 'what comes after it');
    },
  },
  {
    key: 'several/namespace',
    title: 'a watch of several of a name space sees nothing of what lies around it',
    async run(kv) {
      const space = kv.namespace('n/');
      const watch = space.watch({ any: ['a', { start: 'c' }] });
      await watch.started();
      const first = await putAll(kv, { 'n/a': '1', a: 'x', 'n/b': 'x', 'n/c': '2', 'o/c': 'x', 'n/d': '3' });
      const [one, two, three] = [first - 5, first - 2, first];
      equal(toldWhich(await take(watch, 3)), [`${one} a=1 in 0`, `${two} c=2 in 1`, `${three} d=3 in 1`], 'events');
    },
  },
  {
    key: 'several/resync',
    title: 'law 4: with resync a compacted start is the present state, said to be so, and every change after it',
    async run(kv) {
      const first = await putAll(kv, { 'k/a': '1', 'k/b': '1', other: 'x' });
      await kv.delete('k/a');
      const last = await putAll(kv, { 'k/c': '1' });
      await kv.compact(last, { physical: true });
      for (const selector of [{ prefix: 'k/' }, { any: ['k/b', { prefix: 'k/c' }] }]) {
        const watch = kv.watch(selector, { from: first - 1, resync: true });
        await watch.started();
        const mark = await putAll(kv, { 'k/c': 'mark' });
        const found: WatchBatch<string, string>[] = [];
        for await (const batch of watch.batches()) {
          found.push(batch);
          if (batch.revision >= mark && !batch.initial) break;
        }
        const [begin] = found;
        equal([begin?.resync, begin?.initial, begin?.events.length], [true, true, 0], 'it says so first');
        const parts = found.filter(({ resync }) => resync === true);
        const at = begin?.revision ?? 0;
        holds(at >= last, 'the revision of the state');
        const state = await take(kv.at(at).list({ prefix: 'k/' }));
        equal(
          parts.flatMap(({ events }) => events.map(({ key, value, revision }) => `${revision} ${key}=${value}`)),
          state.map(({ key, value, modRevision }) => `${modRevision} ${key}=${value}`),
          'the state',
        );
        const bookmark = found[parts.length];
        equal([bookmark?.initial, bookmark?.events.length, bookmark?.revision], [false, 0, at], 'the bookmark');
        const later = found.slice(parts.length + 1).flatMap(({ events }) => events);
        equal(told(later), at >= mark ? [] : [`${mark} k/c=mark`], 'what comes after it');
        await watch.close();
        const goesOn = await kv.put('k/c', 'more');
        const resumed = kv.watch(selector, { from: watch.revision + 1, resync: true });
        const [next] = await take(resumed.batches(), 1);
        equal([next?.revision, next?.resync], [goesOn.revision, undefined], 'it can be resumed');
      }
      const plain = await thrown(() => take(kv.watch({}, { from: first }), 1), 'without resync');
      equal((plain as { code?: string }).code, 'MVCC_COMPACTED', 'without resync');
    },
  },
];
