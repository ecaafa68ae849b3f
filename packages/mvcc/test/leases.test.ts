/**
 * Leases live in the layer above: the store keeps a lease as a number in each record, tells it in `changes`, and hands
 * the attachments it found to whoever opens it.
 *
 * M53 to M57 are about calls that a lessor gets; etcd's store makes them, ours returns what they follow from. They are
 * tested with the lease package, which attaches and detaches from the changes of each write. So no lessor is needed here
 * (D4): any number is stored as it is. Here: what that layer gets.
 */
import { expect, test } from 'vitest';
import { bytes, open, put, remove, restart, show, text } from './support.ts';

test('M53, M54, M55: every record carries its own lease', async () => {
  const { store } = await open();
  const foo = (): string => show(store.get(bytes('foo'))!);
  await put(store, 'foo', 'x', 1n);
  expect(foo()).toBe('foo=x 2/2/1 ~1');
  await put(store, 'foo', 'x', 1n);
  expect(foo()).toBe('foo=x 2/3/2 ~1');
  await put(store, 'foo', 'x', 2n);
  expect(foo()).toBe('foo=x 2/4/3 ~2');
  await put(store, 'foo', 'x');
  expect(foo()).toBe('foo=x 2/5/4');
  await put(store, 'foo', 'x', 1n);
  await remove(store, 'foo');
  await put(store, 'foo', 'x');
  expect(foo()).toBe('foo=x 8/8/1');
});

test('M57: the deletions of a revoked lease are one transaction, its row in the same', async () => {
  const { store } = await open();
  for (const key of ['c', 'a', 'b']) await put(store, key, 'x', 9n);
  const { changes, revision } = store.write((txn) => {
    for (const key of ['a', 'b', 'c']) txn.deleteRange(bytes(key));
  });
  expect([revision, changes.map(({ kv }) => text(kv.key))]).toEqual([5, ['a', 'b', 'c']]);
});

test('M77: the attachments that a restart finds', async () => {
  const opened = await open();
  const { store } = opened;
  await put(store, 'foo', 'x', 1n);
  await put(store, 'foo', 'x', 2n);
  await put(store, 'bar', 'x', 1n);
  await put(store, 'bar', 'x');
  await put(store, 'baz', 'x', 1n);
  await remove(store, 'baz');
  await put(store, 'qux', 'x', 99n);
  await put(store, 'big', 'x', -(2n ** 63n));
  expect(store.leaseAttachments).toEqual([]);
  const again = await restart(opened);
  expect(again.store.leaseAttachments.map(({ key, lease }) => [text(key), lease])).toEqual([
    ['foo', 2n],
    ['qux', 99n],
    ['big', -(2n ** 63n)],
  ]);
});
