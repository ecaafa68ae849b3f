import { generateKeyPairSync, createHmac } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { SignJWT } from 'jose';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { JwtTokens } from '../src/auth/jwt-tokens.ts';
import { SimpleTokens } from '../src/auth/simple-tokens.ts';
import { addRole, addUser, badToken, denied, enable, must, nobody, oldRevision } from './support/accounts.ts';
import { certificates, hasOpenssl } from './support/certificates.ts';
import { TestClient } from './support/client.ts';
import { start } from './support/server.ts';

test('S193, SVSI1: a token lives for its time after its last use', async () => {
  let now = 0;
  const tokens = new SimpleTokens(300, () => now);
  const used = await tokens.give('u1', 1, 7);
  const idle = await tokens.give('u1', 1, 8);
  for (now = 0; now < 1000; now += 299) expect(await tokens.read(used, 3)).toEqual({ name: 'u1', revision: 3 });
  expect(await tokens.read(idle, 3)).toBeUndefined();
  now += 2;
  expect(await tokens.read(used, 3)).toBeUndefined();
});

test('SVSI1: a token ends with its user', async () => {
  const tokens = new SimpleTokens(300);
  const first = await tokens.give('u1', 1, 7);
  expect(first).toMatch(/^[a-zA-Z]{16}\.7$/);
  expect(await tokens.read(first, 3)).toEqual({ name: 'u1', revision: 3 });
  tokens.forget('u2');
  expect(await tokens.read(first, 3)).toEqual({ name: 'u1', revision: 3 });
  tokens.forget('u1');
  expect(await tokens.read(first, 3)).toBeUndefined();
});

test('S192: after a restart users, roles and the switch are there, tokens are not', async () => {
  const engine = memoryEngine();
  const pinned = { bcryptCost: 4, engine } as const;
  let token: TestClient;
  let rows: unknown;
  {
    await using running = await start(pinned);
    await addRole(running, 'r1', 'R a');
    await addUser(running, 'u1', 'r1');
    const root = await enable(running);
    token = await running.client.as('u1');
    rows = await root.call('authStatus');
    expect(await token.call('range', { key: 'a' })).toEqual({ rev: 1 });
    expect(rows).toMatchObject({ enabled: true });
    // The next server stands on the same layers: a store in memory ends with them.
    await running.server.close();
    const { createServer } = await import('../src/index.ts');
    const server = await createServer(running, { bcryptCost: 4 });
    const client = new TestClient(`${server.host}:${server.port}`);
    try {
      expect(await client.call('authStatus')).toEqual(rows);
      expect(await client.call('range', { key: 'a' })).toBe(nobody);
      const again = await client.as('u1');
      expect(await again.call('range', { key: 'a' })).toEqual({ rev: 1 });
      expect(await again.call('range', { key: 'b' })).toBe(denied);
      expect(await again.call('userGet', { name: 'u1' })).toEqual({ rev: 1, roles: ['r1'] });
    } finally {
      client.close();
      await server.close();
    }
  }
});

const pem = { type: 'pkcs8', format: 'pem' } as const;
const spki = { type: 'spki', format: 'pem' } as const;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: pem, publicKeyEncoding: spki });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: pem, publicKeyEncoding: spki });
const ed = generateKeyPairSync('ed25519', { privateKeyEncoding: pem, publicKeyEncoding: spki });
const pairs = [
  ['RS256', rsa.privateKey],
  ['PS384', rsa.privateKey],
  ['ES256', ec.privateKey],
  ['EdDSA', ed.privateKey],
  ['HS256', 'a secret of some length'],
] as const;

test.for(pairs)(
  'S194: with %s, a token is for the users and roles that were there then',
  async ([signMethod, privateKey]) => {
    await using running = await start({ bcryptCost: 4, authToken: { signMethod, privateKey } });
    await addRole(running, 'r1', 'R a');
    await addUser(running, 'u1', 'r1');
    const root = await enable(running);
    const u1 = await running.client.as('u1');
    expect(await u1.call('range', { key: 'a' })).toEqual({ rev: 1 });
    await must(root.call('roleGrantPermission', { name: 'r1', perm: { key: 'b' } }));
    expect(await u1.call('range', { key: 'a' })).toBe(oldRevision);
    expect(await u1.call('put', { key: 'a' })).toBe(oldRevision);
    // What does not look at keys does not look at it.
    expect(await u1.call('memberList')).toBeTypeOf('object');
    expect(await root.call('userList')).toEqual({ rev: 1, users: ['root', 'u1'] });
    using watch = u1.duplex('watch');
    watch.send({ createRequest: { key: 'a' } });
    const reason = 'rpc error: code = InvalidArgument desc = etcdserver: revision of auth store is old';
    expect(await watch.next()).toMatchObject({ canceled: true, cancelReason: reason });
    expect(await (await running.client.as('u1')).call('range', { key: 'b' })).toEqual({ rev: 1 });
  },
);

test('S195, S215: a token that is signed by others, has ended, or says something else', async () => {
  const { privateKey, publicKey } = rsa;
  await using running = await start({ bcryptCost: 4, authToken: { signMethod: 'RS256', privateKey, publicKey } });
  await enable(running);
  const { createPrivateKey } = await import('node:crypto');
  const sign = (claims: Record<string, unknown>, key = privateKey, alg = 'RS256', exp = '5m'): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg }).setExpirationTime(exp).sign(createPrivateKey(key));
  const call = async (token: string): Promise<unknown> => running.client.with({ token }).call('range', { key: 'a' });
  const claims = { username: 'root', revision: 3 };
  expect(await call(await sign(claims))).toEqual({ rev: 1 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: pem, publicKeyEncoding: spki });
  for (const token of [
    await sign(claims, other.privateKey),
    await sign(claims, privateKey, 'RS256', '-1s'),
    await sign(claims, privateKey, 'PS256'),
    await sign({ revision: 3 }),
    await sign({ username: 7, revision: 3 }),
    await sign({ username: 'root' }),
    await sign({ username: 'root', revision: '3' }),
    await sign({ username: 'root', revision: 3.5 }),
    unsigned(claims),
    byPublicKey(claims, publicKey),
    'abc.1',
    '',
  ]) {
    expect(await call(token)).toBe(badToken);
  }
  expect(await call(await sign({ username: 'root', revision: 0 }))).toBe(nobody);
  expect(await call(await sign({ username: 'nobody', revision: 3 }))).toBe(denied);
});

test('S194, SVJW4: a token lives for whole seconds, by a clock that stands where it is put; keys can be tried at any time', async () => {
  let now = 0;
  const tokens = (ttl: number): JwtTokens =>
    new JwtTokens({ signMethod: 'HS256', privateKey: 'a secret of some length', ttl }, () => new Date(now));
  for (const begun of [10_000, 10_001, 10_999]) {
    for (const [ttl, end] of [
      [0.5, Math.floor(begun / 1000 + 0.5) * 1000],
      [1, 11_000],
      [300, 310_000],
    ] as const) {
      now = begun;
      await tokens(ttl).check();
      const token = await tokens(ttl).give('u1', 3);
      now = end - 1;
      expect([begun, ttl, await tokens(ttl).read(token)]).toEqual([begun, ttl, { name: 'u1', revision: 3 }]);
      now = end;
      expect([begun, ttl, await tokens(ttl).read(token)]).toEqual([begun, ttl, undefined]);
    }
  }
});

test('S194: with a public key only, tokens are read and none is given', async () => {
  await using running = await start({ bcryptCost: 4, authToken: { signMethod: 'ES256', publicKey: ec.publicKey } });
  await addUser(running, 'root', 'root');
  await must(running.call('authEnable'));
  expect(await running.call('authenticate', { name: 'root', password: 'root' })).toBe(
    'UNKNOWN auth: token signing attempted with verify-only key',
  );
});

test('options that cannot be are said before anything listens', async () => {
  const { privateKey } = rsa;
  await expect(start({ authToken: { signMethod: 'none', privateKey } })).rejects.toThrow(/no sign method/);
  await expect(start({ authToken: { signMethod: 'RS256' } })).rejects.toThrow(/needs a privateKey or a publicKey/);
  await expect(start({ authToken: { signMethod: 'HS256' } })).rejects.toThrow(/its secret/);
  await expect(start({ authToken: { signMethod: 'ES256', privateKey } })).rejects.toThrow(/cannot sign with ES256/);
  await expect(start({ authToken: { signMethod: 'RS256', privateKey: 'x' } })).rejects.toThrow(/not the PEM/);
  const foreign = { signMethod: 'RS256', privateKey, publicKey: ec.publicKey };
  await expect(start({ authToken: foreign })).rejects.toThrow(/do not belong together/);
  await expect(start({ bcryptCost: 3 })).rejects.toThrow(RangeError);
  await expect(start({ authTokenTtl: 0 })).rejects.toThrow(RangeError);
});

test.runIf(hasOpenssl())(
  'S198: the name in a certificate is its user; a token wins, and so does a wrong one',
  async () => {
    const { ca, server, client } = certificates();
    await using running = await start({ bcryptCost: 4, tls: { ...server, clientCa: ca } });
    running.client.close();
    const secure = credentials.createSsl(ca, client.key, client.cert);
    const shown = new TestClient(`${running.server.host}:${running.server.port}`, secure);
    try {
      await must(shown.call('roleAdd', { name: 'r1' }));
      await must(shown.call('roleGrantPermission', { name: 'r1', perm: { key: 'kk' } }));
      await must(shown.call('userAdd', { name: 'client', options: { noPassword: true } }));
      await must(shown.call('userGrantRole', { user: 'client', role: 'r1' }));
      await must(shown.call('userAdd', { name: 'root', password: 'root' }));
      await must(shown.call('userGrantRole', { user: 'root', role: 'root' }));
      await must(shown.call('authEnable'));
      expect(await shown.call('range', { key: 'kk' })).toEqual({ rev: 1 });
      expect(await shown.call('range', { key: 'q' })).toBe(denied);
      expect(await (await shown.as('root')).call('range', { key: 'q' })).toEqual({ rev: 1 });
      expect(await shown.with({ token: 'abc.1' }).call('range', { key: 'kk' })).toBe(badToken);
      expect(await shown.with({ 'grpcgateway-accept': '*/*' }).call('range', { key: 'kk' })).toBe(nobody);
    } finally {
      shown.close();
    }
  },
);

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function unsigned(claims: unknown): string {
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

/** The old trick: the public key, taken as the secret of another method. */
function byPublicKey(claims: unknown, publicKey: string): string {
  const text = `${part({ alg: 'HS256' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', publicKey).update(text).digest('base64url')}`;
}
