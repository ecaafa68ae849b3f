/** LIN5: what the clients write down is enough for the checker to find a lease that is not what it should be. */
import { memory, open, type Kv, type Lease } from '@varve/kv';
import { expect, onTestFinished, test } from 'vitest';
import { check, type Read } from '../lib/check.mjs';
import { hold, read, type Book } from '../lib/clients.mjs';

/** The same, but for some members. */
function changed<T extends object>(whole: T, members: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      const member: unknown = Object.hasOwn(members, name) ? Reflect.get(members, name) : Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/** What a holder and a reader have to say of leases that are held some times. */
async function problemsOf(kv: Kv): Promise<readonly string[]> {
  const stop = new AbortController();
  const reads: Read[] = [];
  const book: Book = { writes: [], reads, held: [], errors: new Map(), watchesEnded: 0, stop: stop.signal };
  const holding = hold(kv, book, 'lease', { leastMs: 1, mostMs: 5, againMs: 1 });
  // Somebody reads as long as there is something to see.
  const unread = new AbortController();
  const reading = read(kv, { ...book, stop: unread.signal }, ['lease']);
  while (book.held.filter(({ gone }) => gone !== undefined).length < 12) await new Promise(setImmediate);
  stop.abort();
  await holding;
  unread.abort();
  await reading;
  expect(reads.some(({ key }) => key === 'lease')).toBe(true);
  return check({ first: 1, changes: [], watches: [], ...book, writes: [] }).problems;
}

async function store(): Promise<Kv> {
  const kv = await open(memory());
  onTestFinished(() => kv.close());
  return kv;
}

test('LIN5: leases of a store of ours are as they should be', async () => {
  expect(await problemsOf(await store())).toEqual([]);
});

test('LIN5: a revocation that is acknowledged and done later is found', async () => {
  const kv = await store();
  let reads = 0;
  let late: Lease | undefined;
  const lazy = changed(kv, {
    get: async (key, options) => {
      const entry = await kv.get(key, options);
      if (key === 'lease') reads++;
      return entry;
    },
    // Done before the next one is granted, when somebody has looked.
    lease: async (options) => {
      const wanted = reads + 2;
      while (reads < wanted) await new Promise(setImmediate);
      await late?.revoke();
      late = await kv.lease(options);
      return changed(late, { revoke: async () => ({ revision: 1, deleted: 1 }) });
    },
  });
  expect(await problemsOf(lazy)).toContain('lease was there after its lease was revoked');
});

test('LIN5: a key that goes while its lease is held is found', async () => {
  const kv = await store();
  const forgetful = changed(kv, {
    put: async (key, value, options) => {
      const result = await kv.put(key, value, options);
      await kv.delete(key);
      return result;
    },
  });
  expect(await problemsOf(forgetful)).toContain('lease was not there while its lease was held');
});
