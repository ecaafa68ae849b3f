/** What the reads of the facade cost others, and where they end: turns, memory, compaction under them. */
import { describe, expect, test } from 'vitest';
import { json, memory, open, type EmbeddedKv, type Undecodable } from '../src/index.ts';
import { codeOf, collect, engines, failure } from './helpers.ts';

const names = Array.from({ length: 3000 }, (_, i) => `k${String(i).padStart(5, '0')}`);

async function filled(kv: EmbeddedKv): Promise<number> {
  await kv.write((section) => names.forEach((name, i) => section.put(name, String(i % 97))));
  for (let i = 0; i < 600; i++) await kv.put('k00000', `${i}`);
  return kv.revision;
}

test('law 10: others have turns during every long read', async () => {
  await using kv = await open(memory(), { durability: 'interval' });
  const last = await filled(kv);
  const reads: readonly [string, () => Promise<unknown>][] = [
    ['list by value', () => kv.list({}, { orderBy: 'value' }).toArray()],
    ['keys', () => kv.keys({}).toArray()],
    ['filtered keys', () => kv.keys({}, { minModRevision: last }).toArray()],
    ['filtered count', () => kv.count({}, { minModRevision: 2 })],
    ['page by revision', () => kv.page({}, { orderBy: 'modRevision', total: true, minCreateRevision: 2 })],
    ['history, reversed', () => kv.history('k00000', { reverse: true }).toArray()],
    ['changes', () => kv.changes({}, { since: 0 }).toArray()],
    ['changes of nothing', () => kv.changes('nothing', { since: 0 }).toArray()],
    ['diff', () => kv.diff(1, last, {}).toArray()],
  ];
  for (const [what, read] of reads) {
    let turns = 0;
    let running = true;
    const count = (): void => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    // So many that several slices pass, however fast the machine is.
    for (let i = 0; i < 10; i++) await read();
    running = false;
    expect(turns, what).toBeGreaterThan(1);
  }
});

describe.each(engines)('law 5: on %s', (_, place) => {
  test('compaction under a read ends it with MVCC_COMPACTED and where to begin anew, never with a part', async () => {
    await using kv = await open(place());
    const last = await filled(kv);
    const reads = [
      kv.at(last).list({}),
      kv.at(last).keys({}),
      kv.diff(last - 500, last, {}),
      kv.diff(2, last, { start: 'k00001' }),
      kv.diff(1, last, {}),
      kv.changes({}, { since: last - 500, until: last }),
    ].map((items) => items[Symbol.asyncIterator]());
    const firsts = await Promise.all(reads.map((read) => read.next()));
    expect(firsts.map(({ done }) => done === true)).toEqual([false, false, false, true, false, false]);
    await kv.put('k00001', 'later');
    await kv.compact(kv.revision, { physical: true });
    for (const [at, read] of reads.entries()) {
      const rest = async (): Promise<number> => {
        let items = 0;
        while ((await read.next()).done !== true) items++;
        return items;
      };
      // A difference of one key, and changes: what was read already is given.
      const whole = at === 2 || at === 3;
      if (whole) await rest().catch((error: unknown) => expect(error).toMatchObject({ code: 'MVCC_COMPACTED' }));
      else
        expect(await failure(rest), `read ${at}`).toMatchObject({
          code: 'MVCC_COMPACTED',
          compactRevision: kv.revision,
        });
    }
  });

  test('S27: every order, filter and direction is the same on every engine, and after a part is compacted', async () => {
    await using kv = await open(place());
    await filled(kv);
    await kv.delete({ start: 'k01000', end: 'k02000' });
    await kv.compact(kv.revision - 100, { physical: true });
    const values = await kv.list({}, { orderBy: 'value', limit: 3, reverse: true }).toArray();
    expect(values.map(({ key }) => key)).toEqual(['k02909', 'k02812', 'k02715']);
    expect(await kv.keys({}, { orderBy: 'version', reverse: true, limit: 1 }).toArray()).toEqual(['k00000']);
    expect(await kv.count({}, { maxModRevision: 2 })).toBe(1999);
    expect((await kv.changes({}, { since: kv.revision - 1 }).toArray()).length).toBe(1000);
    expect((await kv.history('k00000', { reverse: true, limit: 2 }).toArray()).map(({ value }) => value)).toEqual([
      '599',
      '598',
    ]);
  });
});

test('of a list by value with a limit, what is cut on the way is not what was wanted', async () => {
  await using kv = await open(memory());
  for (let part = 0; part < 8; part++) {
    await kv.write((section) => {
      for (let i = 0; i < 1000; i++) section.put(`k${part}/${i}`, `${(i * 7919 + part * 31) % 4000}`);
    });
  }
  for (const reverse of [false, true]) {
    const all = await kv.list({}, { orderBy: 'value', reverse }).toArray();
    for (const limit of [1, 5, 700]) {
      expect(await kv.list({}, { orderBy: 'value', reverse, limit }).toArray()).toEqual(all.slice(0, limit));
    }
  }
});

test('what cannot be decoded: a function that throws ends the read with its own error', async () => {
  await using kv = await open(memory());
  await kv.put('a', 'no JSON');
  await kv.put('b', '7');
  const numbers = kv.namespace('', { value: json<number>() });
  const mine = new Error('mine');
  const refuse = (): never => {
    throw mine;
  };
  expect(await failure(() => numbers.list({}, { undecodable: refuse }).toArray())).toBe(mine);
  const raw: Undecodable[] = [];
  const page = await numbers.page({}, { undecodable: (one) => raw.push(one) });
  expect(page.entries.map(({ value }) => value)).toEqual([7]);
  expect(raw.map((one) => Buffer.from(one.value).toString())).toEqual(['no JSON']);
  expect(raw[0]?.error).toMatchObject({ code: 'KV_DECODE', revision: 2, key: new Uint8Array(Buffer.from('a')) });
});

test('what cannot be decoded before a change is left out of the event, and told', async () => {
  await using kv = await open(memory());
  const numbers = kv.namespace('', { value: json<number>() });
  await kv.put('a', 'no JSON');
  await kv.put('a', '7');
  const raw: number[] = [];
  const undecodable = ({ revision }: Undecodable): unknown => raw.push(revision);
  const [event] = await collect(numbers.watch('a', { from: 3, previous: true, undecodable }), 1);
  expect([event?.value, event?.previous, raw]).toEqual([7, undefined, [2]]);
  expect(await codeOf(() => collect(numbers.watch('a', { from: 3, previous: true }), 1))).toBe('KV_DECODE');
});
