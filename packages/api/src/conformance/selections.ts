/** Reads that choose: the order, the filters, keys alone, the part of a history. */
import type { CountOptions, KeysOptions } from '../list-options.ts';
import { equal, refused, thrown } from './check.ts';
import { putAll, shown, take, told, type Scenario } from './scenario.ts';

/** Versions, revisions and values of the four are each in another order. */
async function fourKeys(kv: Parameters<Scenario['run']>[0]): Promise<number> {
  const first = await putAll(kv, { d: 'y' });
  await putAll(kv, { b: 'z', a: 'w', c: 'x' });
  await putAll(kv, { b: 'z' });
  await putAll(kv, { d: 'y' });
  await putAll(kv, { d: 'y' });
  return first;
}

export const selectionScenarios: readonly Scenario[] = [
  {
    key: 'selections/order',
    title: 'S27: orderBy sorts by version, by a revision or by value, equals by key, and reverse turns the whole round',
    async run(kv) {
      await fourKeys(kv);
      const orders = [
        ['key', 'abcd'],
        ['version', 'acbd'],
        ['createRevision', 'dbac'],
        ['modRevision', 'acbd'],
        ['value', 'acdb'],
      ] as const;
      for (const [orderBy, wanted] of orders) {
        const all = await take(kv.list({}, { orderBy }));
        equal(all.map(({ key }) => key).join(''), wanted, orderBy);
        const back = all.toReversed();
        equal(await take(kv.list({}, { orderBy, reverse: true })), back, `${orderBy}, reversed`);
        equal(await take(kv.list({}, { orderBy, limit: 2 })), all.slice(0, 2), `${orderBy}, two`);
        equal(await take(kv.list({}, { orderBy, limit: 3, reverse: true })), back.slice(0, 3), `${orderBy}, last`);
        equal((await take(kv.keys({}, { orderBy }))).join(''), wanted, `keys, ${orderBy}`);
        const found: unknown[] = [];
        for (let cursor: string | undefined, pages = 0; pages < 5; pages++) {
          const page = await kv.page({}, { orderBy, reverse: true, limit: 3, cursor, total: true });
          equal(page.total, 4, 'total');
          found.push(...page.entries);
          await kv.put(`later${pages}`, 'w');
          if ((cursor = page.next) === undefined) break;
        }
        equal(found, back, `pages, ${orderBy}`);
        await kv.delete({ prefix: 'later' });
      }
      const { next } = await kv.page({}, { orderBy: 'value', limit: 1 });
      await refused('KV_INVALID', { 'a cursor of another order': () => kv.page({}, { cursor: next, limit: 1 }) });
    },
  },
  {
    key: 'selections/filters',
    title: 'S27, S29: revision filters choose what list, keys, page and count tell, before a limit cuts it',
    async run(kv) {
      const first = await fourKeys(kv);
      const filters: readonly (readonly [CountOptions, string])[] = [
        [{ minModRevision: first + 4 }, 'bd'],
        [{ maxModRevision: first + 3 }, 'ac'],
        [{ minModRevision: first + 3, maxModRevision: first + 4 }, 'bc'],
        [{ minCreateRevision: first + 1 }, 'abc'],
        [{ maxCreateRevision: first }, 'd'],
        [{ maxCreateRevision: first + 1, minModRevision: first + 5 }, 'd'],
        [{ minModRevision: first + 1000 }, ''],
      ];
      for (const [filter, keys] of filters) {
        const what = JSON.stringify(filter);
        const wanted = Array.from(keys);
        const listed = await kv.list({}, filter).toArray();
        equal(
          listed.map(({ key }) => key),
          wanted,
          `list ${what}`,
        );
        equal(await kv.keys({}, filter).toArray(), wanted, `keys ${what}`);
        equal(await kv.keys({}, { ...filter, limit: 1 }).toArray(), wanted.slice(0, 1), `one key ${what}`);
        equal(await kv.keys({}, { ...filter, reverse: true }).toArray(), wanted.toReversed(), `reversed ${what}`);
        equal(await kv.count({}, filter), wanted.length, `count ${what}`);
        const page = await kv.page({}, { ...filter, limit: 1, total: true });
        equal([page.entries, page.total], [listed.slice(0, 1), wanted.length], `page ${what}`);
        if (page.next !== undefined) {
          const rest = await kv.page({}, { ...filter, cursor: page.next });
          equal(rest.entries, listed.slice(1), `the rest of the pages ${what}`);
        }
      }
      equal([await kv.count({}, { limit: 3 }), await kv.count({}, { limit: 9 })], [3, 4], 'count with a limit');
      equal(
        (
          await kv
            .at(first + 1)
            .keys({})
            .toArray()
        ).join(''),
        'bd',
        'keys of the past',
      );
    },
  },
  {
    key: 'selections/keys',
    title: 'keys are those that list gives, in both directions, in parts and whole',
    async run(kv) {
      const keys = Array.from({ length: 700 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      await Promise.all(keys.map((key) => kv.put(key, 'x')));
      await kv.put('other', 'x');
      equal(await kv.keys({ prefix: 'k' }).toArray(), keys, 'all');
      equal(
        await take(kv.keys({ prefix: 'k' }, { reverse: true, limit: 300 })),
        keys.toReversed().slice(0, 300),
        'some',
      );
      const space = kv.namespace('k');
      equal(await space.keys({ end: '0003' }).toArray(), ['0000', '0001', '0002'], 'of a name space');
      const lists = kv.list({ prefix: 'other' });
      equal([await lists.toArray(), await lists.toArray()], [await take(lists), await take(lists)], 'toArray');
    },
  },
  {
    key: 'selections/history',
    title: 'a history takes from and until, both included, a limit, and reverse',
    async run(kv) {
      const first = await putAll(kv, { a: '0' });
      for (let i = 1; i < 300; i++) await kv.put('a', `${i}`);
      await kv.delete('a');
      const all = await kv.history('a').toArray();
      equal(all.length, 301, 'all');
      equal(await take(kv.history('a', { reverse: true })), all.toReversed(), 'reversed');
      equal(await take(kv.history('a', { limit: 2 })), all.slice(0, 2), 'the first two');
      equal(await take(kv.history('a', { reverse: true, limit: 2 })), all.toReversed().slice(0, 2), 'the last two');
      const part = { from: first + 10, until: first + 250 };
      equal(await take(kv.history('a', part)), all.slice(10, 251), 'a part');
      equal(
        await take(kv.history('a', { ...part, reverse: true, limit: 200 })),
        all.slice(10, 251).toReversed().slice(0, 200),
        'a part, reversed',
      );
      equal(told(await take(kv.history('a', { until: first })))[0], `${first} a=0`, 'the first revision alone');
      await refused('MVCC_FUTURE_REVISION', {
        'until the future': () => take(kv.history('a', { until: first + 999 })),
      });
    },
  },
  {
    key: 'selections/undecodable',
    title: 'what a codec refuses ends a read with an error that names its key, is left out, or is given raw',
    async run(kv) {
      const even = {
        encode: (value: string) => Uint8Array.from(value, (character) => character.charCodeAt(0)),
        decode(bytes: Uint8Array): string {
          if (bytes.length % 2 === 1) throw new Error('odd');
          return String.fromCharCode(...bytes);
        },
      };
      const space = kv.namespace('n/', { value: even });
      const first = await putAll(kv, { 'n/a': 'xx', 'n/b': 'odd', 'n/c': 'yy' });
      const error = (await thrown(() => space.list({}).toArray(), 'list')) as { code?: string; key?: Uint8Array };
      equal([error.code, error.key?.join()], ['KV_DECODE', '98'], 'the error');
      const raw: unknown[] = [];
      const reads = {
        list: (how: KeysOptions) => space.list({}, how).toArray(),
        'list by value': (how: KeysOptions) => space.list({}, { ...how, orderBy: 'value' }).toArray(),
        page: async (how: KeysOptions) => (await space.page({}, how)).entries,
        watch: (how: KeysOptions) => take(space.watch({}, { from: first - 2, undecodable: how.undecodable }), 2),
        'initial watch': (how: KeysOptions) =>
          take(space.watch({}, { initial: true, undecodable: how.undecodable }), 2),
        changes: (how: KeysOptions) => space.changes({}, { since: first - 3, undecodable: how.undecodable }).toArray(),
      };
      for (const [what, read] of Object.entries(reads)) {
        equal(shown((await read({ undecodable: 'skip' })) as never), ['a=xx', 'c=yy'], `${what}, skip`);
        raw.length = 0;
        const found = await read({
          undecodable: ({ key, value, revision, error }) => raw.push([key.join(), value.join(), revision, error.code]),
        });
        equal(shown(found as never), ['a=xx', 'c=yy'], `${what}, raw`);
        equal(raw, [['98', '111,100,100', first - 1, 'KV_DECODE']], `${what}, what was given raw`);
      }
      equal(shown(await space.list({}, { undecodable: 'skip', limit: 2 }).toArray()), ['a=xx', 'c=yy'], 'a limit');
      equal(await space.history('b', { undecodable: 'skip' }).toArray(), [], 'history');
      equal(await space.keys({}).toArray(), ['a', 'b', 'c'], 'keys look at no value');
    },
  },
  {
    key: 'selections/arguments',
    title: 'unknown orders, filters out of range and wrong ways with what cannot be decoded are KV_INVALID',
    async run(kv) {
      const any = (value: unknown): never => value as never;
      await refused('KV_INVALID', {
        'list, orderBy': () => take(kv.list({}, { orderBy: any('lease') })),
        'keys, null': () => take(kv.keys({}, any(null))),
        'keys, unknown': () => take(kv.keys({}, any({ from: 1 }))),
        'page, orderBy': () => kv.page({}, { orderBy: any(1) }),
        'list, filter': () => take(kv.list({}, { minModRevision: 0 })),
        'count, filter': () => kv.count({}, { maxCreateRevision: 1.5 }),
        'count, reverse': () => kv.count({}, any({ reverse: true })),
        'list, undecodable': () => take(kv.list({}, { undecodable: any('ignore') })),
        'history, until': () => take(kv.history('a', { until: 0 })),
        'history, until below from': () => take(kv.history('a', { from: 3, until: 2 })),
        'changes, nothing': () => take(kv.changes({}, any({}))),
        'changes, since': () => take(kv.changes({}, { since: -1 })),
        'changes, until below since': () => take(kv.changes({}, { since: 3, until: 2 })),
        'diff, revision 0': () => take(kv.diff(0, 1, {})),
        'diff of a key': () => take(kv.diff(1, 1, any('a'))),
        'watch of none': () => take(kv.watch({ any: [] }), 1),
        'watch of any key': () => take(kv.watch(any({ any: 'a' })), 1),
        'watch of any and more': () => take(kv.watch(any({ any: ['a'], prefix: 'a' })), 1),
        'watch, resync': () => take(kv.watch('a', { resync: any(1) }), 1),
        'watch, resync event by event': () => take(kv.watch('a', { resync: true }), 1),
        'list of several': () => take(kv.list(any({ any: ['a'] }))),
      });
      await refused('WATCH_EMPTY_RANGE', {
        'a part without keys': () => take(kv.watch({ any: ['a', { start: 'c', end: 'b' }] }), 1),
      });
    },
  },
];
