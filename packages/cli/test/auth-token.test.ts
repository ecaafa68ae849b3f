import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { authService } from '@varve/etcd-api';
import { expect, test } from 'vitest';
import { readAuthToken } from '../src/auth-token.ts';
import { UsageError } from '../src/failures.ts';
import { folder, Program } from './support/program.ts';

const files = (path: string): Uint8Array => Buffer.from(`what is in ${path}`);

test('VAT1: what etcd calls a token, as options of the server', () => {
  expect(readAuthToken('--auth-token', 'simple', files)).toBe('simple');
  expect(
    readAuthToken('--auth-token', 'jwt,pub-key=a.pub,priv-key=a.key,sign-method=PS384,ttl=1h30m0.5s', files),
  ).toEqual({
    signMethod: 'PS384',
    privateKey: files('a.key'),
    publicKey: files('a.pub'),
    ttl: 5400.5,
  });
  expect(readAuthToken('--auth-token', 'jwt,sign-method=HS256', files)).toEqual({ signMethod: 'HS256' });
});

test.each([
  '',
  'paper',
  'simple,ttl=5m',
  'jwt',
  'jwt,sign-method',
  'jwt,sign-method=RS256,tll=5m',
  'jwt,sign-method=RS256,ttl=5',
  'jwt,sign-method=RS256,ttl=',
  'jwt,sign-method=RS256,ttl=-5m',
])('VAT2: %j is wrong usage', (text) => {
  expect(() => readAuthToken('--auth-token', text, files)).toThrow(UsageError);
});

test('a server that signs its tokens, from the command line', async () => {
  const path = join(folder(), 'key.pem');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(path, privateKey.export({ type: 'sec1', format: 'pem' }));
  const program = new Program(
    ...['serve', '--engine', 'memory', '--listen', '127.0.0.1:0', '--bcrypt-cost', '4'],
    ...['--auth-token', `jwt,sign-method=ES256,priv-key=${path},ttl=1m`],
  );
  const line = await program.firstLine();
  const client = new Client(/http:\/\/(\S+)$/.exec(line)![1]!, credentials.createInsecure());
  const call = <Request, Answer>(
    method: { path: string; requestSerialize: (it: Request) => Buffer; responseDeserialize: (it: Buffer) => Answer },
    request: Request,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { requestSerialize, responseDeserialize } = method;
      client.makeUnaryRequest(
        method.path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        (error, it) => (it === undefined ? reject(error ?? new Error('no answer')) : resolve(it)),
      );
    });
  try {
    await call(authService.userAdd, {
      $typeName: 'etcdserverpb.AuthUserAddRequest',
      name: 'root',
      password: 'root',
      hashedPassword: '',
    });
    await call(authService.userGrantRole, {
      $typeName: 'etcdserverpb.AuthUserGrantRoleRequest',
      user: 'root',
      role: 'root',
    });
    await call(authService.authEnable, { $typeName: 'etcdserverpb.AuthEnableRequest' });
    const { token } = await call(authService.authenticate, {
      $typeName: 'etcdserverpb.AuthenticateRequest',
      name: 'root',
      password: 'root',
    });
    const [, claims = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ username: 'root', revision: 3 });
    expect(program.err).not.toContain(token);
  } finally {
    client.close();
    program.child.kill('SIGTERM');
  }
  expect(await program.ended).toBe(0);
});
