/** MBR1, CLL4: whatever a call waits for, an abort ends it. */
import { credentials, status } from '@grpc/grpc-js';
import { nodeWorld } from '@varve/base/node/world';
import { leaseService } from '@varve/etcd-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Calls } from '../src/channel/calls.ts';
import { Members } from '../src/channel/members.ts';
import { settingsOf } from '../src/options.ts';
import { Line } from './support/line.ts';
import { Served } from './support/served.ts';
import { failure, until } from './support/wait.ts';

let served: Served;
let line: Line;
let calls: Calls;

beforeEach(async () => {
  served = await Served.open();
  line = await Line.to(served.port);
  const dialing = { credentials: credentials.createInsecure(), serverName: undefined };
  const settings = settingsOf({ auth: { user: 'a', password: 'b' }, timeoutMs: 60_000 }, false);
  calls = new Calls(new Members([line.address], dialing, nodeWorld.clock, 0), settings);
});

afterEach(async () => {
  calls.close();
  await line.close();
  await served.close();
});

test('MBR1: a message each way over a stream ends with a signal that was aborted before', async () => {
  line.hold();
  const request = { $typeName: 'etcdserverpb.LeaseKeepAliveRequest' as const, ID: 1n };
  const signals = [undefined, AbortSignal.abort()];
  const how = { token: undefined, leader: false, timeoutMs: 60_000, signals };
  const error = await failure(() => calls.members.current.exchange(leaseService.leaseKeepAlive, request, how));
  expect(Number(error.code)).toBe(status.CANCELLED);
});

test("CLL4: an abort ends a call that waits for its token, and nobody else's", async () => {
  line.hold();
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = failure(() => calls.token(controller.signal));
  const other = failure(() => calls.token());
  await until(() => line.taken > 0);
  controller.abort(reason);
  expect(await waiting).toBe(reason);
  line.cut();
  // The user is not known there: that is what it was told, later.
  expect((await other).code).toBe('KV_DENIED');
});
