/** Feature flags: nothing wrong gets in, what is wrong all the same is off, and who has a flag keeps it. */
import { json, memory, open } from '@varve/kv';
import { expect, test } from 'vitest';
import { flagsOf, isOn } from '../src/feature-flags.ts';

const users = Array.from({ length: 2000 }, (_, i) => `user-${i}`);

test.each([
  ['no object', 'on'],
  ['a field too little', { on: true }],
  ['a wrong type', { on: 'yes', percent: 10 }],
  ['out of range', { on: true, percent: 101 }],
  ['no number', { on: true, percent: Number.NaN }],
])('FFL1: %s is refused, and nothing is stored', async (_, value) => {
  await using kv = await open(memory());
  const flags = flagsOf(kv);
  const revision = kv.revision;
  await expect(flags.put('search', value as never)).rejects.toMatchObject({ code: 'KV_ENCODE' });
  expect(kv.revision).toBe(revision);
  expect(await isOn(flags, 'search', 'ann')).toBe(false);
});

test('FFL2: a flag that another program stored in another shape is off, and the others work', async () => {
  await using kv = await open<string, unknown>(memory(), { value: json() });
  const flags = flagsOf(kv);
  await kv.put('flags/old', { enabled: true });
  await flags.put('new', { on: true, percent: 100 });
  await expect(flags.get('old')).rejects.toMatchObject({ code: 'KV_DECODE' });
  expect(await isOn(flags, 'old', 'ann')).toBe(false);
  expect(await isOn(flags, 'new', 'ann')).toBe(true);
  await flags.put('new', { on: false, percent: 100 });
  expect(await isOn(flags, 'new', 'ann')).toBe(false);
});

test('FFL2: only what cannot be read counts as off; a closed store is an error', async () => {
  const kv = await open(memory());
  const flags = flagsOf(kv);
  await kv.close();
  await expect(isOn(flags, 'new', 'ann')).rejects.toMatchObject({ code: 'KV_CLOSED' });
});

test('FFL3: the share of users is what was asked for, and grows without taking the flag from anybody', async () => {
  await using kv = await open(memory());
  const flags = flagsOf(kv);
  let before = new Set<string>();
  for (const percent of [0, 10, 50, 100]) {
    await flags.put('search', { on: true, percent });
    const answers = await Promise.all(users.map((user) => isOn(flags, 'search', user)));
    const now = new Set(users.filter((_, i) => answers[i]));
    expect([...before].every((user) => now.has(user))).toBe(true);
    expect(Math.abs(now.size / users.length - percent / 100)).toBeLessThan(0.05);
    before = now;
  }
  expect(before.size).toBe(users.length);
});
