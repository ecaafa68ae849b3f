/** R15: a rejection that nobody waits for is not reported; who waits gets it. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { deferred } from '../src/deferred.ts';
import { isThenable, refusePromise } from '../src/synchronous.ts';

function rejections(): unknown[] {
  const seen: unknown[] = [];
  const listen = (reason: unknown): void => void seen.push(reason);
  process.on('unhandledRejection', listen);
  onTestFinished(() => void process.off('unhandledRejection', listen));
  return seen;
}

test('R15: settles once, for who waits', async () => {
  const seen = rejections();
  const first = deferred<number>();
  first.resolve(5);
  first.resolve(6);
  first.reject(new Error('late'));
  expect(await first.promise).toBe(5);
  const second = deferred<void>();
  const reason = new Error('no');
  second.reject(reason);
  await turn();
  await expect(second.promise).rejects.toBe(reason);
  expect(seen).toEqual([]);
});

test('law 3: a section is refused when its body returns a promise, of whatever kind, whose failure is nobody’s', async () => {
  const seen = rejections();
  const refusal = (): TypeError => new TypeError('synchronous, please');
  const like = { then: (_: unknown, no: () => void) => no() };
  for (const value of [Promise.reject(new Error('unheard')), Promise.resolve(), like, Object.assign(() => 1, like)]) {
    expect(isThenable(value)).toBe(true);
    expect(() => refusePromise(value, refusal)).toThrow('synchronous, please');
  }
  for (const value of [undefined, null, 0, 'then', {}, { then: 1 }, () => 1]) {
    expect(isThenable(value)).toBe(false);
    refusePromise(value, refusal);
  }
  await turn();
  expect(seen).toEqual([]);
});
