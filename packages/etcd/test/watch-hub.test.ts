/** WHB1, WLI5: one stream for all watchers, whoever comes while another one is given up, and of one cluster. */
import { credentials, status } from '@grpc/grpc-js';
import { nodeWorld } from '@varve/base/node/world';
import { deferred } from '@varve/base/deferred';
import { kvService } from '@varve/etcd-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

test('WLI5: a watcher goes on with its own cluster only, or one that does not say; who begins takes what there is', async () => {
  const unavailable = Object.assign(new Error('ended'), { code: status.UNAVAILABLE, details: 'the member goes away' });
  const answered = async (n: number, clusterId: bigint): Promise<void> => {
    await until(() => member.streams.length === n);
    member.clusterId = clusterId;
    member.revision = BigInt(n);
    member.answer(member.streams[n - 1]!, 1n);
    await until(() => calls.seen === n);
  };
  const line = hub.open(watched, 1);
  for (const [i, clusterId] of [1n, 0n, 1n].entries()) {
    await answered(i + 1, clusterId);
    member.streams[i]!.emit('error', unavailable);
  }
  await answered(4, 2n);
  expect((await failure(() => line.pull())).code).toBe('KV_REPLACED');
  const other = hub.open(watched, 1);
  await answered(5, 2n);
  // The first reason is the one that stays.
  const reason = new Error('the first');
  other.fail(reason);
  expect(await failure(() => other.pull())).toBe(reason);
});
