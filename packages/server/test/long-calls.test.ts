/** Calls over many keys, and who is answered meanwhile. */
import { expect, test } from 'vitest';
import { fails, start, type Running } from './support/server.ts';

const KEYS = 30_000;

async function filled(maxDeletes?: number): Promise<Running> {
  const server = await start({ maxDeletes });
  server.store.write((txn) => {
    for (let at = 0; at < KEYS; at++) txn.put(Buffer.from(`k${String(at).padStart(6, '0')}`), Buffer.from('x'), 0n);
  });
  await server.store.settled();
  return server;
}

const all = { key: 'k', rangeEnd: 'l', countOnly: true };

/** Counts the turns of the event loop until the promise is settled. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const ended = work.finally(() => (done = true));
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await ended;
  return turns;
}

test('law 10, S104: large reads go in slices, those of a transaction that only reads too', async () => {
  await using server = await filled();
  const bounds = { key: 'k', rangeEnd: 'l', minModRevision: 1_000_000 };
  const small = { success: [{ requestRange: { key: 'none' } }] };
  const large = { success: [{ requestRange: bounds }, { requestRange: bounds }, { requestRange: bounds }] };
  // The first call connects.
  await server.call('txn', small);
  const few = await turnsOf(server.call('txn', small));
  expect(await turnsOf(server.call('txn', large))).toBeGreaterThan(few + 10);
  expect(await turnsOf(server.call('range', bounds))).toBeGreaterThan(few + 3);
});

test('S42: a deletion takes any number of keys where the store was opened for it', async () => {
  await using server = await filled(Number.MAX_SAFE_INTEGER);
  expect(await server.call('deleteRange', { key: 'k', rangeEnd: 'l' })).toEqual({ rev: 3, deleted: KEYS });
  expect(await server.call('range', all)).toEqual({ rev: 3 });
});

test('a deletion that the store was not opened for is refused as too large, and deletes nothing', async () => {
  await using server = await filled();
  expect(await server.call('deleteRange', { key: 'k', rangeEnd: 'l' })).toBe(fails.tooLarge);
  const success = [{ requestPut: { key: 'a' } }, { requestDeleteRange: { key: 'k', rangeEnd: 'l' } }];
  expect(await server.call('txn', { success })).toBe(fails.tooLarge);
  expect(await server.call('range', all)).toEqual({ rev: 2, count: KEYS });
});
