/** Transactions as data. */
import { compare, exists, get, missing, nested, put, range, remove, type Compare } from '../operations.ts';
import { equal, refused } from './check.ts';
import { putAll, shown, take, type Scenario } from './scenario.ts';

export const txnScenarios: readonly Scenario[] = [
  {
    key: 'txn/branches',
    title: 'law 3: one branch is carried out, wholly, as one revision, with a result for each operation',
    async run(kv) {
      const before = await putAll(kv, { a: '1', b: '2', 'c/1': '3', 'c/2': '4' });
      const entry = await kv.get('a');
      const won = await kv.txn({
        if: [exists('a'), missing('x')],
        then: [
          get('a'),
          put('a', 'new', { previous: true }),
          get('a'),
          remove({ prefix: 'c/' }, { previous: true }),
          range({}, { limit: 1 }),
          range({ start: 'a' }, { reverse: true, limit: 1 }),
          get('x'),
        ],
        else: [put('x', 'not this one')],
      });
      const revision = before + 1;
      equal([won.succeeded, won.revision], [true, revision], 'the branch and its revision');
      const [read, replaced, reread, gone, first, last, nothing] = won.results as unknown as readonly [
        ...[unknown, unknown, { modRevision: number; value: string }],
        ...[{ revision: number; deleted: number; previous: readonly [] }, { total: number }],
        ...[{ entries: readonly { key: string }[]; total: number }, unknown],
      ];
      equal(read, entry, 'a read before the put');
      equal(replaced, { revision, previous: entry }, 'the put');
      equal([reread.value, reread.modRevision], ['new', revision], 'a read behind the put');
      equal([gone.deleted, gone.previous.length, gone.revision], [2, 2, revision], 'the deletion');
      equal(first.total, 2, 'matches of a range with a limit');
      equal([last.entries.map(({ key }) => key), last.total], [['b'], 2], 'the last of a range');
      equal(nothing, undefined, 'a key that is not there');
      const lost = await kv.txn({ if: [missing('a')], then: [put('x', '1')], else: [get('b')] });
      equal(
        [lost.succeeded, lost.revision, await kv.count({})],
        [false, revision, 2],
        'the other branch, which only reads',
      );
    },
  },
  {
    key: 'txn/conditions',
    title: 'every test of a key, a missing key and a range decides as the contract says',
    async run(kv) {
      const first = await putAll(kv, { a: 'm' });
      const second = (await kv.put('a', 'm')).revision;
      await kv.put('b', 'z');
      const cases: readonly (readonly [Compare<string, string>, boolean])[] = [
        [compare('a', { version: { equals: 2 } }), true],
        [compare('a', { version: { not: 2 } }), false],
        [compare('a', { version: { greater: 1, less: 3 } }), true],
        [compare('a', { createRevision: { equals: first } }), true],
        [compare('a', { modRevision: { equals: second } }), true],
        [compare('a', { modRevision: { less: second } }), false],
        [compare('a', { value: { equals: 'm' } }), true],
        [compare('a', { value: { greater: 'l', less: 'n' } }), true],
        [compare('a', { value: { not: 'm' } }), false],
        [compare('a', { lease: { equals: '0' } }), true],
        [compare('a', { lease: { not: '0' } }), false],
        [compare('x', { version: { equals: 0 } }), true],
        [compare('x', { modRevision: { equals: 0 } }), true],
        [compare('x', { value: { not: 'm' } }), false],
        [missing({ prefix: 'x' }), true],
        [missing({ prefix: 'a' }), false],
        [exists({}), true],
        [compare({}, { value: { greater: 'a' } }), true],
        [compare({}, { value: { less: 'n' } }), false],
        [compare({ prefix: 'a' }, { value: { less: 'n' } }), true],
      ];
      for (const [condition, wanted] of cases) {
        equal((await kv.txn({ if: [condition] })).succeeded, wanted, JSON.stringify(condition));
      }
      equal((await kv.txn({})).succeeded, true, 'no condition');
      equal((await kv.txn({ if: [exists('a'), exists('x')] })).succeeded, false, 'one of two conditions');
    },
  },
  {
    key: 'txn/nested',
    title: 'conditions of nested transactions see the state before the outermost one; all of it is one revision',
    async run(kv) {
      const before = await putAll(kv, { a: '1' });
      const result = await kv.txn({
        then: [
          put('b', '2'),
          nested({ if: [exists('b')], then: [put('wrong', 'x')], else: [get('b'), put('c', '3')] }),
          nested({ if: [exists('a')], then: [nested({ then: [put('d', '4')] })] }),
        ],
      });
      const [, inner] = result.results as readonly {
        succeeded: boolean;
        revision: number;
        results: readonly unknown[];
      }[];
      equal([result.revision, inner?.succeeded, inner?.revision], [before + 1, false, before + 1], 'the inner one');
      equal((inner?.results[0] as { value: string } | undefined)?.value, '2', 'a read behind the put of the outer one');
      equal(shown(await take(kv.list({}))), ['a=1', 'b=2', 'c=3', 'd=4'], 'the keys');
      equal(
        (await take(kv.list({ start: 'b' }))).map((entry) => entry.modRevision),
        [before + 1, before + 1, before + 1],
        'revisions',
      );
    },
  },
  {
    key: 'txn/refusals',
    title: 'a transaction is checked as a whole, both branches, before anything happens',
    async run(kv) {
      const before = await putAll(kv, { a: '1' });
      const bad = (txn: unknown) => () => kv.txn(txn as object);
      await refused('KV_DUPLICATE_KEY', {
        'two puts of a key': bad({ then: [put('a', '1'), put('a', '2')] }),
        'a put and a deletion of a key': bad({ then: [remove('a'), put('a', '2')] }),
        'a put in a range that is deleted': bad({ then: [put('a', '2'), remove({ prefix: 'a' })] }),
        'in the branch that is not taken': bad({ then: [put('b', '2')], else: [put('a', '1'), put('a', '2')] }),
        'in a nested transaction': bad({ then: [put('a', '1'), nested({ then: [put('a', '2')] })] }),
      });
      await refused('KV_INVALID', {
        'an unknown name': bad({ iff: [], then: [put('a', '2')] }),
        'an unknown operation': bad({ then: [put('a', '2'), { type: 'increment', key: 'a' }] }),
        'a condition without a test': bad({ if: [{ key: 'a' }], then: [put('a', '2')] }),
        'a test without an operand': bad({ if: [compare('a', { version: {} })], then: [put('a', '2')] }),
        'a branch that is no array': bad({ then: put('a', '2') }),
        'an empty key in the other branch': bad({ then: [put('a', '2')], else: [get('')] }),
        'no transaction': bad(undefined),
      });
      const many = Array.from({ length: 2_000_000 }, () => get('a'));
      await refused('KV_TOO_LARGE', { 'too many operations': bad({ then: many }) });
      equal([(await kv.status()).revision, (await kv.get('a'))?.value], [before, '1'], 'nothing has changed');
    },
  },
];
