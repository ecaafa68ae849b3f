/** The line of the writes: each section has its turn once, whoever joins while others have theirs. */
import { deferred } from '@varve/base/deferred';
import { nodeClock } from '@varve/base/node/clock';
import { TurnSlice } from '@varve/base/pace';
import { expect, test } from 'vitest';
import { Admissions } from '../src/admissions.ts';

test('KK5, law 3: who joins the line while the last one has given others a turn has one section, not two', async () => {
  let now = 0;
  const gates: (() => void)[] = [];
  const clock = {
    ...nodeClock,
    now: () => (now += 100),
    turn: () => {
      const gate = deferred<void>();
      gates.push(() => gate.resolve());
      return gate.promise;
    },
  };
  const slice = new TurnSlice(clock);
  slice.over();
  const store = { admitting: true, admit: (): Promise<void> => admitted.promise };
  const admitted = deferred<void>();
  const admissions = new Admissions(store, slice);
  const ran: string[] = [];
  await admissions.enter(() => ran.push('first'));
  // The line is empty, and the one who goes through it lets others have a turn. Those who join now are not admitted yet.
  store.admitting = false;
  const second = admissions.enter(() => ran.push('second'));
  const third = admissions.enter(() => ran.push('third'));
  for (const open of gates.splice(0)) open();
  await new Promise(setImmediate);
  store.admitting = true;
  admitted.resolve();
  for (let turn = 0; turn < 20; turn++) {
    for (const open of gates.splice(0)) open();
    await new Promise(setImmediate);
  }
  await Promise.all([second, third]);
  expect(ran).toEqual(['first', 'second', 'third']);
});

test('AD5: a host that gives no turn ends the waiting of those in the line, and nobody later waits for ever', async () => {
  let now = 0;
  let isBroken = true;
  const broken = new Error('no turn');
  const clock = {
    ...nodeClock,
    now: () => (now += 100),
    turn: (): Promise<void> => (isBroken ? Promise.reject(broken) : Promise.resolve()),
  };
  const slice = new TurnSlice(clock);
  slice.over();
  const admissions = new Admissions({ admitting: true, admit: async () => undefined }, slice);
  const [first, second] = [admissions.enter(() => 'first'), admissions.enter(() => 'second')];
  expect(await first).toBe('first');
  await expect(second).rejects.toBe(broken);
  isBroken = false;
  expect(admissions.open).toBe(true);
  expect(await admissions.enter(() => 'third')).toBe('third');
  await admissions.passed();
});
