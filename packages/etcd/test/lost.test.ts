/** What happens when members, connections and answers are lost: CLL1 to CLL4, MBS1, WLI1, WLI5, WHB1, WHB2. */
import { nodeWorld } from '@varve/base/node/world';
import { worldOf } from '@varve/base/world';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, type Kv, type WatchBatch } from '../src/index.ts';
import { Line } from './support/line.ts';
import { Served } from './support/served.ts';
import { StandingTime } from './support/standing.ts';
import { failure, until } from './support/wait.ts';

let served: Served;
let line: Line;
let near: Kv;
const kvs: Kv[] = [];

async function through(...addresses: readonly string[]): Promise<Kv> {
  const kv = await connect(`etcd://${addresses.join()}`, { timeoutMs: 60_000, attemptTimeoutMs: 1000 });
  kvs.push(kv);
  return kv;
}

beforeEach(async () => {
  served = await Served.open();
  line = await Line.to(served.port);
  near = await through(served.address);
});

afterEach(async () => {
  await line.close();
  for (const kv of kvs.splice(0)) await kv.close();
  await served.close();
});

test('MBS1: a member that is not there is left for one that is, by reads and by writes', async () => {
  const nobody = await Line.to(served.port);
  const { address } = nobody;
  await nobody.close();
  for (let i = 0; i < 4; i++) {
    const kv = await through(address, served.address);
    await kv.put(`k${i}`, 'x');
    expect((await kv.get(`k${i}`))?.value).toBe('x');
  }
});

test('CLL1: a read whose answer is held up is asked of another member', async () => {
  await near.put('a', '1');
  const other = await Line.to(served.port);
  const kv = await through(line.address, other.address);
  line.hold();
  other.hold();
  const reading = kv.get('a');
  await until(() => line.taken > 0 && other.taken > 0);
  line.cut();
  other.cut();
  expect((await reading)?.value).toBe('1');
  await other.close();
});

test('CLL1: a write whose answer is lost is KV_UNKNOWN_OUTCOME, says how to find out, and is not sent again', async () => {
  const kv = await through(line.address);
  await kv.put('a', '1');
  line.hold();
  const writing = failure(() => kv.put('a', '2'));
  await until(async () => (await near.get('a'))?.value === '2');
  line.cut();
  const error = await writing;
  expect(error.code).toBe('KV_UNKNOWN_OUTCOME');
  expect(error.message).toContain('read the key "a"');
  expect(error.message).toContain('modRevision above 2');
  const entry = await kv.get('a');
  expect([entry?.value, entry?.version, entry?.modRevision]).toEqual(['2', 2, 3]);
});

test('CLL1: a write that never left is sent as soon as somebody is there', async () => {
  const kv = await through(line.address);
  await kv.get('a');
  line.cut({ refusing: true });
  // The connection is known to be lost when a read has met it.
  const reading = kv.get('a');
  const { taken } = line;
  await until(() => line.taken >= taken);
  line.open();
  await reading;
  expect((await kv.put('a', '1')).revision).toBe(2);
});

test('CLL4: when nobody answers in time it is KV_UNAVAILABLE, which names each member; an abort ends it at once', async () => {
  await served.withhold();
  line.cut({ refusing: true });
  const time = new StandingTime();
  const members = `etcd://${served.address},${line.address}`;
  const connecting = failure(() => connect(members, { timeoutMs: 60_000, world: time.world }));
  // They are asked in turn: each was by now.
  await until(() => line.refused >= 2);
  time.advance(60_001);
  const gone = await connecting;
  expect(gone.code).toBe('KV_UNAVAILABLE');
  expect(gone.message).toContain(served.address);
  expect(gone.message).toContain(line.address);
  const controller = new AbortController();
  const reason = new Error('enough');
  const reading = failure(() => near.get('a', { signal: controller.signal }));
  controller.abort(reason);
  expect(await reading).toBe(reason);
  await served.serve();
});

test('law 4, WLI1: a watch goes on over lost connections, without gap and without repetition', async () => {
  const kv = await through(line.address);
  const watch = kv.watch({ prefix: 'k' });
  await watch.started();
  const found: string[] = [];
  const wanted: string[] = [];
  const pulling = (async () => {
    for await (const { revision, key } of watch) {
      found.push(`${revision} ${key}`);
      if (key === 'kend') break;
    }
  })();
  for (let i = 0; i < 60; i++) {
    const key = i % 3 === 0 ? `k${i}` : `other${i}`;
    const { revision } = await near.put(key, 'x');
    if (i % 3 === 0) wanted.push(`${revision} ${key}`);
    if (i % 10 === 5) line.cut({ refusing: i % 20 === 5 });
    if (i % 10 === 9) line.open();
  }
  line.open();
  wanted.push(`${(await near.put('kend', 'x')).revision} kend`);
  await pulling;
  expect(found).toEqual(wanted);
});

test('WLI5: another cluster at the address ends a watch before anything of it is handed out; who begins anew is with that one', async () => {
  const other = await Served.open();
  try {
    const far = await through(other.address);
    const kv = await through(line.address);
    const { revision } = await near.put('k', 'mine');
    const [plain, again] = [kv.watch({}, { from: revision }), kv.watch({}, { from: revision, resync: true })];
    const seen: string[] = [];
    const ended = [plain, again].map((watch) =>
      failure(async () => {
        for await (const { events } of watch.batches()) seen.push(...events.map(({ value }) => `${value}`));
      }),
    );
    await until(() => seen.length === 2);
    for (let i = 0; i < 9; i++) await far.put('k', `theirs ${i}`);
    line.turnTo(other.port);
    line.cut();
    for (const end of ended) expect(await end).toMatchObject({ code: 'KV_REPLACED' });
    expect(seen).toEqual(['mine', 'mine']);
    const next = kv.watch({});
    await next.started();
    await far.put('k', 'theirs now');
    for await (const { value } of next) {
      expect(value).toBe('theirs now');
      break;
    }
  } finally {
    await other.close();
  }
});

test('WHB1: many watches are one connection', async () => {
  const kv = await through(line.address);
  const watches = Array.from({ length: 30 }, (_, i) => kv.watch(`k${i}`));
  await Promise.all(watches.map((watch) => watch.started()));
  const pulls = watches.map(async (watch) => {
    for await (const { key } of watch) return key;
    return undefined;
  });
  for (let i = 0; i < 30; i++) await near.put(`k${i}`, 'x');
  expect(await Promise.all(pulls)).toEqual(Array.from({ length: 30 }, (_, i) => `k${i}`));
  expect(line.taken).toBe(1);
});

test('WHB2: compacted while nobody was there: the watch ends with MVCC_COMPACTED, and with resync lists again', async () => {
  const kv = await through(line.address);
  const first = (await near.put('a', '1')).revision;
  const plain = kv.watch({}, { from: first });
  const again = kv.watch({}, { from: first, resync: true });
  const seen: WatchBatch<string, string>[] = [];
  const ended = (async () => {
    for await (const _ of plain) await Promise.resolve();
  })().catch((error: unknown) => error as Error & { code?: string; compactRevision?: number });
  const resumed = (async () => {
    for await (const batch of again.batches()) {
      seen.push(batch);
      if (batch.events.some(({ value }) => value === 'end')) break;
    }
  })();
  await until(() => plain.revision >= first && seen.length > 0);
  line.cut({ refusing: true });
  await near.put('a', '2');
  await near.put('b', '2');
  const last = (await near.delete('a')).revision;
  await near.compact(last);
  line.open();
  const error = await ended;
  expect([error?.code, error?.compactRevision]).toEqual(['MVCC_COMPACTED', last]);
  await until(() => seen.some(({ resync }) => resync === true));
  await near.put('b', 'end');
  await resumed;
  const state = seen.filter(({ resync }) => resync === true).flatMap(({ events }) => events.map(({ key }) => key));
  expect(state).toEqual(['b']);
});

test('WHB2: when no stream can be had in time, watches end with KV_UNAVAILABLE, and a new one goes on', async () => {
  const time = new StandingTime();
  const kv = await connect(`etcd://${line.address}`, { timeoutMs: 60_000, world: time.world });
  kvs.push(kv);
  const watch = kv.watch('a');
  await watch.started();
  let isOver = false;
  const pulling = failure(async () => {
    for await (const _ of watch) await Promise.resolve();
  }).finally(() => (isOver = true));
  const { refused } = line;
  line.cut({ refusing: true });
  await until(() => line.refused > refused);
  expect(isOver).toBe(false);
  await until(() => {
    time.advance(1000);
    return isOver;
  });
  expect((await pulling).code).toBe('KV_UNAVAILABLE');
  const { revision } = await near.put('a', '1');
  line.open();
  let found: number | undefined;
  for await (const event of kv.watch('a', { from: watch.revision + 1 })) {
    found = event.revision;
    break;
  }
  expect(found).toBe(revision);
});

test("WHB1: a stream that is lost while nobody needs one is nobody's loss, however long ago", async () => {
  const { clock } = nodeWorld;
  let later = 0;
  const world = worldOf({ ...nodeWorld, clock: { ...clock, now: () => clock.now() + later } });
  const kv = await connect(`etcd://${line.address}`, { watchBuffer: 5, world });
  kvs.push(kv);
  const watch = kv.watch({ prefix: 'k' });
  await watch.started();
  await until(() => served.watchers === 1);
  for (let i = 0; i < 20; i++) await near.put(`k${i}`, 'x');
  // It holds more than it may, and has given its watcher up.
  await until(() => served.watchers === 0);
  const loseConnection = async (): Promise<void> => {
    line.cut();
    await kv.get('k0');
  };
  await loseConnection();
  later += 60_000;
  await loseConnection();
  const found: string[] = [];
  for await (const { key } of watch) {
    found.push(key);
    if (found.length === 20) break;
  }
  expect(found).toEqual(Array.from({ length: 20 }, (_, i) => `k${i}`));
  const next = kv.watch('end');
  await next.started();
  await near.put('end', 'x');
  for await (const { key } of next) {
    expect(key).toBe('end');
    break;
  }
});

test('WHB1: the time without a stream counts from when somebody needs one', async () => {
  const { clock } = nodeWorld;
  let later = 0;
  const world = worldOf({ ...nodeWorld, clock: { ...clock, now: () => clock.now() + later } });
  const kv = await connect(`etcd://${line.address}`, { world });
  kvs.push(kv);
  const watch = kv.watch('a');
  await watch.started();
  await until(() => served.watchers === 1);
  const { refused } = line;
  line.cut({ refusing: true });
  await until(() => line.refused > refused);
  await watch.close();
  later += 60_000;
  line.open();
  const next = kv.watch('a');
  await next.started();
  const { revision } = await near.put('a', '1');
  for await (const event of next) {
    expect(event.revision).toBe(revision);
    break;
  }
});

test('WLI2, law 9: who pulls late holds no more than was allowed, and misses nothing', async () => {
  const kv = await connect(`etcd://${served.address}`, { watchBuffer: 5 });
  kvs.push(kv);
  const watch = kv.watch({});
  const started = await watch.started();
  for (let i = 0; i < 200; i++) await near.put(`k${i}`, `${i}`);
  const found: string[] = [];
  for await (const { revision, value } of watch) {
    found.push(`${revision} ${value}`);
    if (found.length === 200) break;
  }
  expect(found).toEqual(Array.from({ length: 200 }, (_, i) => `${started + 1 + i} ${i}`));
});

test('ECR1: close waits for what was called, and ends watches and leases', async () => {
  const kv = await through(line.address);
  const lease = await kv.lease({ ttl: 100 });
  expect(lease.signal.aborted).toBe(false);
  const pulling = (async () => {
    for await (const _ of kv.watch('a')) await Promise.resolve();
    return 'ended';
  })();
  const writes = Promise.all(Array.from({ length: 5 }, (_, i) => kv.put(`k${i}`, 'x')));
  await kv.close();
  expect((await writes).length).toBe(5);
  expect(await pulling).toBe('ended');
  expect((lease.signal.reason as { code?: string }).code).toBe('KV_CLOSED');
  expect((await failure(() => kv.get('a'))).code).toBe('KV_CLOSED');
});
