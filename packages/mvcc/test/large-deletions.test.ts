/** B8: one section deletes no more than `maxDeletes` keys; what is larger goes page by page. */
import { expect, test } from 'vitest';
import { ALL, bytes, codeOf, list, open, put, restart } from './support.ts';

async function filled(count: number, maxDeletes: number) {
  const opened = await open({ maxDeletes });
  opened.store.write((txn) => {
    for (let i = 0; i < count; i++) txn.put(bytes(`k${String(i).padStart(3, '0')}`), bytes('v'));
  });
  await opened.store.settled();
  return opened;
}

test('XB8: a deletion of more keys than maxDeletes is MVCC_TOO_LARGE, and nothing has changed', async () => {
  const { store } = await filled(11, 10);
  const revision = store.rev();
  expect(await codeOf(() => store.deleteRange(...ALL))).toBe('MVCC_TOO_LARGE');
  expect(await codeOf(() => store.deleteRange(...ALL, { limit: 11 }))).toBe('MVCC_TOO_LARGE');
  await store.settled();
  expect([store.rev(), (await list(store)).length]).toEqual([revision, 11]);
  expect(store.deleteRange(bytes('k001'), bytes(''))).toEqual({ deleted: 10, revision: revision + 1 });
});

test('XB8: with a limit it goes page by page, and the result says whether more is left', async () => {
  const { store } = await filled(25, 10);
  const pages = [];
  for (let more: boolean | undefined = true; more === true;) {
    const page = store.deleteRange(...ALL, { limit: 10 });
    pages.push(page);
    ({ more } = page);
  }
  expect(pages).toEqual([
    { deleted: 10, more: true, revision: 3 },
    { deleted: 10, more: true, revision: 4 },
    { deleted: 5, more: false, revision: 5 },
  ]);
  expect(store.deleteRange(...ALL, { limit: 10 })).toEqual({ deleted: 0, more: false, revision: 5 });
  expect(store.deleteRange(bytes('k000'), undefined, { limit: 1 })).toEqual({ deleted: 0, more: false, revision: 5 });
});

test('XB8: the first keys go first, and a page that fits exactly leaves none', async () => {
  const { store } = await filled(4, 100);
  expect(store.deleteRange(...ALL, { limit: 3 })).toMatchObject({ deleted: 3, more: true });
  await store.settled();
  expect(await list(store)).toEqual(['k003=v']);
  expect(store.deleteRange(...ALL, { limit: 1 })).toMatchObject({ deleted: 1, more: false });
});

test('XB8: ranges of one section share the limit; a body that catches the refusal goes on', async () => {
  const { store } = await filled(12, 10);
  const { value } = store.write((txn) => {
    txn.deleteRange(bytes('k000'), bytes('k006'));
    const refused = (() => {
      try {
        return txn.deleteRange(bytes('k006'), bytes('k012'));
      } catch (error) {
        return (error as { code?: string }).code;
      }
    })();
    const rest = txn.deleteRange(bytes('k006'), bytes('k010'));
    return [refused, rest.deleted, txn.range(...ALL).count];
  });
  expect(value).toEqual(['MVCC_TOO_LARGE', 4, 2]);
});

test('XB8: what a page sees of its own section, and of the keys it put itself', async () => {
  const { store } = await open();
  await put(store, 'b', 'old');
  const { value, changes } = store.write((txn) => {
    txn.put(bytes('a'), bytes('1'));
    txn.put(bytes('c'), bytes('1'));
    const first = txn.deleteRange(...ALL, { limit: 2 });
    const second = txn.deleteRange(...ALL, { limit: 2 });
    return [first.deleted, first.more, second.deleted, second.more];
  });
  expect(value).toEqual([2, true, 1, false]);
  expect(changes.map(({ type, kv }) => `${type} ${Buffer.from(kv.key).toString()}`)).toEqual([
    'put a',
    'put c',
    'delete a',
    'delete b',
    'delete c',
  ]);
});

test('XB8: the deletions of pages are there after a restart', async () => {
  const opened = await filled(6, 100);
  opened.store.deleteRange(...ALL, { limit: 5 });
  await opened.store.settled();
  const again = await restart(opened);
  expect(await list(again.store)).toEqual(['k005=v']);
});

test('XB8: a wrong limit is refused before anything changes', async () => {
  const { store } = await filled(3, 100);
  const wrong = [0, -1, 1.5, Number.NaN];
  for (const limit of wrong) expect(await codeOf(() => store.deleteRange(...ALL, { limit }))).toBe('RangeError');
  for (const limit of ['2', null] as never[]) {
    expect(await codeOf(() => store.deleteRange(...ALL, { limit }))).toBe('TypeError');
  }
  expect(await codeOf(() => store.deleteRange(...ALL, 5 as never))).toBe('TypeError');
  expect(store.finishedRev()).toBe(2);
});

test('XB8: changedSince tells whether a range has changed, by records, index or its own changes', async () => {
  const { store } = await open();
  for (const key of ['a', 'b', 'c']) await put(store, key, '1'); // 2, 3, 4
  store.deleteRange(bytes('b')); // 5
  store.write((txn) => {
    txn.put(bytes('x'), bytes('1'));
    txn.put(bytes('y'), bytes('1'));
  }); // 6
  const changed = (revision: number, key: string, end?: string): boolean =>
    store.write((txn) => txn.changedSince(revision, bytes(key), end === undefined ? undefined : bytes(end))).value;
  expect([changed(4, 'a', 'b'), changed(4, 'b', 'c'), changed(5, 'b', 'c'), changed(4, 'c')]).toEqual([
    false,
    true,
    false,
    false,
  ]);
  expect([changed(5, 'y'), changed(5, 'x', ''), changed(6, 'a', ''), changed(1, 'a'), changed(2, 'a')]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  await put(store, 'z', '1'); // 7
  expect([changed(6, 'z'), changed(6, 'a', 'z'), changed(6, 'y', '')]).toEqual([true, false, true]);
  const { value } = store.write((txn) => {
    txn.put(bytes('q'), bytes('1'));
    return [txn.changedSince(7, bytes('q')), txn.changedSince(7, bytes('a'), bytes('d'))];
  });
  expect(value).toEqual([true, false]);
  await store.settled();
  await (await store.compact(6)).finished();
  expect(await codeOf(() => changed(5, 'a'))).toBe('MVCC_COMPACTED');
  expect(await codeOf(() => changed(99, 'a'))).toBe('MVCC_FUTURE_REVISION');
  expect(await codeOf(() => changed(0, 'a'))).toBe('RangeError');
});
