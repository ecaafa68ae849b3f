/** The past: readers of old revisions, the history of a key, and compaction. */
import { equal, holds, refusal, refused, thrown } from './check.ts';
import { putAll, shown, take, told, type Scenario } from './scenario.ts';

export const pastScenarios: readonly Scenario[] = [
  {
    key: 'past/at',
    title: 'law 2: every revision reads as it was, whatever has happened since',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      await putAll(kv, { b: '2', a: 'changed' });
      await kv.delete('b');
      await kv.put('b', 'again');
      const wanted = [['a=1'], ['a=1', 'b=2'], ['a=changed', 'b=2'], ['a=changed'], ['a=changed', 'b=again']];
      for (const [i, state] of wanted.entries()) {
        const reader = kv.at(first + i);
        equal(shown(await take(reader.list({}))), state, `list at ${i}`);
        equal(shown(await take(reader.list({}, { reverse: true }))), state.toReversed(), `list at ${i}, reversed`);
        const page = await reader.page({}, { total: true });
        equal([shown(page.entries), page.revision, page.total], [state, first + i, state.length], `page at ${i}`);
        equal(await reader.count({}), state.length, `count at ${i}`);
        const value = state.find((text) => text.startsWith('b='))?.slice(2);
        equal((await reader.get('b'))?.value, value, `get at ${i}`);
      }
      equal((await thrown(async () => kv.at(0), 'revision 0')) instanceof RangeError, true, 'an error for revision 0');
    },
  },
  {
    key: 'past/future',
    title: 'a revision that does not exist yet is MVCC_FUTURE_REVISION and tells the newest',
    async run(kv) {
      const { revision } = await kv.put('a', '1');
      const later = kv.at(revision + 1);
      await refused('MVCC_FUTURE_REVISION', {
        get: () => later.get('a'),
        list: () => take(later.list({})),
        page: () => later.page({}),
        count: () => later.count({}),
        compact: () => kv.compact(revision + 1),
      });
      const error = await thrown(() => later.get('a'), 'get');
      equal((error as { currentRevision?: number }).currentRevision, revision, 'currentRevision');
    },
  },
  {
    key: 'past/history',
    title: 'the history of a key has its retained changes, oldest first, up to the moment of the first pull',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      await putAll(kv, { other: 'x', a: '2' });
      await kv.delete('a');
      await kv.put('a', '3');
      const all = [`${first} a=1`, `${first + 2} a=2`, `${first + 3} a`, `${first + 4} a=3`];
      equal(told(await take(kv.history('a'))), all, 'all of it');
      equal(told(await take(kv.history('a', { from: first + 1 }))), all.slice(1), 'from a revision on');
      equal(told(await take(kv.history('a', { from: first + 3 }))), all.slice(2), 'from a deletion on');
      equal(told(await take(kv.history('nothing'))), [], 'of a key that never was');
      const found: string[] = [];
      for await (const event of kv.history('a')) {
        if (found.length === 0) await kv.put('a', 'later');
        found.push(...told([event]));
      }
      equal(found, all, 'while it is written');
    },
  },
  {
    key: 'past/compact',
    title:
      'law 5: compaction changes no answer at or above its revision; below, every read says so and tells from where on',
    async run(kv) {
      const first = await putAll(kv, { a: '1', b: '1' });
      await putAll(kv, { a: '2', c: '1' });
      await kv.delete('b');
      const last = await putAll(kv, { d: '1' });
      const states: unknown[] = [];
      for (let at = first; at <= last; at++) states.push(await take(kv.at(at).list({})));
      equal((await kv.status()).compactRevision, undefined, 'compactRevision before');
      const at = first + 2;
      equal((await kv.compact(at, { physical: true })).revision, at, 'the answer');
      equal((await kv.status()).compactRevision, at, 'compactRevision');
      for (let r = at; r <= last; r++)
        equal(await take(kv.at(r).list({})), states[r - first], `revision ${r - at} above`);
      const past = kv.at(at - 1);
      await refused('MVCC_COMPACTED', {
        get: () => past.get('a'),
        list: () => take(past.list({})),
        page: () => past.page({}),
        count: () => past.count({}),
        history: () => take(kv.history('a', { from: at - 1 })),
        watch: () => take(kv.watch('a', { from: at - 1 }), 1),
        'compact again': () => kv.compact(at),
        'compact below': () => kv.compact(at - 1),
      });
      const error = await thrown(() => past.get('a'), 'get');
      equal((error as { compactRevision?: number }).compactRevision, at, 'compactRevision of the error');
      const kept = told(await take(kv.history('a')));
      holds(
        kept.at(-1) === `${first + 1} a=2` && !kept.some((text) => text.endsWith('a=1')),
        `history: ${kept.join()}`,
      );
      await kv.compact(last);
      equal(shown(await take(kv.list({}))), ['a=2', 'c=1', 'd=1'], 'the present');
    },
  },
  {
    key: 'past/compact-without-waiting',
    title: 'law 5: from the answer of compact on, reads below are refused, however long the rest takes',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      const last = await putAll(kv, { a: '2', b: '2' });
      await kv.compact(last);
      equal(await refusal(() => kv.at(first).get('a'), 'a read below'), 'MVCC_COMPACTED', 'a read below');
      const page = await kv.page({}, { limit: 1 });
      await kv.put('c', '3');
      await kv.compact((await kv.status()).revision);
      equal(
        await refusal(() => kv.page({}, { cursor: page.next }), 'a cursor below'),
        'MVCC_COMPACTED',
        'a cursor below',
      );
    },
  },
];
