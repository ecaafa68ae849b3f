import { openBackend, type Changes, type Engine } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { deferred, type Deferred } from '@varve/base/deferred';
import type { ObserverFactory } from '../src/observer.ts';
import { openStore } from '../src/open-store.ts';
import type { Store } from '../src/store.ts';
import { bytes, codeOf } from './support.ts';

/** An engine whose commits wait for their gate, unless it is open. */
function gated(): { readonly engine: Engine; readonly gates: Deferred<void>[]; open: boolean } {
  const engine = memoryEngine();
  const commit = engine.commit.bind(engine);
  const state = { engine, gates: [] as Deferred<void>[], open: true };
  engine.commit = async (changes: Changes): Promise<void> => {
    if (!state.open) {
      const gate = deferred<void>();
      state.gates.push(gate);
      await gate.promise;
    }
    await commit(changes);
  };
  return state;
}

/** Writes down what it hears, and the store's visible revision at that moment. */
function diary(lines: string[], name = ''): ObserverFactory {
  return (store) => ({
    finished: ({ revision, changes }) => lines.push(`${name}finished ${revision} (${changes.length}) @${store.rev()}`),
    visible: (revision) => lines.push(`${name}visible ${revision} @${store.rev()}`),
    failed: (error) => lines.push(`${name}failed ${(error as Error).name} @${store.rev()}`),
    swapped: (revision) => lines.push(`${name}swapped ${revision} @${store.rev()}`),
    closing: async (settled) => {
      lines.push(`${name}closing @${store.rev()}`);
      await settled;
      lines.push(`${name}settled @${store.rev()}`);
    },
    metrics: () => ({ [`${name}lines`]: lines.length }),
  });
}

async function nextGate(gates: Deferred<void>[]): Promise<Deferred<void>> {
  for (let turns = 0; gates.length === 0; turns++) {
    if (turns === 10_000) throw new Error('no commit has begun');
    await new Promise(setImmediate);
  }
  return gates.shift()!;
}

async function opened(
  observers: readonly ObserverFactory[],
): Promise<{ store: Store; medium: ReturnType<typeof gated> }> {
  const medium = gated();
  const store = await openStore(await openBackend(medium.engine), { observers });
  medium.open = false;
  return { store, medium };
}

test('law 1: sections of one tick become visible in one step, observers first, then those who wait', async () => {
  const lines: string[] = [];
  const { store, medium } = await opened([diary(lines)]);
  store.put(bytes('a'), bytes('1'));
  const first = store.settled().then(() => lines.push('first answered'));
  store.put(bytes('b'), bytes('2'));
  const second = store.settled().then(() => lines.push('second answered'));
  const commit = await nextGate(medium.gates);
  store.put(bytes('c'), bytes('3'));
  expect(lines).toEqual(['finished 2 (1) @1', 'finished 3 (1) @1', 'finished 4 (1) @1']);
  lines.length = 0;
  commit.resolve();
  await Promise.all([first, second]);
  expect(lines).toEqual(['visible 3 @3', 'first answered', 'second answered']);
  (await nextGate(medium.gates)).resolve();
  await store.settled();
  expect(lines.at(-1)).toBe('visible 4 @4');
});

test('several observers hear of everything in their order', async () => {
  const lines: string[] = [];
  const { store, medium } = await opened([diary(lines, 'x '), diary(lines, 'y ')]);
  store.put(bytes('a'), bytes('1'));
  (await nextGate(medium.gates)).resolve();
  await store.settled();
  expect(lines).toEqual(['x finished 2 (1) @1', 'y finished 2 (1) @1', 'x visible 2 @2', 'y visible 2 @2']);
  expect(store.metrics).toMatchObject({ 'x lines': 4, 'y lines': 4, put_total: 1 });
});

test('a transaction that changed nothing, or was undone, is nobody’s news', async () => {
  const lines: string[] = [];
  const { store } = await opened([diary(lines)]);
  store.write((txn) => txn.get(bytes('a')));
  store.deleteRange(bytes('a'));
  expect(() => store.write((txn) => [txn.put(bytes('a'), bytes('1')), JSON.parse('{')])).toThrow(SyntaxError);
  await store.settled();
  expect(lines).toEqual([]);
});

test("law 1: with 'interval' finished is visible, in the same tick", async () => {
  const lines: string[] = [];
  const store = await openStore(await openBackend(memoryEngine()), {
    durability: 'interval',
    observers: [diary(lines)],
  });
  store.put(bytes('a'), bytes('1'));
  expect(lines).toEqual(['finished 2 (1) @1', 'visible 2 @2']);
});

test('law 8: observers hear of the failure before those who wait, once, whoever asked for the commit', async () => {
  const lines: string[] = [];
  const { store, medium } = await opened([diary(lines)]);
  store.put(bytes('a'), bytes('1'));
  const waiting = store.settled().catch((error: Error) => lines.push(`rejected ${error.name}`));
  const commit = await nextGate(medium.gates);
  store.put(bytes('b'), bytes('2'));
  commit.reject(new Error('EIO'));
  await waiting;
  expect(lines).toEqual(['finished 2 (1) @1', 'finished 3 (1) @1', 'failed BackendError @1', 'rejected BackendError']);
  expect(await codeOf(() => store.settled())).toBe('BACKEND_FAILED');
  await store.close();
});

test('spec 11: a restore is told in the tick in which the data change', async () => {
  const lines: string[] = [];
  const store = await openStore(await openBackend(memoryEngine()), { observers: [diary(lines)] });
  const other = await openBackend(memoryEngine());
  const source = await openStore(other);
  for (let i = 0; i < 4; i++) source.put(bytes('k'), bytes(`${i}`));
  await source.settled();
  await source.close();
  store.put(bytes('a'), bytes('1'));
  await store.settled();
  await store.restore(other);
  expect(lines).toEqual(['finished 2 (1) @1', 'visible 2 @2', 'swapped 5 @5']);
  store.put(bytes('b'), bytes('1'));
  await store.settled();
  expect(lines.slice(3)).toEqual(['finished 6 (1) @5', 'visible 6 @6']);
});

test('R8, R9: what has finished becomes visible before the closing has settled; writes are refused meanwhile', async () => {
  const lines: string[] = [];
  const { store, medium } = await opened([diary(lines)]);
  store.put(bytes('a'), bytes('1'));
  const closing = store.close();
  expect(await codeOf(() => store.put(bytes('b'), bytes('2')))).toBe('MVCC_CLOSED');
  (await nextGate(medium.gates)).resolve();
  await closing;
  expect(lines).toEqual(['finished 2 (1) @1', 'closing @1', 'visible 2 @2', 'settled @2']);
});
