/** Sessions: over when nobody uses them, alive while somebody does, and never left behind. */
import { json, memory, open, type EmbeddedKv } from '@varve/kv';
import { expect, test } from 'vitest';
import { begin, change, end, use } from '../src/sessions.ts';
import { collect, until } from './helpers.ts';

interface Session {
  readonly user: string;
  readonly basket: readonly string[];
}

const openSessions = (): Promise<EmbeddedKv<string, Session>> =>
  open<string, Session>(memory(), { value: json<Session>() });
const ann: Session = { user: 'ann', basket: [] };
const remaining = async (kv: EmbeddedKv<string, Session>): Promise<number> => (await kv.leases())[0]?.remaining ?? 0;

test('SSN1: a session that nobody uses ends, and watchers see it', async () => {
  await using kv = await openSessions();
  const watch = kv.watch({ prefix: 'session/' }, { only: 'delete' });
  const token = await begin(kv, ann, 2);
  const used = performance.now();
  expect((await use(kv, token))?.user === 'ann' || performance.now() - used >= 2000).toBe(true);
  for await (const _ of watch) break;
  expect(performance.now() - used).toBeGreaterThan(1990); // never before its time
  expect(await use(kv, token)).toBeUndefined();
  expect(await change(kv, token, (session) => session)).toBeUndefined();
  expect([await kv.count({}), (await kv.leases()).length]).toEqual([0, 0]);
});

test('SSN1: using a session gives it its whole time again, and makes no revision', async () => {
  await using kv = await openSessions();
  const token = await begin(kv, ann, 100);
  const { revision } = kv;
  await until('some time to pass', async () => (await remaining(kv)) < 99.95);
  const used = performance.now();
  expect(await use(kv, token)).toEqual(ann);
  const left = await remaining(kv);
  expect(left).toBeGreaterThanOrEqual(100 - (performance.now() - used) / 1000);
  expect(kv.revision).toBe(revision);
});

test('SSN2: a session that was changed still ends, also when two change it at once', async () => {
  await using kv = await openSessions();
  const watch = kv.watch({ prefix: 'session/' }, { only: 'delete' });
  const token = await begin(kv, ann, 2);
  const add = (item: string): Promise<Session | undefined> =>
    change(kv, token, (session) => ({ ...session, basket: [...session.basket, item] }));
  const began = performance.now();
  await Promise.all([add('tea'), add('milk')]);
  const basket = (await use(kv, token))?.basket.toSorted().join();
  expect(basket === 'milk,tea' || performance.now() - began >= 2000).toBe(true);
  for await (const _ of watch) break;
  expect(await kv.count({})).toBe(0);
});

test('a session that was ended is over; ending it twice is fine', async () => {
  await using kv = await openSessions();
  const token = await begin(kv, ann);
  await end(kv, token);
  await end(kv, token);
  expect(await use(kv, token)).toBeUndefined();
  expect(await change(kv, token, (session) => session)).toBeUndefined();
  expect(await kv.count({})).toBe(0);
});

test('a session whose lease goes while it is used is over, and that is no error', async () => {
  await using kv = await openSessions();
  const token = await begin(kv, ann);
  const [status] = await kv.leases();
  const lease = await kv.lease({ id: status!.id });
  const using = use(kv, token); // has found the session
  const revoking = lease.revoke();
  expect(await using).toBeUndefined();
  expect((await revoking).deleted).toBe(1);
});

test('SSN3: no key has the token in it, and another token opens nothing', async () => {
  await using kv = await openSessions();
  const token = await begin(kv, ann);
  const [entry] = await collect(kv.list({}));
  expect(entry?.key).not.toContain(token);
  expect(await use(kv, entry!.key.slice('session/'.length))).toBeUndefined();
});
