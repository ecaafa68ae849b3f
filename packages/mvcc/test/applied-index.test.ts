import { expect, test } from 'vitest';
import { bytes, codeOf, list, makeMedium, open, reopen, restart } from './support.ts';

test('M92: the index is there if and only if the change is, after a crash at any commit', async () => {
  for (let commits = 0; ; commits++) {
    const medium = await makeMedium();
    const opening = await reopen(medium);
    await opening.store.close();
    await opening.backend.close();
    const { openBackend } = await import('@varve/backend');
    const { openStore } = await import('../src/open-store.ts');
    const backend = await openBackend(medium.attach(commits));
    const seen: bigint[] = [];
    try {
      const store = await openStore(backend);
      for (let index = 1n; index <= 5n; index++) {
        store.write((txn) => {
          txn.put(bytes('k'), bytes(`${index}`));
          txn.setAppliedIndex(index, 3n);
        });
        await store.settled();
        seen.push(store.appliedIndex().index);
      }
    } catch {
      // The crash.
    }
    const { store } = await reopen(medium);
    const { index, term } = store.appliedIndex();
    expect(index).toBe(BigInt(seen.length));
    expect(await list(store)).toEqual(index === 0n ? [] : [`k=${index}`]);
    expect(term).toBe(index === 0n ? 0n : 3n);
    if (seen.length === 5) break;
  }
});

test('M93: it never goes back, and 0 is never written', async () => {
  const opened = await open();
  const save = (index: bigint, term: bigint): boolean =>
    opened.store.write((txn) => txn.setAppliedIndex(index, term)).value;
  expect(opened.store.appliedIndex()).toEqual({ index: 0n, term: 0n });
  expect(save(0n, 0n)).toBe(false);
  expect(save(100n, 10n)).toBe(true);
  expect(save(99n, 11n)).toBe(false);
  expect(save(100n, 11n)).toBe(false);
  expect(save(101n, 9n)).toBe(true);
  expect(save(0n, 0n)).toBe(false);
  await opened.store.settled();
  expect(opened.store.rev()).toBe(1);
  expect((await restart(opened)).store.appliedIndex()).toEqual({ index: 101n, term: 9n });
});

test('M94: another backend brings its own index', async () => {
  const other = await open();
  other.store.write((txn) => txn.setAppliedIndex(70n, 2n));
  await other.store.settled();
  await other.store.close();
  const { store } = await open();
  store.write((txn) => txn.setAppliedIndex(50n, 1n));
  await store.settled();
  await store.restore(other.backend);
  store.put(bytes('a'), bytes('1'));
  await store.settled();
  expect(store.appliedIndex()).toEqual({ index: 70n, term: 2n });
  expect((await restart({ ...other, store })).store.appliedIndex()).toEqual({ index: 70n, term: 2n });
});

test('R3: indexes are unsigned 64-bit bigints', async () => {
  const { store } = await open();
  for (const [index, term] of [
    [-1n, 1n],
    [1n, -1n],
    [2n ** 64n, 1n],
    [1 as unknown as bigint, 1n],
  ] as const) {
    expect(await codeOf(() => store.write((txn) => txn.setAppliedIndex(index, term)))).toBe('RangeError');
  }
  expect(store.write((txn) => txn.setAppliedIndex(2n ** 64n - 1n, 1n)).value).toBe(true);
});
