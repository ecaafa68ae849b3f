import { setImmediate as turn } from 'node:timers/promises';
import { memoryEngine } from '@varve/backend/memory';
import { buckets, openBackend, type Engine } from '@varve/backend';
import { expect, test } from 'vitest';
import { nodeClock } from '@varve/base/node/clock';
import { openWatchableStore } from '../src/index.ts';
import { bytes, code, drain, open, places, revisions, upTo } from './support.ts';

const foo = bytes('foo');

/** A memory engine whose commits wait for `release`, and fail when told to. */
function heldEngine(): {
  readonly engine: Engine;
  readonly held: (() => void)[];
  hold: boolean;
  fail: Error | undefined;
} {
  const inner = memoryEngine();
  const state = { engine: inner, held: [] as (() => void)[], hold: false, fail: undefined as Error | undefined };
  const commit: Engine['commit'] = async (changes) => {
    if (state.hold) await new Promise<void>((resolve) => state.held.push(resolve));
    if (state.fail !== undefined) throw state.fail;
    await inner.commit(changes);
  };
  state.engine = new Proxy(inner, {
    get(target, name) {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return state;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 1000) throw new Error('it does not happen');
    await turn();
  }
}

test('law 1: nobody sees a revision before it is durable, and then watchers have it first', async () => {
  const medium = heldEngine();
  await using f = await open({}, medium.engine);
  const { store } = f;
  const stream = store.newWatchStream();
  stream.watch(foo, undefined);
  medium.hold = true;
  store.put(foo, bytes('1'));
  await until(() => medium.held.length === 1);
  store.put(foo, bytes('2'));
  expect([store.rev(), store.finishedRev(), store.get(foo), stream.poll()]).toEqual([1, 3, undefined, undefined]);
  const order: string[] = [];
  const waiting = store
    .settled()
    .then(() => order.push(`settled at ${store.rev()}, ${f.store.watchStats.events} events`));
  expect(store.settled()).toBe(store.settled());
  medium.held.shift()!();
  await until(() => store.rev() > 1);
  expect(store.rev()).toBe(2);
  expect(revisions(drain(stream))).toEqual([[2]]);
  expect(order).toEqual([]);
  medium.hold = false;
  await until(() => medium.held.length === 1 || order.length > 0);
  medium.held.shift()?.();
  await waiting;
  expect(order).toEqual(['settled at 3, 2 events']);
  expect(revisions(drain(stream))).toEqual([[3]]);
});

test('W2 of the contract: whoever reads a revision finds that watchers have it', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  for (let i = 2; i < 50; i++) {
    f.store.put(foo, bytes(`${i}`));
    // Read as early as can be, in every microtask and turn.
    while (f.store.rev() < i) await (i % 2 === 0 ? turn() : Promise.resolve().then(() => turn()));
    expect(revisions(drain(stream))).toEqual([[i]]);
  }
});

test('law 8 R25: a failed commit reaches waiters, and ends streams after what is visible; that can be read', async () => {
  const medium = heldEngine();
  const f = await open({}, medium.engine);
  const { store } = f;
  const stream = store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', 'kept']);
  medium.fail = new Error('the disk is gone');
  store.put(foo, bytes('lost'));
  // Nobody waits for this one: no unhandled rejection.
  await turn();
  const failed = { code: 'BACKEND_FAILED', cause: medium.fail };
  await expect(store.settled()).rejects.toMatchObject(failed);
  await expect(store.commit()).rejects.toMatchObject(failed);
  expect(() => store.put(foo, bytes('refused'))).toThrow();
  expect(store.rev()).toBe(2);
  expect(store.get(foo)?.value).toEqual(bytes('kept'));
  expect(revisions([(await stream.next())!])).toEqual([[2]]);
  await expect(stream.next()).rejects.toMatchObject(failed);
  expect(code(() => stream.watch(foo, undefined))).toBe('WATCH_CLOSED');
  expect(code(() => store.newWatchStream())).toBe('BACKEND_FAILED');
  expect(store.watchStats).toMatchObject({ streams: 0, watchers: 0 });
  await store.close();
  await f.backend.close().catch(() => undefined);
});

test.each(['commit', 'interval'] as const)(
  'R25: loops that wait end with the error of a commit that nobody waits for (durability: %s)',
  async (durability) => {
    const medium = heldEngine();
    const f = await open({ durability, queueCapacity: 1, clock: nodeClock }, medium.engine);
    await f.puts('foo', 2);
    await f.store.commit();
    const idle = f.store.newWatchStream();
    idle.watch(bytes('other'), undefined);
    const victim = f.store.newWatchStream();
    victim.watch(foo, undefined);
    f.store.put(foo, bytes('a'));
    f.store.put(foo, bytes('b'));
    await f.store.commit();
    const behind = f.store.newWatchStream();
    behind.watch(foo, undefined, { from: 1 });
    medium.fail = new Error('the disk is gone');
    f.store.put(foo, bytes('lost'));
    const failed = { code: 'BACKEND_FAILED', cause: medium.fail };
    await expect(idle.next()).rejects.toMatchObject(failed);
    expect(revisions(drain(victim))).toEqual([[4]]);
    await expect(victim.next()).rejects.toMatchObject(failed);
    drain(behind);
    await expect(behind.next()).rejects.toMatchObject(failed);
    expect(places(f)).toBe('0 synced, 0 unsynced, 0 victims');
    await f.store.close();
    await f.backend.close().catch(() => undefined);
  },
);

test('O4 a store that a restore has moved to another backend does not mind the failure of the old one', async () => {
  const medium = heldEngine();
  const old = await open({}, medium.engine);
  await using fresh = await open();
  await fresh.puts('foo', 3);
  const stream = old.store.newWatchStream();
  stream.watch(foo, undefined);
  await old.store.restore(fresh.backend);
  medium.fail = new Error('the disk is gone');
  old.backend.batchTx((tx) => tx.put(buckets.meta, bytes('x'), bytes('y')));
  await expect(old.backend.forceCommit()).rejects.toThrow();
  await old.pass();
  old.store.put(foo, bytes('next'));
  await old.store.settled();
  expect(revisions(drain(stream)).flat()).toEqual(upTo(2, 5));
  await old.store.close();
  await old.backend.close().catch(() => undefined);
});

test('O4 a restore to a backend that fails on the way ends every stream with its error', async () => {
  const medium = heldEngine();
  const target = await open({}, medium.engine);
  await target.puts('foo', 20_000);
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await f.put(['foo', 'before']);
  let restored = false;
  const restore = f.store.restore(target.backend).then(() => (restored = true));
  await turn();
  medium.fail = new Error('the disk is gone');
  target.store.put(foo, bytes('lost'));
  await expect(target.store.settled()).rejects.toThrow();
  expect(restored).toBe(false);
  await restore;
  expect(revisions([(await stream.next())!])).toEqual([[2]]);
  await expect(stream.next()).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause: medium.fail });
  expect(code(() => f.store.newWatchStream())).toBe('BACKEND_FAILED');
  expect(places(f)).toBe('0 synced, 0 unsynced, 0 victims');
  await target.store.close();
  await target.backend.close().catch(() => undefined);
});

test('O4 a restore to a backend that has failed already is refused, and nobody is any worse off', async () => {
  const medium = heldEngine();
  const target = await open({}, medium.engine);
  medium.fail = new Error('the disk is gone');
  target.store.put(foo, bytes('lost'));
  await expect(target.store.settled()).rejects.toThrow();
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  await expect(f.store.restore(target.backend)).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
  await f.put(['foo', 'after']);
  expect(revisions([(await stream.next())!])).toEqual([[2]]);
  await target.store.close();
  await target.backend.close().catch(() => undefined);
});

test('law 3: a transaction that throws reaches nobody', async () => {
  await using f = await open();
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  const mistake = new Error('mistake');
  expect(() =>
    f.store.write((txn) => {
      txn.put(foo, bytes('1'));
      throw mistake;
    }),
  ).toThrow(mistake);
  await f.put(['foo', '2']);
  expect(revisions(drain(stream))).toEqual([[2]]);
});

test('with interval durability events come in the same section', async () => {
  await using f = await open({ durability: 'interval' });
  const stream = f.store.newWatchStream();
  stream.watch(foo, undefined);
  f.store.put(foo, bytes('1'));
  expect(revisions(drain(stream))).toEqual([[2]]);
  f.store.deleteRange(foo);
  expect(revisions(drain(stream))).toEqual([[3]]);
  await f.store.settled();
  await f.store.commit();
});

test('W99 the consistent index goes with the data, makes no revision and no event', async () => {
  await using f = await open();
  const { store } = f;
  expect(store.consistentIndex()).toBe(0n);
  const stream = store.newWatchStream();
  stream.watch(foo, undefined);
  for (let i = 1; i <= 100; i++) {
    store.write((txn) => {
      txn.setAppliedIndex(BigInt(i), 1n);
      if (i % 2 === 0) txn.put(foo, bytes(`${i}`));
    });
  }
  await store.settled();
  expect([store.consistentIndex(), store.rev()]).toEqual([100n, 51]);
  expect(revisions(drain(stream)).flat()).toEqual(upTo(2, 51));
  await store.commit();
  const again = await openWatchableStore(f.backend);
  const late = again.newWatchStream();
  late.watch(foo, undefined);
  expect([again.consistentIndex(), again.rev(), late.poll()]).toEqual([100n, 51, undefined]);
  await again.close();
});

test('O3 a restore drops what was not visible, and reads start from the new data', async () => {
  await using a = await open();
  await using b = await open();
  await b.puts('bar', 5);
  const stream = a.store.newWatchStream();
  stream.watch(bytes('bar'), undefined);
  stream.watch(foo, undefined);
  await a.put(['foo', '1']);
  await a.store.restore(b.backend);
  expect([a.store.rev(), a.store.get(foo), places(a)]).toEqual([6, undefined, '0 synced, 2 unsynced, 0 victims']);
  await a.passes();
  expect(revisions(drain(stream))).toEqual([[2], [3, 4, 5, 6]]);
});

test('the public way in, and metrics', async () => {
  const backend = await openBackend(memoryEngine());
  await using store = await openWatchableStore(backend);
  await using stream = store.newWatchStream();
  stream.watch(foo, undefined, { from: 1 });
  store.put(foo, bytes('1'));
  expect(revisions([(await stream.next())!])).toEqual([[2]]);
  expect(stream.rev()).toBe(2);
  expect(store.metrics).toMatchObject({
    watch_stream_total: 1,
    watcher_total: 1,
    slow_watcher_total: 0,
    events_total: 1,
  });
  const read = store.read();
  expect([read.rev(), store.history(foo).length, (await store.range(foo, undefined)).count]).toEqual([2, 1, 1]);
  read.end();
  expect((await store.hash()).revision).toBe(2);
  expect(store.admitting).toBe(true);
  await store.admit();
});
