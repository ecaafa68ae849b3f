/** WHB1, WLI5: one stream for all watchers, whoever comes while another one is given up, and of one cluster. */
import { credentials, status } from '@grpc/grpc-js';
import { nodeWorld } from '@varve/base/node/world';
import { deferred } from '@varve/base/deferred';
import { kvService } from '@varve/etcd-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askRevision } from '../src/ask-revision.ts';
import { Calls } from '../src/channel/calls.ts';
import { Members } from '../src/channel/members.ts';
import { rangeRequest } from '../src/messages.ts';
import { settingsOf } from '../src/options.ts';
import { WatchHub } from '../src/watch/watch-hub.ts';
import type { Watched } from '../src/watch/watch-line.ts';
import { Scripted } from './support/scripted.ts';
import { failure, until } from './support/wait.ts';

const bounds = { key: Uint8Array.of(97), end: undefined };
const watched: Watched = { bounds, previous: false, only: undefined, exact: false };
const unauthenticated = Object.assign(new Error('ended'), {
  code: status.UNAUTHENTICATED,
  details: 'etcdserver: invalid auth token',
});

let member: Scripted;
let calls: Calls;
let hub: WatchHub;

beforeEach(async () => {
  member = await Scripted.start();
  const dialing = { credentials: credentials.createInsecure(), serverName: undefined };
  const settings = settingsOf({ auth: { user: 'a', password: 'b' } }, false);
  calls = new Calls(new Members([member.address], dialing, nodeWorld.clock, 0), settings);
  hub = new WatchHub(calls);
});

afterEach(() => {
  hub.close();
  calls.close();
  member.close();
});

/** Whatever was under way at the member and here has come and gone. */
async function roundTrip(): Promise<void> {
  const asked = rangeRequest({ bounds, revision: 0, countOnly: true });
  for (let i = 0; i < 3; i++) await calls.unary(kvService.range, asked, {});
}

const losses: readonly (readonly [how: string, lose: () => Promise<void>])[] = [
  [
    'ends',
    async () => {
      // It was well, so that the next one is tried without a pause.
      member.answer(member.streams[0]!, 1n);
      await roundTrip();
      member.streams[0]!.emit('error', unauthenticated);
    },
  ],
  [
    'refuses the watcher',
    async () => member.answer(member.streams[0]!, 1n, 'rpc error: etcdserver: permission denied'),
  ],
];

test.each(losses)(
  'WHB1: who comes while a token is renewed for a stream that %s waits for it: there is one stream',
  async (_, lose) => {
    hub.open(watched, 1);
    await until(() => member.streams.length === 1);
    const renewal = deferred<void>();
    member.renewal = renewal.promise;
    await lose();
    await until(() => member.tokens === 2);
    const other = hub.open(watched, 1);
    await roundTrip();
    renewal.resolve();
    await until(() => member.streams.length > 1);
    await roundTrip();
    hub.open(watched, 1);
    await roundTrip();
    expect(member.streams).toHaveLength(2);
    // It was opened with the new token, so nobody was refused for the old one.
    expect(member.streams[1]!.metadata.get('token')).toEqual(['token 2']);
    expect([...member.open]).toEqual([member.streams[1]]);
    expect(other.poll()).toBeUndefined();
  },
);

test.each(losses)(
  'WHB2: who comes while a token is renewed for a stream that %s is told when none can be had',
  async (_, lose) => {
    const first = hub.open(watched, 1);
    await until(() => member.streams.length === 1);
    const renewal = deferred<void>();
    member.renewal = renewal.promise;
    await lose();
    await until(() => member.tokens === 2);
    const other = hub.open(watched, 1);
    renewal.reject(new Error('etcdserver: authentication failed, invalid user ID or password'));
    for (const line of [first, other]) expect((await failure(() => line.pull())).code).toBe('KV_DENIED');
    expect(member.streams).toHaveLength(1);
  },
);

/** The stream that is open is lost, and there is another one. */
async function loseStream(): Promise<void> {
  const { length } = member.streams;
  member.streams.at(-1)!.emit('error', Object.assign(new Error('lost'), { code: status.UNAVAILABLE, details: 'lost' }));
  await until(() => member.streams.length > length);
}

test.each<readonly [string, bigint, bigint, bigint, boolean]>([
  ['the same cluster', 1n, 9n, 9n, true],
  ['a member of it that is behind', 1n, 5n, 9n, true],
  ['another cluster', 2n, 9n, 9n, false],
  ['another cluster that is further', 2n, 50n, 50n, false],
  ['one of the same id that has not come so far', 1n, 5n, 5n, false],
  ['one that does not say which it is', 0n, 9n, 9n, true],
])('WLI5: a watch that is made again on %s', async (_, clusterId, revision, present, goesOn) => {
  Object.assign(member, { revision: 9n, present: 9n });
  const line = hub.open({ ...watched, exact: true }, 2);
  await until(() => member.streams.length === 1);
  member.answer(member.streams[0]!, 1n);
  member.progress(member.streams[0]!);
  expect(await line.pull()).toEqual({ type: 'progress', revision: 9 });
  Object.assign(member, { clusterId, revision, present });
  await loseStream();
  member.answer(member.streams[1]!, 2n);
  if (goesOn) {
    await roundTrip();
    Object.assign(member, { revision: 60n, present: 60n });
    member.progress(member.streams[1]!);
    expect(await line.pull()).toEqual({ type: 'progress', revision: 60 });
    return;
  }
  expect(await failure(() => line.pull())).toMatchObject({
    code: 'KV_REPLACED',
    message: expect.stringContaining('another store') as unknown,
  });
  // Who watches now watches what is there now.
  const next = hub.open({ ...watched, exact: true }, Number(revision) + 1);
  await until(() => member.streams.length === 3);
  member.answer(member.streams[2]!, 3n);
  member.progress(member.streams[2]!);
  expect(await next.pull()).toEqual({ type: 'progress', revision: Number(revision) });
});

test.each<readonly [string, bigint, bigint]>([
  ['another cluster', 2n, 50n],
  ['one of the same id that has not come so far', 1n, 5n],
])('WLI5: a watch that begins on one cluster, and is made by %s, ends', async (_, clusterId, revision) => {
  Object.assign(member, { revision: 9n, present: 9n });
  const present = await askRevision(calls, bounds, 0);
  const line = hub.open(watched, present + 1, undefined, present);
  await until(() => member.streams.length === 1);
  Object.assign(member, { clusterId, revision, present: revision });
  member.answer(member.streams[0]!, 1n);
  expect((await failure(() => line.pull())).code).toBe('KV_REPLACED');
});
