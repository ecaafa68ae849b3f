/** What has changed: between two revisions, as events and as a difference. */
import { equal, refused, thrown } from './check.ts';
import { putAll, take, told, type Scenario } from './scenario.ts';

export const changeScenarios: readonly Scenario[] = [
  {
    key: 'changes/since',
    title: 'law 4: changes have every event after since, once and in order, up to the present of the first pull',
    async run(kv) {
      const first = await putAll(kv, { a: '1', b: '1' });
      await kv.txn({ then: ['c', 'a'].map((key) => ({ type: 'put', key, value: '2' }) as const) });
      await kv.delete('b');
      const last = await putAll(kv, { other: 'x' });
      const all = [`${first + 1} c=2`, `${first + 1} a=2`, `${first + 2} b`, `${last} other=x`];
      equal(told(await take(kv.changes({}, { since: first }))), all, 'all of it');
      equal(told(await kv.changes({}, { since: first, until: first + 1 }).toArray()), all.slice(0, 2), 'until');
      equal(told(await kv.changes('b', { since: first }).toArray()), [all[2]], 'of a key');
      equal(told(await kv.changes({ start: 'b', end: 'd' }, { since: first }).toArray()), [all[0], all[2]], 'a range');
      equal(await kv.changes({}, { since: last }).toArray(), [], 'since the present');
      equal(await kv.changes({}, { since: first + 1, until: first + 1 }).toArray(), [], 'of no revision');
      equal(told(await kv.changes({}, { since: 0 }).toArray()).slice(-4), all, 'of all there were');
      const found: string[] = [];
      for await (const event of kv.changes({}, { since: first })) {
        if (found.length === 0) await kv.put('a', 'later');
        found.push(...told([event]));
      }
      equal(found, all, 'while it is written');
      const space = kv.namespace('n/');
      const { revision } = await space.put('k', '1');
      equal(told(await space.changes({}, { since: first }).toArray()), [`${revision} k=1`], 'of a name space');
      await refused('MVCC_FUTURE_REVISION', {
        'since the future': () => take(kv.changes({}, { since: revision + 1 })),
        'until the future': () => take(kv.changes({}, { since: first, until: revision + 1 })),
      });
    },
  },
  {
    key: 'changes/limit',
    title: 'law 4: a limit ends with a whole revision, and since of the last one goes on without gap or repetition',
    async run(kv) {
      const first = await putAll(kv, { start: '.' });
      for (let i = 0; i < 40; i++) {
        if (i % 3 === 0) await kv.put('a', `${i}`);
        else await kv.txn({ then: ['a', 'b', 'c'].map((key) => ({ type: 'put', key, value: `${i}` }) as const) });
      }
      const all = await kv.changes({}, { since: first }).toArray();
      for (const limit of [1, 2, 4, 7, 1000]) {
        const found: unknown[] = [];
        for (let since = first, parts = 0; parts < 100; parts++) {
          const part = await kv.changes({}, { since, limit }).toArray();
          const last = part.at(-1);
          if (last === undefined) break;
          equal(part.length < limit + 3, true, `a part of ${part.length}, limit ${limit}`);
          found.push(...part);
          since = last.revision;
        }
        equal(found, all, `limit ${limit}`);
      }
    },
  },
  {
    key: 'changes/compacted',
    title: 'law 5: what is compacted is said with the revision to begin anew at, and nothing is missing without a word',
    async run(kv) {
      const first = await putAll(kv, { a: '1', b: '1' });
      const gone = (await kv.delete('a')).revision;
      const last = await putAll(kv, { c: '1' });
      await kv.compact(gone, { physical: true });
      for (const since of [0, first, gone - 1]) {
        const error = await thrown(() => take(kv.changes({}, { since })), `since ${since}`);
        const { code, compactRevision } = error as { code?: string; compactRevision?: number };
        equal([code, compactRevision], ['MVCC_COMPACTED', gone], `since ${since}`);
      }
      equal(told(await take(kv.changes({}, { since: gone }))), [`${last} c=1`], 'since the compacted revision');
      await refused('MVCC_COMPACTED', {
        'diff, the first': () => take(kv.diff(first, last, {})),
        'diff, the second': () => take(kv.diff(last, gone - 1, {})),
      });
      equal((await take(kv.diff(gone, last, {}))).length, 1, 'diff from the compacted revision on');
    },
  },
  {
    key: 'changes/diff',
    title: 'law 2: a difference has each key that two revisions have differently, in the order of the keys',
    async run(kv) {
      const first = await putAll(kv, { a: '1', b: '1', c: '1', d: '1' });
      await kv.delete('a');
      await putAll(kv, { b: '2', e: '1', f: '1' });
      await kv.delete('f');
      await kv.delete('d');
      const last = await putAll(kv, { d: '1' });
      const [before, after] = [kv.at(first), kv.at(last)];
      const [a, b, d] = [await before.get('a'), await before.get('b'), await before.get('d')];
      const [newB, newD, e] = [await after.get('b'), await after.get('d'), await after.get('e')];
      const wanted = [
        { type: 'delete', key: 'a', previous: a },
        { type: 'change', key: 'b', previous: b, entry: newB },
        { type: 'change', key: 'd', previous: d, entry: newD },
        { type: 'put', key: 'e', entry: e },
      ];
      equal(await take(kv.diff(first, last, {})), wanted, 'forwards');
      equal(await kv.diff(first, last, {}, { reverse: true }).toArray(), wanted.toReversed(), 'from the last key');
      equal(await kv.diff(first, last, {}, { limit: 2 }).toArray(), wanted.slice(0, 2), 'the first two');
      equal(await kv.diff(first, last, { start: 'b', end: 'd' }).toArray(), wanted.slice(1, 2), 'of a range');
      equal(await kv.diff(first, first, {}).toArray(), [], 'of one revision');
      const back = [
        { type: 'put', key: 'a', entry: a },
        { type: 'change', key: 'b', previous: newB, entry: b },
        { type: 'change', key: 'd', previous: newD, entry: d },
        { type: 'delete', key: 'e', previous: e },
      ];
      equal(await kv.diff(last, first, {}).toArray(), back, 'backwards');
      await refused('MVCC_FUTURE_REVISION', { 'of the future': () => take(kv.diff(first, last + 1, {})) });
    },
  },
  {
    key: 'changes/diff-long',
    title: 'law 2: a difference of many keys has none twice and misses none',
    async run(kv) {
      const keys = Array.from({ length: 1200 }, (_, i) => `k${String(i).padStart(5, '0')}`);
      await Promise.all(keys.slice(0, 900).map((key) => kv.put(key, '1')));
      const before = (await kv.status()).revision;
      await kv.delete({ end: 'k00300' });
      await Promise.all(keys.filter((_, i) => i >= 300 && i % 4 === 0).map((key) => kv.put(key, '2')));
      const wanted = keys.flatMap((key, i) => {
        if (i < 300) return [`delete ${key}`];
        return i % 4 === 0 ? [`${i < 900 ? 'change' : 'put'} ${key}`] : [];
      });
      const found = await kv.diff(before, (await kv.status()).revision, {}).toArray();
      equal(
        found.map(({ type, key }) => `${type} ${key}`),
        wanted,
        'the difference',
      );
    },
  },
];
