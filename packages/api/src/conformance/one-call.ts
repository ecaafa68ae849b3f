/** Optimistic writes in one call, and several keys in one. */
import { equal, refused } from './check.ts';
import { putAll, shown, take, type Scenario } from './scenario.ts';

export const oneCallScenarios: readonly Scenario[] = [
  {
    key: 'create/who-won',
    title: 'create writes a key that is not there; of many at once one wins, and each loser is told what is there',
    async run(kv) {
      const before = await putAll(kv, { other: 'x' });
      const results = await Promise.all(Array.from({ length: 8 }, (_, i) => kv.create('lock', `${i}`)));
      const entry = await kv.get('lock');
      equal([entry?.version, entry?.createRevision], [1, before + 1], 'it was written once');
      const winners = results.filter(({ succeeded }) => succeeded);
      equal(winners, [{ succeeded: true, revision: before + 1 }], 'the winner');
      for (const lost of results) {
        if (!lost.succeeded) equal(lost, { succeeded: false, revision: before + 1, entry }, 'a loser');
      }
      await kv.delete('lock');
      const again = await kv.create('lock', 'again', { ttl: 600 });
      equal([again.succeeded, (await kv.get('lock'))?.version], [true, 1], 'after its deletion');
      equal(again.succeeded && again.lease, (await kv.get('lock'))?.lease, 'its lease');
      const late = await kv.create('lock', 'late', { ttl: 600 });
      equal([late.succeeded, (await kv.leases()).length], [false, 1], 'who loses has granted no lease');
    },
  },
  {
    key: 'update/who-won',
    title: 'update writes a key that nobody has changed since; who loses is told what is there, if anything',
    async run(kv) {
      const first = await putAll(kv, { a: '1' });
      const won = await kv.update('a', '2', { revision: first });
      equal(won, { succeeded: true, revision: first + 1 }, 'the winner');
      const entry = await kv.get('a');
      equal([entry?.value, entry?.version], ['2', 2], 'the entry');
      const lost = await kv.update('a', '3', { revision: first });
      equal(lost, { succeeded: false, revision: first + 1, entry }, 'a loser');
      await kv.put('b', 'x');
      equal((await kv.update('a', '3', { revision: first + 1 })).succeeded, true, 'another key has changed, not this');
      const { revision } = await kv.delete('a');
      equal(await kv.update('a', '4', { revision: first + 3 }), { succeeded: false, revision }, 'a key that is gone');
      equal(shown(await take(kv.list({}))), ['b=x'], 'the keys');
    },
  },
  {
    key: 'update/counters',
    title: 'law 3: of many that add to one key by update, every one counts',
    async run(kv) {
      await kv.put('sum', '0');
      const add = async (): Promise<void> => {
        let entry = (await kv.get('sum'))!;
        for (;;) {
          const result = await kv.update('sum', `${Number(entry.value) + 1}`, { revision: entry.modRevision });
          if (result.succeeded) return;
          entry = result.entry!;
        }
      };
      await Promise.all(Array.from({ length: 12 }, add));
      equal((await kv.get('sum'))?.value, '12', 'the sum');
    },
  },
  {
    key: 'update/arguments',
    title: 'wrong arguments of create, update and getMany are refused before anything happens',
    async run(kv) {
      const before = await putAll(kv, { a: '1' });
      await refused('KV_INVALID', {
        'update without options': () => kv.update('a', '2', undefined as never),
        'update without a revision': () => kv.update('a', '2', {} as never),
        'update with the revision 0': () => kv.update('a', '2', { revision: 0 }),
        'update with an unknown name': () => kv.update('a', '2', { revision: before, previous: true } as never),
        'create with a revision': () => kv.create('b', '2', { revision: 1 } as object),
        'create with an empty key': () => kv.create('', '2'),
        'getMany of a key': () => kv.getMany('a' as never),
        'getMany of a range': () => kv.getMany([{ prefix: 'a' }] as never),
        'getMany with an unknown option': () => kv.getMany(['a'], { limit: 1 } as object),
        'getMany of a transaction, of a key': () => kv.transaction((tx) => tx.getMany('a' as never)),
      });
      await refused('KV_TOO_LARGE', {
        'a value over its limit': () => kv.create('b', 'x'.repeat(8 << 20)),
        'too many keys': () => kv.getMany(Array.from({ length: 1_000_000 }, () => 'a')),
      });
      equal([(await kv.status()).revision, await kv.count({})], [before, 1], 'nothing has changed');
    },
  },
  {
    key: 'reads/many',
    title: 'law 2: getMany answers from one revision, each entry at the place of its key',
    async run(kv) {
      const first = await putAll(kv, { a: '1', b: '2' });
      await kv.delete('b');
      await putAll(kv, { a: '3', c: '4' });
      const keys = ['c', 'a', 'x', 'b', 'a'];
      const values = async (reader: Pick<typeof kv, 'getMany'>): Promise<unknown> =>
        (await reader.getMany(keys)).map((entry) => entry?.value);
      equal(await values(kv), ['4', '3', undefined, undefined, '3'], 'the present');
      equal(await values(kv.at(first)), [undefined, '1', undefined, '2', '1'], 'the past');
      equal((await kv.getMany(['a']))[0], await kv.get('a'), 'whole entries');
      equal(await kv.getMany([]), [], 'no keys');
      const result = await kv.transaction(async (tx) => {
        tx.put('x', 'own');
        tx.delete('c');
        return (await tx.getMany(keys)).map((entry) => entry?.value);
      });
      equal(result.value, [undefined, '3', 'own', undefined, '3'], 'in a transaction, with its own writes');
      let runs = 0;
      await kv.transaction(async (tx) => {
        await tx.getMany(['a', 'b']);
        if (runs++ === 0) await kv.put('b', 'there now');
        tx.put('seen', 'x');
      });
      equal(runs, 2, 'attempts when one of them appears');
      let at = (await kv.put('p', '0')).revision;
      await kv.put('q', '0');
      for (let i = 1; i <= 20; i++) {
        const together = kv.getMany(['p', 'q']);
        at = (
          await kv.txn({
            then: [
              { type: 'put', key: 'p', value: `${i}` },
              { type: 'put', key: 'q', value: `${i}` },
            ],
          })
        ).revision;
        const [p, q] = await together;
        equal(p?.value, q?.value, `two that change together, at ${at}`);
      }
    },
  },
];
