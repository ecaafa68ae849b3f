/** B7: one signal may go with any number of calls; Node sees no leak, and nothing is left on it. */
import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open, put, type EmbeddedKv } from '../src/index.ts';
import { codeOf, collect, engines, failure, temporaryFolder } from './helpers.ts';

const warnings: Error[] = [];
const note = (warning: Error): void => void warnings.push(warning);

beforeAll(() => void process.on('warning', note));
afterAll(() => void process.off('warning', note));

/** A signal as other realms and polyfills have it: of no class that this one knows. */
function likeSignal(reason?: unknown): AbortSignal {
  const like = {
    aborted: reason !== undefined,
    reason,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    throwIfAborted() {
      if (reason !== undefined) throw reason as Error;
    },
  };
  return like as unknown as AbortSignal;
}

const withSignal: readonly [string, (kv: EmbeddedKv, signal: AbortSignal) => unknown][] = [
  ['get', (kv, signal) => kv.get('a', { signal })],
  ['count', (kv, signal) => kv.count({}, { signal })],
  ['page', (kv, signal) => kv.page({}, { signal, total: true })],
  ['list', (kv, signal) => collect(kv.list({}, { signal }))],
  ['history', (kv, signal) => collect(kv.history('a', { signal }))],
  ['watch', (kv, signal) => collect(kv.watch('a', { from: 2, signal }), 1)],
  ['put', (kv, signal) => kv.put('a', '2', { signal })],
  ['delete', (kv, signal) => kv.delete('a', { signal })],
  ['txn', (kv, signal) => kv.txn({ then: [put('a', '2')] }, { signal })],
  ['transaction', (kv, signal) => kv.transaction((tx) => tx.put('a', '2'), { signal })],
  ['write', (kv, signal) => kv.write((section) => section.put('a', '2'), { signal })],
  ['compact', (kv, signal) => kv.compact(2, { physical: true, signal })],
  ['hashByRev', (kv, signal) => kv.hashByRev(0, { signal })],
  ['status', (kv, signal) => kv.status({ signal })],
  ['snapshot', async (kv, signal) => collect(await kv.snapshot({ signal }))],
  ['backup', (kv, signal) => kv.backup(temporaryFolder('copy.db'), { signal })],
];

describe.each(engines)('XD1: on %s, a signal of another realm', (_engine, place) => {
  test.each(withSignal)('%s', async (_, call) => {
    await using kv = await open(place());
    await kv.put('a', '1');
    await call(kv, likeSignal());
    const reason = new Error('mine');
    expect(await failure(() => call(kv, likeSignal(reason)))).toBe(reason);
  });
});

describe.each(engines)('XB7: on %s', (_engine, place) => {
  test('a thousand calls of every kind share one signal', async () => {
    const kv = await open(place(), { batchLimit: 20 });
    const { signal } = new AbortController();
    const n = 1000;
    const each = <T>(call: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => call(i));
    await Promise.all(each((i) => kv.put(`k${i % 500}`, 'x', { signal })));
    const watches = each((i) => kv.watch(`k${i}`, { signal }));
    const pulls = watches.map((watch) => collect(watch));
    const lists = each(() => kv.list({}, { signal, limit: 1 })[Symbol.asyncIterator]());
    const snapshots = await Promise.all(Array.from({ length: 30 }, () => kv.snapshot({ signal })));
    await Promise.all([
      ...lists.map((list) => list.next()),
      ...each(() => kv.get('k1', { signal })),
      ...each(() => kv.count({}, { signal })),
      ...each((i) => kv.txn({ then: [put(`t${i}`, 'x')] }, { signal })),
      ...each((i) => kv.transaction((tx) => tx.put(`u${i}`, 'x'), { signal })),
      ...each(() => collect(kv.history('k1', { signal }))),
    ]);
    for (let i = 0; i < 20; i++) {
      const { revision } = await kv.put('k1', 'x');
      const compacted = kv.compact(revision, { physical: true, signal });
      expect(getEventListeners(signal, 'abort').length).toBe(1);
      await compacted;
    }
    expect(getEventListeners(signal, 'abort').length).toBe(1);
    for (const snapshot of snapshots) await snapshot.close();
    for (const watch of watches) await watch.close();
    await Promise.all(pulls);
    await kv.close();
    await new Promise(setImmediate);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('an abort reaches every one of them, once, and none that has ended', async () => {
    await using kv = await open(place());
    const controller = new AbortController();
    const { signal } = controller;
    const watches = Array.from({ length: 50 }, () => kv.watch('a', { signal }));
    const outcomes = watches.map((watch) => codeOf(() => collect(watch)));
    outcomes[7]!.catch(() => undefined);
    await watches[7]!.close();
    controller.abort(Object.assign(new Error('enough'), { code: 'ENOUGH' }));
    expect(new Set(await Promise.all(outcomes.toSpliced(7, 1)))).toEqual(new Set(['ENOUGH']));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(kv.stats().watch.streams).toBe(0);
  });
});
