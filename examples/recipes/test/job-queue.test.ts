/** The queue: one worker a job, hidden while it works, back when it does not finish, laid aside when it never does. */
import { json, memory, open } from '@varve/kv';
import { expect, test } from 'vitest';
import { claim, enqueue, finish, retryLater, type Job, type Queue } from '../src/job-queue.ts';
import { collect } from './helpers.ts';

const openQueue = (): Promise<Queue & AsyncDisposable> => open<string, Job>(memory(), { value: json<Job>() });
const ids = async (queue: Queue, prefix: string): Promise<string[]> =>
  (await collect(queue.list({ prefix }))).map(({ key }) => key);

test('JBQ1: many workers at once have each job once', async () => {
  await using queue = await openQueue();
  const wanted = Array.from({ length: 20 }, (_, i) => `jobs/${String(i).padStart(2, '0')}`);
  for (const key of wanted) await enqueue(queue, key.slice('jobs/'.length), 'mail');
  const worker = async (): Promise<string[]> => {
    const mine: string[] = [];
    for (let job = await claim(queue, 60_000); job !== undefined; job = await claim(queue, 60_000)) mine.push(job.key);
    return mine;
  };
  const claimed = await Promise.all(Array.from({ length: 8 }, worker));
  expect(claimed.flat().sort()).toEqual(wanted);
});

test('an id that is there is not put in the queue again', async () => {
  await using queue = await openQueue();
  expect(await enqueue(queue, 'a', 'first')).toBe(true);
  expect(await enqueue(queue, 'a', 'second')).toBe(false);
  expect((await claim(queue, 60_000))?.job.task).toBe('first');
});

test('JBQ2: a job whose worker was too slow comes back, and the slow one can do nothing to it', async () => {
  await using queue = await openQueue();
  await enqueue(queue, 'a', 'mail');
  const start = 1_000_000;
  const slow = await claim(queue, 1000, start);
  expect(await claim(queue, 1000, start + 999)).toBeUndefined(); // hidden
  const next = await claim(queue, 1000, start + 1000);
  expect(next?.job.attempts).toBe(2);
  expect(await finish(queue, slow!)).toBe(false);
  expect(await retryLater(queue, slow!, 0)).toBe(false);
  expect(await finish(queue, next!)).toBe(true);
  expect(await finish(queue, next!)).toBe(false); // done already
  expect(await queue.count({})).toBe(0);
});

test('a job that is given back is hidden for as long as was asked', async () => {
  await using queue = await openQueue();
  await enqueue(queue, 'a', 'mail');
  const before = Date.now();
  expect(await retryLater(queue, (await claim(queue, 60_000))!, 10_000)).toBe(true);
  expect(await claim(queue, 60_000, before + 9_999)).toBeUndefined();
  expect((await claim(queue, 60_000, Date.now() + 10_000))?.job.attempts).toBe(2);
});

test('JBQ3: after five attempts a job is laid aside, and does not stand in the way', async () => {
  await using queue = await openQueue();
  await enqueue(queue, 'a', 'poison');
  await enqueue(queue, 'b', 'mail');
  for (let attempt = 1; attempt <= 5; attempt++) {
    const job = await claim(queue, 0, attempt);
    expect([job?.key, job?.job.attempts]).toEqual(['jobs/a', attempt]);
  }
  expect((await claim(queue, 60_000, 6))?.key).toBe('jobs/b');
  expect(await ids(queue, 'jobs/')).toEqual(['jobs/b']);
  expect(await ids(queue, 'dead/')).toEqual(['dead/a']);
});
