/** Name spaces: a part of the keys as a `Kv` of its own. */
import { json } from '../codec.ts';
import { missing, put, range, remove } from '../operations.ts';
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
];
