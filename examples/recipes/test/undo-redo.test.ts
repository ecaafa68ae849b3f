/** Undo and redo: whole revisions, in any order of typing, and never over what somebody else has done. */
import { memory, open, put, remove, type Kv } from '@varve/kv';
import { expect, test } from 'vitest';
import { takeBack, Undo } from '../src/undo-redo.ts';

async function state(kv: Kv): Promise<Record<string, string>> {
  return Object.fromEntries((await kv.list({}).toArray()).map(({ key, value }) => [key, value]));
}

test('UNR1, UNR3: back to the beginning and forth to the end, revision by revision', async () => {
  await using kv = await open(memory());
  const user = new Undo(kv);
  const states = [await state(kv)];
  for (const then of [[put('a', '1'), put('b', '1')], [put('a', '2')], [remove('b'), put('c', '3')], [put('a', '1')]]) {
    user.did((await kv.txn({ then })).revision);
    states.push(await state(kv));
  }
  for (const round of [1, 2]) {
    for (const was of states.slice(0, -1).toReversed()) {
      expect([round, await user.undo(), await state(kv)]).toEqual([round, true, was]);
    }
    expect(await user.undo()).toBe(false);
    for (const is of states.slice(1)) expect([await user.redo(), await state(kv)]).toEqual([true, is]);
    expect(await user.redo()).toBe(false);
  }
});

test('UNR2: what somebody has changed since stays, also the keys beside it', async () => {
  await using kv = await open(memory());
  const user = new Undo(kv);
  user.did((await kv.txn({ then: [put('a', 'mine'), put('b', 'mine')] })).revision);
  await kv.put('b', 'theirs');
  expect(await user.undo()).toBe(false);
  expect(await state(kv)).toEqual({ a: 'mine', b: 'theirs' });
});

test('UNR2: a key that somebody has deleted is not brought back, one that somebody made is not deleted', async () => {
  await using kv = await open(memory());
  const { revision: made } = await kv.put('a', '1');
  const { revision: changed } = await kv.put('a', '2');
  await kv.delete('a');
  expect([await takeBack(kv, changed), await takeBack(kv, made)]).toEqual([undefined, undefined]);
  const { revision: deleted } = await kv.put('b', '1').then(() => kv.delete('b'));
  await kv.put('b', 'theirs');
  expect(await takeBack(kv, deleted)).toBe(undefined);
  expect(await state(kv)).toEqual({ b: 'theirs' });
});

test('UNR3: a new change ends what could be redone', async () => {
  await using kv = await open(memory());
  const user = new Undo(kv);
  user.did((await kv.put('a', '1')).revision);
  await user.undo();
  user.did((await kv.put('a', '2')).revision);
  expect(await user.redo()).toBe(false);
  expect(await state(kv)).toEqual({ a: '2' });
});
