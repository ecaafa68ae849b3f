import { execFile } from 'node:child_process';
import { getPriority } from 'node:os';
import { promisify } from 'node:util';
import { create, toBinary } from '@bufbuild/protobuf';
import { AuthenticateRequestSchema, authService } from '@varve/etcd-api';
import { expect, test } from 'vitest';
import { Passwords, type Asker } from '../src/auth/passwords.ts';
import { addUser, badToken, enable, must } from './support/accounts.ts';
import { framed, RawGrpc } from './support/raw-grpc.ts';
import { start } from './support/server.ts';

const asker = { place: ['1.2.3.4', '1.2.3.4:5', 'u1'] };
const wrong = 'INVALID_ARGUMENT etcdserver: authentication failed, invalid user ID or password';

test.skipIf(process.platform !== 'linux')(
  'R113, SVPW3: passwords are computed behind the rest of the process, wherever that stands',
  async () => {
    // Each in a process of its own, since nobody may go up again.
    const url = new URL('../dist/auth/passwords.js', import.meta.url).href;
    const program = `
    const { readdirSync, readFileSync } = require('node:fs');
    const placeOf = (id) => Number(readFileSync('/proc/self/task/' + id + '/stat', 'latin1').split(') ').at(-1).split(' ')[16]);
    require('node:os').setPriority(0, Number(process.argv[1]));
    void import(${JSON.stringify(url)}).then(async ({ Passwords }) => {
      const passwords = new Passwords(4, 1);
      await passwords.hash('a', { place: [] });
      console.log(Math.max(...readdirSync('/proc/self/task').map(placeOf)));
      await passwords.close();
    });`;
    for (const place of [10, 17]) {
      const own = Math.max(place, getPriority());
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, String(own)]);
      expect(stdout).toBe(`${Math.min(19, own + 5)}\n`);
    }
  },
);

test('R113, law 10: while a password is hashed, others are answered', async () => {
  // Four tenths of a second of bcrypt at least; a put is some thousandths of it.
  await using running = await start({ bcryptCost: 12 });
  let isHashed = false;
  const hashed = running.call('userAdd', { name: 'u1', password: 'u1' }).then(() => (isHashed = true));
  let answered = 0;
  while (!isHashed) {
    await running.call('put', { key: 'a', value: String(answered) });
    answered++;
  }
  await hashed;
  // Did they wait for it, the first one would be the last.
  expect(answered).toBeGreaterThan(3);
});

test('R113: a user that there is not gets the answer of a wrong password, and no sooner', async () => {
  await using running = await start({ bcryptCost: 4 });
  await addUser(running, 'u1');
  await enable(running);
  expect(await running.call('authenticate', { name: 'u1', password: 'x' })).toBe(wrong);
  expect(await running.call('authenticate', { name: 'zz', password: 'x' })).toBe(wrong);
  // The compare is done all the same: it stands in the same queue.
  const passwords = new Passwords(4, 1);
  try {
    const order: string[] = [];
    const first = passwords.hash('a', asker).then(() => order.push('hash'));
    await Promise.all([first, passwords.matches('x', undefined, asker).then(() => order.push('no such user'))]);
    expect(order).toEqual(['hash', 'no such user']);
  } finally {
    await passwords.close();
  }
});

test('R113, SVPS2: attempts that wait are bounded', async () => {
  await using running = await start({ bcryptCost: 6 });
  await addUser(running, 'u1');
  await enable(running);
  const answers = await Promise.all(
    Array.from({ length: 120 }, () => running.call('authenticate', { name: 'u1', password: 'x' })),
  );
  expect(new Set(answers)).toEqual(new Set([wrong, 'RESOURCE_EXHAUSTED etcdserver: too many requests']));
  expect(answers.filter((answer) => answer === wrong).length).toBeGreaterThanOrEqual(33);
});

test('R114: passwords of every length', async () => {
  await using running = await start({ bcryptCost: 4 });
  await must(running.call('userAdd', { name: 'none', password: '' }));
  await must(running.call('userAdd', { name: 'most', password: 'x'.repeat(72) }));
  const tooLong = 'UNKNOWN bcrypt: password length exceeds 72 bytes';
  for (const password of ['x'.repeat(73), 'x'.repeat(10_000), 'ä'.repeat(37)]) {
    expect(await running.call('userAdd', { name: 'more', password })).toBe(tooLong);
    expect(await running.call('userChangePassword', { name: 'most', password })).toBe(tooLong);
  }
  await enable(running);
  expect(await running.call('authenticate', { name: 'none', password: '' })).toHaveProperty('token');
  expect(await running.call('authenticate', { name: 'none', password: 'x' })).toBe(wrong);
  expect(await running.call('authenticate', { name: 'most', password: 'x'.repeat(72) })).toHaveProperty('token');
  expect(await running.call('authenticate', { name: 'most', password: 'x'.repeat(71) })).toBe(wrong);
});

test('R115: a token of another server, or of before, is none', async () => {
  await using first = await start({ bcryptCost: 4 });
  await using second = await start({ bcryptCost: 4 });
  await enable(first);
  const root = await enable(second);
  const { token } = await must(first.call('authenticate', { name: 'root', password: 'root' }));
  expect(await second.client.with({ token: String(token) }).call('range', { key: 'a' })).toBe(badToken);
  const old = await second.client.as('root');
  await must(root.call('userChangePassword', { name: 'root', password: 'new' }));
  expect(await old.call('range', { key: 'a' })).toBe(badToken);
  expect(await root.call('range', { key: 'a' })).toBe(badToken);
});

test('R112: a read that was allowed is refused when rights change while it is under way', async () => {
  await using running = await start({ bcryptCost: 4 });
  await running.store.settled();
  for (let at = 0; at < 20_000; at++) running.store.put(Buffer.from(`k${at}`), Buffer.alloc(10));
  await running.store.settled();
  const root = await enable(running);
  const read = root.call('range', { key: 'k', rangeEnd: 'l' });
  const changes = [];
  for (let at = 0; at < 20; at++) changes.push(root.call('roleAdd', { name: `r${at}` }));
  const answer = await read;
  await Promise.all(changes);
  // Either it was read before any of them, or it was refused: never something in between.
  if (typeof answer === 'string') expect(answer).toBe('INVALID_ARGUMENT etcdserver: revision of auth store is old');
  else expect(answer['count']).toBe(20_000);
});

test('SVPS2: passwords that wait are bounded, and those of clients that have gone are not begun, and take no room', async () => {
  const passwords = new Passwords(4, 2);
  try {
    const client = new AbortController();
    const running = passwords.hash('a', asker);
    const second = passwords.hash('b', { ...asker, signal: client.signal });
    const third = passwords.hash('c', asker);
    await expect(passwords.hash('d', asker)).rejects.toThrow('etcdserver: too many requests');
    await expect(
      passwords.hash('d', { ...asker, signal: AbortSignal.abort(new Error('gone before')) }),
    ).rejects.toThrow('gone before');
    client.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    const fourth = passwords.hash('d', asker);
    expect(await running).toMatch(/^\$2a\$04\$/);
    const hash = await third;
    expect(await fourth).toMatch(/^\$2a\$04\$/);
    expect(await passwords.matches('c', hash, asker)).toBe(true);
    expect(await passwords.matches('d', hash, asker)).toBe(false);
    expect(await passwords.matches('', undefined, asker)).toBe(false);
    expect(await passwords.matches('x', '?'.repeat(60), asker)).toBe(false);
    // A vector that every bcrypt is tried with.
    const vector = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    expect(await passwords.matches('U*U', vector, asker)).toBe(true);
    expect(await passwords.matches('U*', vector, asker)).toBe(false);
  } finally {
    await passwords.close();
  }
  await expect(passwords.hash('a', asker)).rejects.toThrow('etcdserver: server stopped');
});

test('R113, SVPS4: behind a wrong password others come first, also where it was not their turn', async () => {
  const passwords = new Passwords(4, 10);
  try {
    const hash = await passwords.hash('a', asker);
    const other = { place: ['4.3.2.1', '4.3.2.1:5', 'u1'] };
    const order: string[] = [];
    const login = async (name: string, password: string, by: Asker): Promise<void> => {
      order.push(`${name}: ${String(await passwords.matches(password, hash, by))}`);
    };
    await Promise.all([login('guess', 'x', asker), login('behind it', 'a', asker), login('another', 'a', other)]);
    expect(order).toEqual(['guess: false', 'another: true', 'behind it: true']);
    order.length = 0;
    // Without a wrong one everybody has its turn.
    await Promise.all([login('first', 'a', asker), login('behind it', 'a', asker), login('another', 'a', other)]);
    expect(order).toEqual(['first: true', 'behind it: true', 'another: true']);
  } finally {
    await passwords.close();
  }
});

test('R113, SVWL2: who guesses keeps nobody else out, not even from its own address', async () => {
  await using running = await start({ bcryptCost: 6 });
  await addUser(running, 'u1');
  await enable(running);
  using guesser = new RawGrpc(running.server.url);
  const request = create(AuthenticateRequestSchema, { name: 'u1', password: 'x' });
  const guess = (): Promise<string> => {
    const call = guesser.begin(authService.authenticate.path);
    call.stream.end(framed(toBinary(AuthenticateRequestSchema, request)));
    return call.end;
  };
  const guesses = Array.from({ length: 200 }, guess);
  // That one is refused says that the line is full.
  expect(await guesses.at(-1)).toBe('8 etcdserver: too many requests');
  expect(await running.call('authenticate', { name: 'u1', password: 'u1' })).toHaveProperty('token');
});
