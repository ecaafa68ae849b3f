import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { openWatchableStore } from '@varve/watch';
import { expect, test } from 'vitest';
import { loadAuth } from '../src/auth/rows.ts';
import { createServer } from '../src/index.ts';
import { addRole, addUser, must } from './support/accounts.ts';
import { start } from './support/server.ts';

const bucket = (name: string): { id: number; name: string; appendOnly: boolean } => ({
  id: 99,
  name,
  appendOnly: false,
});
const get = (running: Awaited<ReturnType<typeof start>>, name: string, key: string): string => {
  const row = running.store.rows.get(bucket(name), Buffer.from(key));
  return row === undefined ? 'none' : Buffer.from(row).toString('hex');
};
const hex = (text: string): string => Buffer.from(text).toString('hex');

test('SVAR1: rows have the bytes that etcd 3.4.23 writes', async () => {
  await using running = await start({ bcryptCost: 4 });
  await must(running.call('userAdd', { name: 'u', options: { noPassword: true } }));
  // User: name, then the options {no_password}.
  expect(get(running, 'authUsers', 'u')).toBe(`0a01${hex('u')}22020801`);
  await addRole(running, 'r');
  expect(get(running, 'authRoles', 'r')).toBe(`0a01${hex('r')}`);
  await must(running.call('roleGrantPermission', { name: 'r', perm: { permType: 2, key: 'k', rangeEnd: 'l' } }));
  expect(get(running, 'authRoles', 'r')).toBe(`0a01${hex('r')}120808021201${hex('k')}1a01${hex('l')}`);
  await must(running.call('userGrantRole', { user: 'u', role: 'r' }));
  expect(get(running, 'authUsers', 'u')).toBe(`0a01${hex('u')}1a01${hex('r')}22020801`);
  expect(get(running, 'auth', 'authRevision')).toBe('0000000000000005');
  await addUser(running, 'root', 'root');
  const row = get(running, 'authUsers', 'root');
  expect(row.startsWith(`0a04${hex('root')}123c${hex('$2a$04$')}`)).toBe(true);
  // Options that say nothing are there all the same.
  expect(row.endsWith(`1a04${hex('root')}2200`)).toBe(true);
  await must(running.call('authEnable'));
  expect(get(running, 'auth', 'authEnabled')).toBe('01');
});

test('SVAR2: a store without users has no rows of it', async () => {
  await using running = await start();
  await running.put('a=1');
  await must(running.call('authDisable'));
  expect(get(running, 'auth', 'authRevision')).toBe('none');
  expect(await loadAuth(running.backend)).toEqual({ enabled: false, revision: 1, users: new Map(), roles: new Map() });
});

test('a row that cannot be read is said, with its name', async () => {
  const backend = await openBackend(memoryEngine());
  const store = await openWatchableStore(backend);
  try {
    store.write(({ rows }) => {
      rows.createBucket(bucket('authUsers'));
      rows.put(bucket('authUsers'), Buffer.from('u1'), Buffer.from([0x0a, 0x7f]));
    });
    await store.settled();
    await expect(createServer({ store, backend })).rejects.toMatchObject({
      code: 'SERVER_DATA',
      message: expect.stringContaining('"u1" of the bucket authUsers'),
    });
  } finally {
    await store.close();
    await backend.close();
  }
});
