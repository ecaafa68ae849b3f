import { expect, test } from 'vitest';
import { Turns } from '../src/fair/turns.ts';

/** A clock that stands unless work moves it, and an event loop that turns when it is told to. */
function standing(): { turns: Turns; pass: (ms: number) => void; turn: () => Promise<number> } {
  let now = 0;
  let planned: (() => void)[] = [];
  const turns = new Turns({ nowMs: () => now, soon: (work) => void planned.push(work) });
  return {
    turns,
    pass: (ms) => (now += ms),
    turn: async () => {
      const due = planned;
      planned = [];
      for (const work of due) work();
      // The work of a slice goes on in between.
      for (let at = 0; at < 100; at++) await Promise.resolve();
      return due.length;
    },
  };
}

const asker = (address: string, port: number) => (): string => `${address}:${port}`;

test('R99, SVTU1: what fits into a slice is done at once, the rest in the turns of those who ask', async () => {
  const { turns, pass, turn } = standing();
  const done: string[] = [];
  const ask = (name: string, peer: () => string, ms: number): void =>
    turns.run(peer, () => {
      pass(ms);
      done.push(name);
    });
  for (let at = 0; at < 8; at++) ask(`a${at}`, asker('1.1.1.1', 1), 4);
  ask('b', asker('1.1.1.1', 2), 4);
  ask('c', asker('2.2.2.2', 1), 4);
  expect(done.splice(0)).toEqual(['a0', 'a1', 'a2']);
  await turn();
  expect(done.splice(0)).toEqual(['a3', 'c', 'b']);
  // Who comes while others wait stands in its own place.
  ask('d', asker('3.3.3.3', 1), 4);
  ask('a8', asker('1.1.1.1', 1), 4);
  await turn();
  expect(done.splice(0)).toEqual(['a4', 'd', 'a5']);
  await turn();
  expect(done.splice(0)).toEqual(['a6', 'a7', 'a8']);
  // Nothing waits: the event loop is left alone, and the next one goes at once.
  await turn();
  expect(await turn()).toBe(0);
  ask('e', asker('1.1.1.1', 1), 4);
  expect(done).toEqual(['e']);
});

test('law 10: one request that takes longer than a slice is one slice', async () => {
  const { turns, pass, turn } = standing();
  let done = 0;
  for (let at = 0; at < 3; at++) {
    turns.run(asker('1.1.1.1', 1), () => {
      pass(100);
      done++;
    });
  }
  for (const expected of [1, 2, 3]) {
    expect(done).toBe(expected);
    await turn();
  }
});

test('what work goes on with counts as its own', async () => {
  const { turns, pass, turn } = standing();
  const done: number[] = [];
  for (let at = 0; at < 4; at++) {
    void turns.turn(asker('1.1.1.1', 1)).then(() => {
      pass(20);
      done.push(at);
    });
  }
  for (let at = 0; at < 10; at++) await Promise.resolve();
  const first = done.length;
  expect(first).toBe(4);
  for (let at = 0; at < 4; at++) {
    void turns.turn(asker('1.1.1.1', 1)).then(() => {
      pass(20);
      done.push(at);
    });
  }
  await turn();
  expect(done.length).toBe(first + 1);
  await turn();
  expect(done.length).toBe(first + 2);
});
