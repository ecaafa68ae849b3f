/** Reading the present: one key, ranges of every form, pages, counts. */
import type { Range } from '../kv.ts';
import { equal, thrown } from './check.ts';
import { putAll, shown, take, type Scenario } from './scenario.ts';

/** As UTF-16 sorts them, the last two would change places. */
const inOrder = ['\u0000', 'a', 'a/1', 'a/2', 'b', 'b\u0000', 'é', '\uffff', '\u{10ffff}'];

const ranges: readonly (readonly [Range<string>, readonly string[]])[] = [
  [{}, inOrder],
  [{ prefix: 'a' }, ['a', 'a/1', 'a/2']],
  [{ prefix: '' }, inOrder],
  [{ prefix: 'x' }, []],
  [{ prefix: '\u{10ffff}' }, ['\u{10ffff}']],
  [{ start: 'b' }, ['b', 'b\u0000', 'é', '\uffff', '\u{10ffff}']],
  [{ end: 'a/2' }, ['\u0000', 'a', 'a/1']],
  [{ start: 'a', end: 'b' }, ['a', 'a/1', 'a/2']],
  [{ start: 'b', end: 'a' }, []],
  [{ prefix: 'a', start: 'a/' }, ['a/1', 'a/2']],
  [{ prefix: 'a', end: 'a/2' }, ['a', 'a/1']],
  [{ prefix: 'a', start: 'a/1', end: 'a/2' }, ['a/1']],
];

export const readScenarios: readonly Scenario[] = [
  {
    key: 'reads/get',
    title: 'an entry has its value, its version and the revisions of its creation and its last change',
    async run(kv) {
      equal(await kv.get('a'), undefined, 'a key that is not there');
      const first = (await kv.put('a', '1')).revision;
      await kv.put('b', 'x');
      const second = (await kv.put('a', '')).revision;
      const wanted = { key: 'a', value: '', version: 2, createRevision: first, modRevision: second };
      equal(await kv.get('a'), wanted, 'a key that was changed');
      await kv.delete('a');
      equal(await kv.get('a'), undefined, 'a key that was deleted');
      const again = (await kv.put('a', '3')).revision;
      equal(
        await kv.get('a'),
        { key: 'a', value: '3', version: 1, createRevision: again, modRevision: again },
        'a key that was made anew',
      );
    },
  },
  {
    key: 'reads/ranges',
    title: 'law 2: every form of a range holds its keys, in byte order, to list, page and count',
    async run(kv) {
      for (const key of inOrder.toReversed()) await kv.put(key, `of ${key}`);
      for (const [range, keys] of ranges) {
        const what = JSON.stringify(range);
        const entries = await take(kv.list(range));
        equal(
          shown(entries),
          keys.map((key) => `${key}=of ${key}`),
          `list ${what}`,
        );
        equal((await kv.page(range)).entries, entries, `page ${what}`);
        equal(await kv.count(range), keys.length, `count ${what}`);
      }
    },
  },
  {
    key: 'reads/reverse',
    title: 'reverse gives the same entries from the last to the first, and a limit takes the last ones',
    async run(kv) {
      for (const key of inOrder) await kv.put(key, 'x');
      for (const [range, keys] of ranges) {
        const what = JSON.stringify(range);
        const reversed = keys.toReversed();
        const listed = await take(kv.list(range, { reverse: true }));
        equal(
          listed.map((entry) => entry.key),
          reversed,
          `list ${what}`,
        );
        const last = await take(kv.list(range, { reverse: true, limit: 2 }));
        equal(
          last.map((entry) => entry.key),
          reversed.slice(0, 2),
          `list ${what}, the last two`,
        );
        equal((await kv.page(range, { reverse: true })).entries, listed, `page ${what}`);
      }
    },
  },
  {
    key: 'reads/limit',
    title: 'a limit of a list takes the first ones; leaving early is fine',
    async run(kv) {
      await putAll(kv, { a: '1', b: '2', c: '3' });
      equal(shown(await take(kv.list({}, { limit: 2 }))), ['a=1', 'b=2'], 'the first two');
      equal(shown(await take(kv.list({}, { limit: 9 }))), ['a=1', 'b=2', 'c=3'], 'more than there are');
      equal(shown(await take(kv.list({}), 1)), ['a=1'], 'left early');
      const list = kv.list({});
      equal([(await take(list)).length, (await take(list)).length], [3, 3], 'iterated twice');
    },
  },
  {
    key: 'reads/pages',
    title: 'law 2: pages make the whole range at the revision of the first one, in both directions',
    async run(kv) {
      for (let i = 10; i < 33; i++) await kv.put(`k${i}`, `${i}`);
      await kv.put('other', 'x');
      for (const reverse of [false, true]) {
        const range = { prefix: 'k' };
        const wanted = await take(kv.list(range, { reverse }));
        const found: unknown[] = [];
        let revision: number | undefined;
        for (let cursor: string | undefined, pages = 0; pages < 10; pages++) {
          const page = await kv.page(range, { limit: 5, cursor, reverse, total: true });
          revision ??= page.revision;
          equal([page.revision, page.total], [revision, 23], 'revision and total of a page');
          found.push(...page.entries);
          await kv.put('k30', 'changed meanwhile');
          await kv.put('k40', 'new');
          await kv.delete('k40');
          if (page.next === undefined) break;
          cursor = page.next;
        }
        equal(found, wanted, reverse ? 'pages from the end' : 'pages');
        await kv.put('k30', '30');
      }
    },
  },
  {
    key: 'reads/long',
    title: 'a range of more than a thousand entries is the same, whole or in parts',
    async run(kv) {
      const keys = Array.from({ length: 1100 }, (_, i) => `k${String(i).padStart(5, '0')}`);
      await Promise.all(keys.map((key) => kv.put(key, key.repeat(3))));
      equal(
        (await take(kv.list({}))).map((entry) => entry.key),
        keys,
        'list',
      );
      equal(
        (await take(kv.list({}, { reverse: true }))).map((entry) => entry.key),
        keys.toReversed(),
        'list, reversed',
      );
      equal(await kv.count({ start: keys[100] }), 1000, 'count');
    },
  },
  {
    key: 'reads/one-revision',
    title: 'law 2: a list reads the revision of its first pull, whatever is written while it is pulled',
    async run(kv) {
      await putAll(kv, { a: '1', b: '2', c: '3' });
      const found: string[] = [];
      for await (const entry of kv.list({})) {
        if (found.length === 0) await putAll(kv, { b: 'changed', d: 'new' });
        found.push(...shown([entry]));
      }
      equal(found, ['a=1', 'b=2', 'c=3'], 'list');
    },
  },
  {
    key: 'reads/abort',
    title: 'an aborted signal ends every read with its own reason',
    async run(kv) {
      await putAll(kv, { a: '1', b: '2' });
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      const calls = {
        get: () => kv.get('a', { signal }),
        list: () => take(kv.list({}, { signal })),
        page: () => kv.page({}, { signal }),
        count: () => kv.count({}, { signal }),
        history: () => take(kv.history('a', { signal })),
        keys: () => take(kv.keys({}, { signal })),
        changes: () => take(kv.changes({}, { since: 1, signal })),
        diff: () => take(kv.diff(1, 1, {}, { signal })),
        status: () => kv.status({ signal }),
      };
      for (const [what, call] of Object.entries(calls)) equal((await thrown(call, what)) === reason, true, what);
    },
  },
  {
    key: 'reads/json',
    title: 'entries, pages, events and answers survive JSON.stringify',
    async run(kv) {
      const { revision } = await kv.put('a', '1');
      const put = await kv.put('a', '2', { previous: true });
      const deleted = await kv.delete('a', { previous: true });
      await kv.put('a', '3');
      const events = await take(kv.watch('a', { from: revision, previous: true }), 4);
      const all = [
        put,
        deleted,
        await kv.get('a'),
        await kv.page({}),
        events,
        await take(kv.history('a')),
        await kv.status(),
      ];
      equal(JSON.parse(JSON.stringify(all)), all, 'written as JSON and read again');
    },
  },
];
