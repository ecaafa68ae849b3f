/** INB1: what was heard and is not written is bounded, and whoever waits is let go. */
import { expect, test } from 'vitest';
import { remove } from '@varve/api';
import type { Batch } from '../src/apply.ts';
import { Inbox } from '../src/inbox.ts';
import { b } from './texts.ts';

const mostChanges = 10_000;
const mostBytes = 16 * 1024 * 1024;

function batch(revision: number, changes: number, bytes = 0): Batch {
  const change = { name: 'k', op: remove(b('k')), bytes: 0 };
  return { revision, isFence: false, bytes, changes: Array.from({ length: changes }, () => change) };
}

/** Whether it is done by the next turn of the event loop. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    work.then(() => true),
    new Promise<boolean>((resolve) => {
      setImmediate(() => resolve(false));
    }),
  ]);
}

test.each([
  ['changes', batch(2, mostChanges)],
  ['bytes', batch(2, 1, mostBytes + 1)],
])('whoever adds waits while there are too many %s, until enough was taken', async (_, large) => {
  const inbox = new Inbox();
  expect(await isDone(inbox.add(batch(1, 1)))).toBe(true);
  const adding = inbox.add(large);
  expect(await isDone(adding)).toBe(false);
  inbox.drop(1);
  expect(await isDone(adding)).toBe(false);
  inbox.drop(1);
  expect(await isDone(adding)).toBe(true);
  expect(await isDone(inbox.add(batch(3, 1)))).toBe(true);
});

test('revisions without changes take room, too', async () => {
  const inbox = new Inbox();
  let added = 0;
  while (await isDone(inbox.add(batch(added + 1, 0)))) added++;
  expect(added).toBe(mostChanges);
  inbox.end();
});

test('the end lets both sides go; what is there is taken first, and then the reason of the end is thrown', async () => {
  const inbox = new Inbox();
  const adding = inbox.add(batch(1, mostChanges));
  inbox.end({ error: new Error('the source is gone') });
  await adding;
  expect((await inbox.wait())?.map(({ revision }) => revision)).toEqual([1]);
  inbox.drop(1);
  await expect(inbox.wait()).rejects.toThrow('the source is gone');
  const other = new Inbox();
  const waiting = other.wait();
  expect(await isDone(waiting)).toBe(false);
  other.end();
  expect(await waiting).toBeUndefined();
  // Nobody takes it any more, so nobody waits for that.
  expect(await isDone(other.add(batch(1, mostChanges)))).toBe(true);
});
