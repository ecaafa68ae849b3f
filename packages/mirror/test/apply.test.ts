/** APP1, APP2: what of a source's revision is a change of the target. */
import type { KvEvent } from '@varve/api';
import { byteKey } from '@varve/base/order';
import { expect, test } from 'vitest';
import { batchOf, nextGroup } from '../src/apply.ts';
import { checkpointKey, fenceKey } from '../src/checkpoint.ts';
import { b, s } from './texts.ts';

type Event = KvEvent<Uint8Array, Uint8Array>;

const revision = 7;
const fence = byteKey(fenceKey('m'));

function putOf(key: Uint8Array, value = ''): Event {
  return { type: 'put', key, value: b(value), revision, version: 1, createRevision: revision, modRevision: revision };
}

function deleteOf(key: Uint8Array): Event {
  return { type: 'delete', key, revision };
}

test('of a key that one revision changed more than once, the last change counts, where it stands', () => {
  const events = [putOf(b('a'), '1'), putOf(b('b'), '1'), putOf(b('a'), '22'), putOf(b('c')), deleteOf(b('c'))];
  const { changes, bytes, isFence } = batchOf(revision, events, fence);
  expect(changes.map(({ op }) => [op.type, 'key' in op && s(op.key as Uint8Array)])).toEqual([
    ['put', 'b'],
    ['put', 'a'],
    ['delete', 'c'],
  ]);
  expect(changes.map(({ bytes: size }) => size)).toEqual([2, 3, 1]);
  expect([bytes, isFence]).toEqual([6, false]);
});

test('rows of mirrors are no changes; a put of the own fence is one, a deletion of it or the fence of another is none', () => {
  for (const [event, isFence] of [
    [putOf(fenceKey('m')), true],
    [deleteOf(fenceKey('m')), false],
    [putOf(fenceKey('other')), false],
    [putOf(checkpointKey('m')), false],
    [putOf(checkpointKey('other')), false],
  ] as const) {
    expect(batchOf(revision, [event], fence)).toMatchObject({ isFence, changes: [], bytes: 0 });
  }
  const both = batchOf(revision, [putOf(fenceKey('m')), putOf(b('a')), putOf(fenceKey('other'))], fence);
  expect([both.isFence, both.changes.length]).toEqual([true, 1]);
});

test('what is left of a revision that was begun takes its own size, and what follows joins it', () => {
  const large = batchOf(revision, [putOf(b('a'), 'x'.repeat(50)), putOf(b('b'), '12345')], fence);
  const next = batchOf(revision + 1, [putOf(b('c'), '12345')], fence);
  const bounds = { maxOps: 10, maxBytes: 40 };
  expect(nextGroup([large, next], 0, bounds)).toMatchObject({ place: { revision: revision - 1, part: 1 }, batches: 0 });
  expect(nextGroup([large, next], 1, bounds)).toMatchObject({ place: { revision: revision + 1, part: 0 }, batches: 2 });
});
