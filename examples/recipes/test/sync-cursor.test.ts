/** The cursor: a copy that is kept by it equals the store, whatever it missed. */
import { file, memory, open, put, remove, type EmbeddedKv } from '@varve/kv';
import { copyFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { changesSince } from '../src/sync-cursor.ts';
import { collect, temporaryPath } from './helpers.ts';

/** A client: its copy, its cursor, and what it was told. */
class Client {
  readonly copy = new Map<string, string>();
  cursor = 0;
  resets = 0;
  events = 0;

  async sync(kv: EmbeddedKv, limit?: number): Promise<void> {
    for (let more = true; more;) {
      const answer = await changesSince(kv, 'doc/', this.cursor, limit);
      if (answer.reset) {
        this.copy.clear();
        this.resets++;
      }
      for (const { type, key, value } of answer.events) {
        if (type === 'put') this.copy.set(key, value);
        else this.copy.delete(key);
      }
      this.events += answer.events.length;
      this.cursor = answer.cursor;
      more = answer.more;
    }
    const entries = await collect(kv.list({ prefix: 'doc/' }));
    expect(Object.fromEntries(this.copy)).toEqual(Object.fromEntries(entries.map(({ key, value }) => [key, value])));
    expect(this.cursor).toBe(kv.revision);
  }
}

test('SCU1: each change is told once, the one that the cursor stands on is not told again', async () => {
  await using kv = await open(memory());
  await kv.put('doc/a', '1');
  const client = new Client();
  await client.sync(kv);
  expect([client.resets, client.events]).toEqual([1, 1]);

  await client.sync(kv); // nothing new
  expect([client.resets, client.events]).toEqual([1, 1]);

  await kv.put('doc/a', '2');
  await kv.txn({ then: [put('doc/b', '3'), remove('doc/a')] });
  await client.sync(kv);
  expect([client.resets, client.events]).toEqual([1, 4]);
});

test('SCU1: changes of other keys move the cursor on', async () => {
  await using kv = await open(memory());
  await kv.put('doc/a', '1');
  const client = new Client();
  await client.sync(kv);
  for (let i = 0; i < 10; i++) await kv.put('other', String(i));
  await client.sync(kv);
  expect([client.resets, client.events]).toEqual([1, 1]);
});

test('SCU2: small answers never cut a revision in two', async () => {
  await using kv = await open(memory());
  await kv.put('doc/0', 'x');
  const client = new Client();
  await client.sync(kv);
  for (let i = 0; i < 5; i++)
    await kv.txn({ then: [put('doc/a', `${i}`), put('doc/b', `${i}`), put('doc/c', `${i}`)] });
  const { events, cursor, more } = await changesSince(kv, 'doc/', client.cursor, 2);
  expect(events.map(({ key }) => key)).toEqual(['doc/a', 'doc/b', 'doc/c']);
  expect([cursor, more]).toEqual([client.cursor + 1, true]);
  await client.sync(kv, 2);
  expect([client.resets, client.events]).toEqual([1, 16]);
});

test('SCU3: a cursor whose history is compacted gets the whole state, without what is gone', async () => {
  await using kv = await open(memory());
  await kv.put('doc/a', '1');
  await kv.put('doc/b', '1');
  const client = new Client();
  await client.sync(kv);
  await kv.delete('doc/a');
  await kv.put('doc/c', '1');
  await kv.compact(kv.revision);
  await client.sync(kv);
  expect([client.resets, client.copy.has('doc/a')]).toEqual([2, false]);
});

test('SCU3: a cursor of a future that an older copy of the store does not have gets the whole state', async () => {
  const [path, copy] = [temporaryPath('store.db'), temporaryPath('copy.db')];
  const client = new Client();
  {
    await using kv = await open(file(path));
    await kv.put('doc/a', 'old');
  }
  copyFileSync(path, copy);
  {
    await using kv = await open(file(path));
    await kv.put('doc/a', 'new');
    await kv.put('doc/b', 'new');
    await client.sync(kv);
  }
  await using restored = await open(file(copy));
  await client.sync(restored);
  expect([client.resets, client.copy.get('doc/a')]).toEqual([2, 'old']);
});
