/** Optimistic transactions. */
import type { Kv } from '../kv.ts';
import { equal, refusal, thrown } from './check.ts';
import { putAll, shown, take, type Scenario } from './scenario.ts';

export const optimisticScenarios: readonly Scenario[] = [
  {
    key: 'transaction/reads-and-writes',
    title: 'law 3: a body reads one revision and its own writes; they are committed as one revision, or not at all',
    async run(kv) {
      const before = await putAll(kv, { a: '1', b: '2', c: '3' });
      const result = await kv.transaction(async (tx) => {
        equal(tx.revision, before, 'the revision that is read');
        tx.put('a', 'new');
        tx.put('d', '4');
        tx.delete('b');
        const own = await tx.get('a');
        equal([own?.value, own?.version, own?.modRevision], ['new', 0, 0], 'an own write');
        equal(await tx.get('b'), undefined, 'an own deletion');
        return shown(await tx.list({}));
      });
      equal(result, { value: ['a=new', 'c=3', 'd=4'], revision: before + 1, attempts: 1 }, 'the result');
      equal(shown(await take(kv.list({}))), ['a=new', 'c=3', 'd=4'], 'the keys');
      const read = await kv.transaction(async (tx) => (await tx.get('c'))?.value);
      equal(read, { value: '3', revision: before + 1, attempts: 1 }, 'one that only reads');
    },
  },
  {
    key: 'transaction/conflict',
    title: 'a change of what was read, also a key that appears in a range, makes the body run again',
    async run(kv) {
      await putAll(kv, { a: '1', 'r/1': 'x' });
      const disturbances: readonly ((kv: Kv) => Promise<unknown>)[] = [
        (store) => store.put('a', '2'),
        (store) => store.delete('a'),
        (store) => store.put('r/0', 'new'),
        (store) => store.delete('r/1'),
      ];
      for (const [i, disturb] of disturbances.entries()) {
        let runs = 0;
        const result = await kv.transaction(async (tx) => {
          await tx.get('a');
          const entries = await tx.list({ prefix: 'r/' });
          if (runs++ === 0) await disturb(kv);
          tx.put('sum', `${entries.length}`);
        });
        equal([result.attempts, runs], [2, 2], `attempts of disturbance ${i}`);
      }
      let runs = 0;
      await kv.transaction(async (tx) => {
        await tx.get('a');
        if (runs++ === 0) await kv.put('elsewhere', 'x');
        tx.put('sum', 'kept');
      });
      equal(runs, 1, 'attempts where something else has changed');
    },
  },
  {
    key: 'transaction/counters',
    title: 'law 3: of many that add to one key at once, every one counts',
    async run(kv) {
      const add = () =>
        kv.transaction(async (tx) => {
          const sum = Number((await tx.get('sum'))?.value ?? '0') + 1;
          tx.put('sum', `${sum}`);
          return sum;
        });
      const results = await Promise.all(Array.from({ length: 12 }, add));
      equal((await kv.get('sum'))?.value, '12', 'the sum');
      equal(new Set(results.map(({ value }) => value)).size, 12, 'sums that differ');
    },
  },
  {
    key: 'transaction/gives-up',
    title: 'after so many attempts it is KV_CONFLICT, and an error of the body is passed on; nothing is written',
    async run(kv) {
      await kv.put('a', '0');
      let runs = 0;
      const losing = () =>
        kv.transaction(
          async (tx) => {
            await tx.get('a');
            await kv.put('a', `${++runs}`);
            tx.put('lost', 'x');
          },
          { attempts: 3 },
        );
      equal([await refusal(losing, 'one that always loses'), runs], ['KV_CONFLICT', 3], 'attempts');
      const mine = new Error('mine');
      const failing = () =>
        kv.transaction((tx) => {
          tx.put('lost', 'x');
          throw mine;
        });
      equal((await thrown(failing, 'a body that throws')) === mine, true, 'the error of the body');
      equal(await kv.get('lost'), undefined, 'what was lost');
    },
  },
];
