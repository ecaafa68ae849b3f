/** Name spaces: a part of the keys as a `Kv` of its own. */
import { json } from '../codec.ts';
import { exists, get, missing, nested, put, range, remove } from '../operations.ts';
import { within } from '../within.ts';
import { equal, refusal, thrown } from './check.ts';
import { putAll, shown, take, told, type Scenario } from './scenario.ts';

export const namespaceScenarios: readonly Scenario[] = [
  {
    key: 'namespaces/inside',
    title: 'a name space reads and writes its own keys, without their prefix, and nothing around them',
    async run(kv) {
      await putAll(kv, { a: 'out', 'n/': 'the empty key', n0: 'out', 'n.': 'out' });
      const space = kv.namespace('n/');
      const { revision } = await space.put('x', '1');
      await space.put('y', '2');
      equal((await kv.get('n/x'))?.value, '1', 'seen from outside');
      equal(shown(await take(space.list({}))), ['x=1', 'y=2'], 'list');
      equal(shown(await take(space.list({}, { reverse: true, limit: 1 }))), ['y=2'], 'list, reversed');
      equal([await space.count({}), await space.count({ prefix: 'x' })], [2, 1], 'count');
      equal((await space.get('a'))?.value, undefined, 'a key from outside');
      equal(shown(await take(space.at(revision).list({}))), ['x=1'], 'the past');
      equal(told(await take(space.history('x'))), [`${revision} x=1`], 'history');
      equal(told(await take(space.watch({}, { from: 1 }), 1)), [`${revision} x=1`], 'watch');
      const txn = await space.txn({ if: [missing({ prefix: 'z' })], then: [range({}), remove('x'), put('z', '3')] });
      equal([txn.succeeded, (await kv.get('n/z'))?.value], [true, '3'], 'txn');
      equal((await space.transaction(async (tx) => shown(await tx.list({})))).value, ['y=2', 'z=3'], 'transaction');
      equal((await space.delete({ all: true })).deleted, 2, 'all keys of it');
      equal(
        (await take(kv.list({}))).map((entry) => entry.key),
        ['a', 'n.', 'n/', 'n0'],
        'what lies around',
      );
    },
  },
  {
    key: 'namespaces/nested',
    title: 'name spaces nest; their values may be stored in another way; closing one does nothing',
    async run(kv) {
      const inner = kv.namespace('a/').namespace('b/', { value: json<{ n: number }>() });
      await inner.put('k', { n: 1 });
      equal((await inner.get('k'))?.value, { n: 1 }, 'inside');
      equal((await kv.get('a/b/k'))?.value, '{"n":1}', 'outside');
      await inner.close();
      await kv.namespace('a/').close();
      equal((await inner.put('k', { n: 2 })).revision, (await inner.status()).revision, 'after close');
    },
  },
  {
    key: 'namespaces/cursors',
    title: 'a cursor belongs to its range, direction, name space and revision; others are KV_INVALID',
    async run(kv) {
      for (const name of ['n/1', 'n/2', 'n/3', 'm/1', 'm/2', 'm/3']) await kv.put(name, 'x');
      const [n, m] = [kv.namespace('n/'), kv.namespace('m/')];
      const page = await n.page({}, { limit: 1 });
      const cursor = page.next;
      equal(shown((await n.page({}, { cursor })).entries), ['2=x', '3=x'], 'its own');
      const wrong = {
        'another name space': () => m.page({}, { cursor }),
        'another range': () => n.page({ prefix: '2' }, { cursor }),
        'another direction': () => n.page({}, { cursor, reverse: true }),
        'another revision': () => n.at(page.revision - 1).page({}, { cursor }),
        'no cursor': () => n.page({}, { cursor: `${cursor}x` }),
      };
      for (const [what, call] of Object.entries(wrong)) equal(await refusal(call, what), 'KV_INVALID', what);
    },
  },
  {
    key: 'namespaces/errors',
    title: 'an error of a name space names its own key, without the prefix',
    async run(kv) {
      await kv.put('hidden/k', 'no JSON');
      const space = kv.namespace('hidden/', { value: json() });
      const error = (await thrown(() => space.get('k'), 'a value that cannot be read')) as Error & {
        code?: string;
        key?: Uint8Array;
      };
      equal([error.code, [...(error.key ?? [])]], ['KV_DECODE', [0x6b]], 'code and key');
      equal(error.message.includes('hidden'), false, 'the prefix in the message');
    },
  },
  {
    key: 'namespaces/together',
    title:
      'law 3: one transaction reads and writes several name spaces, each with its own keys and values, as one revision',
    async run(kv) {
      const people = kv.namespace('people/', { value: json<{ age: number }>() });
      const names = kv.namespace('names/');
      const before = (await people.put('7', { age: 30 })).revision;
      const won = await kv.txn({
        if: [within(people, exists('7')), within(names, missing({})), missing('log')],
        then: [
          within(people, put('7', { age: 31 }, { previous: true })),
          within(names, put('Ann', '7')),
          nested({ then: [put('log', 'x'), within(people, get('7'))] }),
          within(names, range({})),
        ],
      });
      const [replaced, , inner, listed] = won.results as unknown as readonly [
        ...[
          { previous: { value: unknown } },
          unknown,
          { results: readonly [unknown, { key: string; value: unknown }] },
        ],
        ...[{ entries: readonly { key: string; value: string }[] }],
      ];
      equal([won.succeeded, won.revision], [true, before + 1], 'one revision');
      equal(replaced.previous.value, { age: 30 }, 'a value of the other name space');
      equal([inner.results[1].key, inner.results[1].value], ['7', { age: 31 }], 'a read behind it');
      equal(
        listed.entries.map(({ key, value }) => [key, value]),
        [['Ann', '7']],
        'a range',
      );
      equal((await kv.get('people/7'))?.value, '{"age":31}', 'seen from outside');
      let runs = 0;
      const { revision } = await kv.transaction(async (tx) => {
        const inside = tx.in(people);
        const age = (await inside.get('7'))?.value.age ?? 0;
        if (runs++ === 0) await people.put('7', { age: 50 });
        inside.put('7', { age: age + 1 });
        tx.in(names).put('Bob', (await tx.get('people/7'))?.value ?? 'nothing');
        tx.delete('log');
      });
      equal(runs, 2, 'attempts when what one of them read has changed');
      equal(
        shown(await take(kv.at(revision).list({}))),
        ['names/Ann=7', 'names/Bob={"age":51}', 'people/7={"age":51}'],
        'all',
      );
      equal(
        (await take(kv.watch({}, { from: revision }), 3)).every((event) => event.revision === revision),
        true,
        'one',
      );
    },
  },
  {
    key: 'namespaces/together-refused',
    title: 'a name space of another store, and a key that two of them put, are refused before anything happens',
    async run(kv, bench) {
      const before = await putAll(kv, { a: '1' });
      const other = (await bench.open()).namespace('n/');
      const space = kv.namespace('n/');
      const refusals: readonly (readonly [string, string, () => unknown])[] = [
        ['another store', 'KV_INVALID', () => kv.txn({ then: [put('a', '2'), within(other, put('k', 'x'))] })],
        ['a condition of it', 'KV_INVALID', () => kv.txn({ if: [within(other, exists('k'))], then: [put('a', '2')] })],
        [
          'in a transaction',
          'KV_INVALID',
          () => kv.transaction((tx) => (tx.put('a', '2'), tx.in(other).put('k', 'x'))),
        ],
        ['no name space', 'KV_INVALID', () => kv.txn({ then: [within({} as typeof kv, put('k', 'x'))] })],
        ['no operation', 'KV_INVALID', () => kv.txn({ then: [{ type: 'within', namespace: space } as never] })],
        ['one key twice', 'KV_DUPLICATE_KEY', () => kv.txn({ then: [put('n/k', '1'), within(space, put('k', '2'))] })],
      ];
      for (const [what, code, call] of refusals) equal(await refusal(call, what), code, what);
      equal([(await kv.status()).revision, await kv.count({})], [before, 1], 'nothing has changed');
    },
  },
];
