/** The audit trail: never without its change, there after compaction, and what is forgotten gives its space back. */
import { statSync } from 'node:fs';
import { file, json, memory, open, tuple, type EmbeddedKv, type Location, type Tuple } from '@varve/kv';
import { expect, test } from 'vitest';
import { change, forgetBelow, trail, type AuditRecord } from '../src/audit-trail.ts';
import { collect, temporaryPath } from './helpers.ts';

type Value = string | AuditRecord;
const openAudited = (place: Location = memory()): Promise<EmbeddedKv<Tuple, Value>> =>
  open<Tuple, Value>(place, { key: tuple(), value: json<Value>() });

test('AUD1: a change and its record are one revision', async () => {
  await using kv = await openAudited();
  const revision = await change(kv, 'ann', 'theme', 'dark');
  await change(kv, 'bob', 'theme', 'light');
  await change(kv, 'ann', 'theme');
  const now = expect.any(Number);
  expect(await collect(trail(kv))).toEqual([
    { who: 'ann', at: now, after: 'dark', name: 'theme' },
    { who: 'bob', at: now, before: 'dark', after: 'light', name: 'theme' },
    { who: 'ann', at: now, before: 'light', name: 'theme' },
  ]);
  const [first] = await collect(kv.list({ prefix: ['audit'] }));
  expect(first?.key).toEqual(['audit', revision, 'theme']);
  expect([first?.modRevision, (await kv.at(revision).get(['data', 'theme']))?.modRevision]).toEqual([
    revision,
    revision,
  ]);
});

test('AUD1: a change that is refused leaves no record', async () => {
  await using kv = await openAudited();
  const tooLarge = 'x'.repeat(2 * 1024 * 1024);
  await expect(change(kv, 'ann', 'theme', tooLarge)).rejects.toMatchObject({ code: 'KV_TOO_LARGE' });
  expect(await collect(trail(kv))).toEqual([]);
});

test('AUD2: compaction takes the history of a key, and not the trail', async () => {
  await using kv = await openAudited();
  for (const value of ['a', 'b', 'c']) await change(kv, 'ann', 'theme', value);
  await kv.compact(kv.revision, { physical: true });
  expect((await collect(kv.history(['data', 'theme']))).length).toBe(1);
  expect((await collect(trail(kv))).map(({ after }) => after)).toEqual(['a', 'b', 'c']);
});

test('AUD3: records come in the order of their revisions, beyond 9 and 99, from the one that was asked for', async () => {
  await using kv = await openAudited();
  for (let i = 0; i < 120; i++) await change(kv, 'ann', 'count', String(i));
  const all = (await collect(trail(kv))).map(({ after }) => Number(after));
  expect(all).toEqual(Array.from({ length: 120 }, (_, i) => i));
  expect((await collect(trail(kv, kv.revision - 1))).map(({ after }) => after)).toEqual(['118', '119']);
});

test('what is forgotten gives its space back only at the end: delete, compact, defrag', async () => {
  const path = temporaryPath('store.db');
  await using kv = await openAudited(file(path));
  const long = 'x'.repeat(10_000);
  for (let i = 0; i < 200; i++) await change(kv, 'ann', 'text', `${i}${long}`);
  await kv.commit();
  const last = kv.revision;
  const [size, used] = [statSync(path).size, kv.stats().sizeInUse];

  await kv.delete({ prefix: ['audit'], end: ['audit', last] });
  expect(kv.stats().sizeInUse).toBeGreaterThanOrEqual(used); // deleted, and there: the past has it
  await kv.compact(kv.revision, { physical: true });
  await kv.commit();
  expect(kv.stats().sizeInUse).toBeLessThan(used / 10);
  expect(statSync(path).size).toBeGreaterThanOrEqual(size); // free, and still the file's

  await forgetBelow(kv, last); // compacted already: that is no error
  expect(statSync(path).size).toBeLessThan(size / 10);
  expect((await collect(trail(kv))).length).toBe(1);
  await forgetBelow(kv, last + 1);
  expect(await collect(trail(kv))).toEqual([]);
  expect((await kv.get(['data', 'text']))?.value).toBe(`199${long}`);
});
