/** The notes of the example page, without the page. */
import { memory, open } from '@varve/kv/memory';
import { expect, test } from 'vitest';
import { codecs, Notes, type Note } from '../../../examples/browser/src/notes.ts';

async function opened(): Promise<{
  notes: Notes;
  shown: () => Promise<string[]>;
  [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const kv = await open<string, Note>(memory(), codecs);
  const shown = async (): Promise<string[]> =>
    (await kv.list({ prefix: 'note/' }).toArray()).map(({ value }) => `${value.text}${value.done ? ' done' : ''}`);
  return { notes: new Notes(kv), shown, [Symbol.asyncDispose]: () => kv.close() };
}

test('ticking off what is not there is not undone: the change before it is, once', async () => {
  await using store = await opened();
  const { notes, shown } = store;
  await notes.add('milk');
  await notes.add('bread');
  await notes.remove('note/000002');
  await notes.toggle('note/000002');
  await notes.remove('note/000002');
  expect(notes.undoable).toBe(3);
  await notes.undo();
  expect(await shown()).toEqual(['milk', 'bread']);
  await notes.undo();
  expect(await shown()).toEqual(['milk']);
});

test('going back to a revision is undone like any other change; to where we are, it is none', async () => {
  await using store = await opened();
  const { notes, shown } = store;
  await notes.add('milk');
  await notes.add('bread');
  await notes.toggle('note/000001');
  await notes.backTo(2);
  expect(await shown()).toEqual(['milk']);
  await notes.backTo(2);
  expect(notes.undoable).toBe(4);
  await notes.undo();
  expect(await shown()).toEqual(['milk done', 'bread']);
  await notes.undo();
  expect(await shown()).toEqual(['milk', 'bread']);
  expect(notes.undoable).toBe(2);
});
