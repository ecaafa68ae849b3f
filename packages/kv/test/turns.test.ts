/** B4: a loop that polls lets timers and input run, whichever call it polls with, and whether that answers or rejects. */
import { readFile } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { file, get, open, type Compaction, type EmbeddedKv } from '../src/index.ts';
import { codeOf, collect, engines } from './helpers.ts';

const calls: readonly [string, (kv: EmbeddedKv) => Promise<unknown>][] = [
  ['get', (kv) => kv.get('absent')],
  ['get of a key that is there', (kv) => kv.get('a')],
  ['get that is refused', (kv) => codeOf(() => kv.get(''))],
  ['count', (kv) => kv.count({})],
  ['page', (kv) => kv.page({})],
  ['list', (kv) => collect(kv.list({}))],
  ['list of nothing', (kv) => collect(kv.list({ prefix: 'absent' }))],
  ['history', (kv) => collect(kv.history('a'))],
  ['at().get', (kv) => kv.at(2).get('a')],
  ['at().get of the future', (kv) => codeOf(() => kv.at(1_000_000).get('a'))],
  ['at().page', (kv) => kv.at(2).page({})],
  ['at().count', (kv) => kv.at(2).count({})],
  ['get in a name space', (kv) => kv.namespace('n').get('a')],
  ['txn that reads', (kv) => kv.txn({ then: [get('a')] })],
  ['txn that is refused', (kv) => codeOf(() => kv.txn({ then: 7 as unknown as readonly [] }))],
  ['transaction that reads', (kv) => kv.transaction((tx) => tx.get('a'))],
  ['transaction of nothing', (kv) => kv.transaction(() => undefined)],
  ['write that reads', (kv) => kv.write((section) => section.count({}))],
  ['delete of nothing', (kv) => kv.delete('absent')],
  ['put', (kv) => kv.put('a', 'x')],
  ['put that is refused', (kv) => codeOf(() => kv.put('', 'x'))],
  ['status', (kv) => kv.status()],
  ['settled', (kv) => kv.settled()],
  ['commit', (kv) => kv.commit()],
  ['compact that is refused', (kv) => codeOf(() => kv.compact(1_000_000))],
  ['hashByRev', (kv) => kv.hashByRev()],
  ['started', (kv) => kv.watch('a').started()],
  ['initial watch', async (kv) => collect(kv.watch('a', { initial: true }), 1)],
  ['backup that is refused', (kv) => codeOf(() => kv.backup(''))],
  ['a watch that is made and closed', (kv) => kv.watch('a').close()],
  ['close of a name space', (kv) => kv.namespace('n').close()],
  ['the return of a list', (kv) => kv.list({})[Symbol.asyncIterator]().return!()],
  ['a compaction that has finished', (kv) => finished(kv)],
  ['open that is refused', () => codeOf(() => open(''))],
  ['an engine that is refused', () => codeOf(() => file(''))],
];

const compactions = new WeakMap<EmbeddedKv, Promise<Compaction>>();

/** Asks one and the same compaction again and again. */
async function finished(kv: EmbeddedKv): Promise<void> {
  const compaction = compactions.get(kv) ?? kv.compact(kv.revision);
  compactions.set(kv, compaction);
  await (await compaction).finished();
}

describe.each(engines)('XB4, law 12: on %s', (_engine, place) => {
  describe.each(['commit', 'interval'] as const)('with durability %s', (durability) => {
    test.each(calls)('%s', async (_, call) => {
      await using kv = await open(place(), { durability });
      await kv.put('a', '1');
      let [timer, input] = [false, false];
      setTimeout(() => (timer = true), 1);
      readFile(import.meta.filename, () => (input = true));
      // Bounded, so that a loop that starves them ends as a failure.
      for (const end = performance.now() + 30_000; !(timer && input) && performance.now() < end;) await call(kv);
      expect([timer, input]).toEqual([true, true]);
    });
  });

  test('get and list inside a transaction', async () => {
    await using kv = await open(place());
    let timer = false;
    setTimeout(() => (timer = true), 1);
    await kv.transaction(async (tx) => {
      for (const end = performance.now() + 30_000; !timer && performance.now() < end;) {
        await tx.get('absent');
        await tx.list({});
      }
    });
    expect(timer).toBe(true);
  });

  test('calls after close', async () => {
    const kv = await open(place());
    await kv.close();
    let timer = false;
    setTimeout(() => (timer = true), 1);
    for (const end = performance.now() + 30_000; !timer && performance.now() < end;) {
      expect(await codeOf(() => kv.get('a'))).toBe('KV_CLOSED');
    }
    expect(timer).toBe(true);
  });

  test('close after close', async () => {
    const kv = await open(place());
    await kv.close();
    let timer = false;
    setTimeout(() => (timer = true), 1);
    for (const end = performance.now() + 30_000; !timer && performance.now() < end;) await kv.close();
    expect(timer).toBe(true);
  });

  test('what is slow gives its turn sooner', async () => {
    const spin = {
      encode: (text: string) => Buffer.from(text),
      decode: (): string => {
        for (const end = performance.now() + 3; performance.now() < end;);
        return 'x';
      },
    };
    await using kv = await open(place(), { value: spin });
    await kv.put('large', 'x'.repeat(64 * 1024));
    let turns = 0;
    let running = true;
    const others = (async () => {
      for (; running; turns++) await new Promise(setImmediate);
    })();
    for (let i = 0; i < 20; i++) await kv.get('large');
    running = false;
    await others;
    expect(turns).toBeGreaterThanOrEqual(8);
  });
});
