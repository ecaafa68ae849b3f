/** ENM1, EOP1: names and options are checked before anything is reached. */
import { expect, test } from 'vitest';
import { connect } from '../src/index.ts';
import { addressOf, memberOf } from '../src/name.ts';
import { failure } from './support/wait.ts';

test.each([
  ['etcd://a', false, ['a:2379']],
  ['etcd://a:1,b:2', false, ['a:1', 'b:2']],
  ['etcds://a.example.org,10.0.0.1:4001/', true, ['a.example.org:2379', '10.0.0.1:4001']],
  ['etcd://[::1]:7,[fe80::1]', false, ['[::1]:7', '[fe80::1]:2379']],
  ['etcd://a,a:2379,b', false, ['a:2379', 'b:2379']],
  ['etcd+unix:///run/etcd.sock', false, ['unix:/run/etcd.sock']],
  ['etcd+unix:////run/etcd.sock', false, ['unix:/run/etcd.sock']],
  ['ETCD+unixs:///run/a%20b%2C,c:1', true, ['unix:/run/a b,,c:1']],
])('ENM1: %s', (name, secure, members) => {
  expect(addressOf(name)).toEqual({ secure, members });
});

test.each([
  'a:2379',
  'http://a:2379',
  'etcd://',
  'etcd://a:0',
  'etcd://a:70000',
  'etcd://a,,b',
  'etcd://a/path',
  'etcd://user:secret@a',
  'etcd:a',
  'etcd+unix:/run/etcd.sock',
  'etcd+unix://etcd.sock',
  'etcd+unix:///',
  'etcd+unix:///a?secret',
  'etcd+unix:///a%00secret',
  'etcd+unix:///a%secret',
  7,
  undefined,
])('ENM1: %s is no name, and no part of it is in the message', async (name) => {
  const error = await failure(() => connect(name as string));
  expect([error.code, error instanceof TypeError, error.message.includes('secret')]).toEqual([
    'KV_INVALID',
    true,
    false,
  ]);
});

test.each([
  { timeoutMs: 0 },
  { attemptTimeoutMs: 1.5 },
  { reads: 'stale' },
  { writeOrder: 'none' },
  { syncIntervalMs: 1 },
  { watchBuffer: 0 },
  { auth: { user: 'a' } },
  { auth: { user: '', password: 'secret' } },
  { auth: { user: 'a', password: 'secret', token: 'x' } },
  { tls: { ca: 'x' } },
  { durability: 'commit' },
  { world: {} },
  { limits: { maxOps: 0 } },
])('EOP1: %j is refused, and no password is in the message', async (options) => {
  const error = await failure(() => connect('etcd://127.0.0.1:1', options as object));
  expect([error.code, error.message.includes('secret')]).toEqual(['KV_INVALID', false]);
});

test('EOP1: a certificate and its key go together', async () => {
  const error = await failure(() => connect('etcds://127.0.0.1:1', { tls: { cert: 'x' } }));
  expect([error.code, error.message]).toEqual(['KV_INVALID', 'tls.cert and tls.key go together']);
});

test('MBS2: what a member advertises is followed where this client can go', () => {
  expect(memberOf('http://a:2379', false)).toBe('a:2379');
  expect(memberOf('https://a:2379/', true)).toBe('a:2379');
  expect(memberOf('http://a:2379', true)).toBeUndefined();
  expect(memberOf('unix://a', false)).toBeUndefined();
});
