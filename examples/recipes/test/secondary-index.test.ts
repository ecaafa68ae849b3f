/** The index always agrees with the people, at every revision, for every reader and watcher. */
import { json, memory, open, tuple, type Tuple } from '@varve/kv';
import { expect, test } from 'vitest';
import { peopleIn, setPerson, type People, type Person } from '../src/secondary-index.ts';
import { collect } from './helpers.ts';

const openPeople = (): Promise<People> =>
  open<Tuple, Person | null>(memory(), { key: tuple(), value: json<Person | null>() });
const names = async (people: People, city: string): Promise<string[]> =>
  (await collect(peopleIn(people, city))).map(({ name }) => name);

test('who moves is found in the new city only, and who is deleted in none', async () => {
  await using people = await openPeople();
  await setPerson(people, '1', { name: 'Ann', city: 'Basel' });
  await setPerson(people, '2', { name: 'Bob', city: 'Basel' });
  expect(await names(people, 'Basel')).toEqual(['Ann', 'Bob']);
  await setPerson(people, '1', { name: 'Ann', city: 'Bern' });
  expect([await names(people, 'Basel'), await names(people, 'Bern')]).toEqual([['Bob'], ['Ann']]);
  await setPerson(people, '1', { name: 'Anna', city: 'Bern' }); // the same city: the entry stays
  expect(await names(people, 'Bern')).toEqual(['Anna']);
  await setPerson(people, '1');
  await setPerson(people, '1'); // not there: fine
  expect(await names(people, 'Bern')).toEqual([]);
  expect(await people.count({})).toBe(2);
});

test('SIX1: person and index entry are one revision, so one batch of a watch', async () => {
  await using people = await openPeople();
  const watch = people.watch({});
  await setPerson(people, '1', { name: 'Ann', city: 'Basel' });
  await setPerson(people, '1', { name: 'Ann', city: 'Bern' });
  const batches: string[][] = [];
  for await (const { events } of watch.batches()) {
    batches.push(events.map(({ type, key }) => `${type} ${key.join('/')}`).sort());
    if (batches.length === 2) break;
  }
  expect(batches).toEqual([
    ['put city/Basel/1', 'put person/1'],
    ['delete city/Basel/1', 'put city/Bern/1', 'put person/1'],
  ]);
});

test('SIX1: a section that fails leaves neither', async () => {
  await using people = await openPeople();
  const huge = { name: 'Ann', city: 'x'.repeat(40_000) }; // as a key beyond the limit, as a value not
  await expect(setPerson(people, '1', huge)).rejects.toMatchObject({ code: 'KV_TOO_LARGE' });
  expect(await people.count({})).toBe(0);
});

test('SIX2: a reader meets no half of a change, however many come meanwhile', async () => {
  await using people = await openPeople();
  for (let i = 0; i < 300; i++) await setPerson(people, String(i), { name: String(i), city: 'Basel' });
  const moves: Promise<void>[] = [];
  let found = 0;
  for await (const { name, city } of peopleIn(people, 'Basel')) {
    expect(city).toBe('Basel');
    found++;
    moves.push(setPerson(people, name, { name, city: 'Bern' }), setPerson(people, String(299 - Number(name))));
    await moves.at(-1);
  }
  await Promise.all(moves);
  expect(found).toBe(300);
});

test('SIX3: a city whose name begins with that of another has people of its own', async () => {
  await using people = await openPeople();
  await setPerson(people, '1', { name: 'Ann', city: 'Basel' });
  await setPerson(people, '2', { name: 'Bob', city: 'Basel-Land' });
  expect(await names(people, 'Basel')).toEqual(['Ann']);
});
