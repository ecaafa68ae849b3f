/** MRR3, MIR2: how stores that are not there are waited for, and that nothing is left behind. */
import { KvError } from '@varve/api';
import { deferred } from '@varve/base/deferred';
import { hostWorld } from '@varve/base/host';
import { worldOf, type World } from '@varve/base/world';
import { memory, type EmbeddedKv } from '@varve/kv';
import { getEventListeners } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { compareStores, mirror, type ByteKv, type MirrorOptions } from '../src/index.ts';
import { b, instead, opened } from './support.ts';

const unavailable = (): KvError => new KvError('KV_UNAVAILABLE', 'nobody answers');

/** A world that notes each pause, and makes none. */
function noting(pauses: number[]): World {
  const pause = async (ms: number): Promise<void> => {
    pauses.push(ms);
    await hostWorld.clock.turn();
  };
  return worldOf({ ...hostWorld, clock: { ...hostWorld.clock, pause } });
}

/** The store, whose transactions fail while it is down. */
function switched(to: ByteKv): { readonly store: ByteKv; down: boolean } {
  const control = {
    down: false,
    store: instead(to, {
      txn: async (...args: Parameters<ByteKv['txn']>) => {
        if (control.down) throw unavailable();
        return to.txn(...args);
      },
    }),
  };
  return control;
}

function watchersOf(kv: ByteKv): number {
  return (kv as EmbeddedKv<Uint8Array, Uint8Array>).stats().watch.watchers;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await hostWorld.clock.turn();
}

test('pauses double up to retryMs, and begin anew once something was done; no signal gathers listeners', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  onTestFinished(() => void process.off('warning', warned));
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('there'), b('1'));
  const pauses: number[] = [];
  const target = switched(to);
  await using running = mirror(from, target.store, { retryMs: 500, world: noting(pauses) });
  await running.caughtUp();
  for (const key of ['a', 'b']) {
    target.down = true;
    pauses.length = 0;
    const { revision } = await from.put(b(key), b('1'));
    await until(() => pauses.length >= 15);
    expect(running.status()).toMatchObject({ phase: 'waiting', behind: 1, reason: { code: 'KV_UNAVAILABLE' } });
    expect(pauses.slice(0, 6)).toEqual([50, 100, 200, 400, 500, 500]);
    target.down = false;
    await running.caughtUp(revision);
    expect(running.status()).toEqual(expect.objectContaining({ phase: 'following', behind: 0, copies: 1 }));
    expect(running.status().reason).toBeUndefined();
  }
  expect(warnings).toEqual([]);
  await running.close();
  expect(watchersOf(from)).toBe(0);
});

test('closed while it waits, or while a store does not answer, it ends without a reason and leaves no listener', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await from.put(b('k'), b('v'));
  // Each of them would last for ever but for the signal.
  let asked = 0;
  const never = (signal: AbortSignal | undefined): Promise<never> => {
    asked++;
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  const pause = (_: number, signal?: AbortSignal): Promise<void> => hostWorld.clock.pause(1e9, signal);
  const world = worldOf({ ...hostWorld, clock: { ...hostWorld.clock, pause } });
  const down = instead(to, { txn: () => Promise.reject(unavailable()) });
  const hanging = instead(to, { get: (_: unknown, { signal }: { signal?: AbortSignal }) => never(signal) });
  const listless = instead(to, {
    async *list(_: unknown, { signal }: { signal?: AbortSignal }): AsyncGenerator {
      yield await never(signal);
    },
  });
  for (const target of [down, hanging, listless]) {
    const { signal } = new AbortController();
    asked = 0;
    const running = mirror(from, target, { signal, world });
    const waiting = running.caughtUp();
    waiting.catch(() => undefined);
    if (target === down) {
      await until(() => running.status().phase === 'waiting');
      expect(running.status()).toMatchObject({ sourceRevision: 2, behind: 2, revision: 0, copied: 0 });
    } else {
      await until(() => asked > 0);
    }
    await running.close();
    await running.ended;
    await expect(waiting).rejects.toMatchObject({ code: 'KV_CLOSED' });
    expect(running.status()).toMatchObject({ phase: 'ended' });
    expect(running.status().reason).toBeUndefined();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  }
});

test('of the tries that failed no watch is left, and none is thought of', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const first = mirror(from, to);
  await first.caughtUp();
  await first.close();
  let failures = 3;
  const at = (revision: number): unknown => {
    const reader = from.at(revision);
    return failures-- > 0 ? { ...reader, get: () => Promise.reject(unavailable()) } : reader;
  };
  /** How often each watch was closed. */
  const closed: number[] = [];
  const watch = (...args: Parameters<ByteKv['watch']>): unknown => {
    const inner = from.watch(...args);
    const index = closed.push(0) - 1;
    const close = (): Promise<void> => {
      closed[index]!++;
      return inner.close();
    };
    return { batches: () => inner.batches(), close };
  };
  const running = mirror(instead(from, { at, watch }), to, { retryMs: 1 });
  const { revision } = await from.put(b('a'), b('1'));
  await running.caughtUp(revision);
  expect(watchersOf(from)).toBe(1);
  const before = closed.slice(0, 3);
  await running.close();
  expect(closed).toHaveLength(4);
  expect(closed.slice(0, 3)).toEqual(before);
});

test('MIR3: close waits for the transaction under way, and nothing is written after it', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const [begun, held] = [deferred<void>(), deferred<void>()];
  let isHeld = false;
  const txn = async (...args: Parameters<ByteKv['txn']>): Promise<unknown> => {
    if (isHeld) begun.resolve();
    if (isHeld) await held.promise;
    return to.txn(...args);
  };
  const running = mirror(from, instead(to, { txn }));
  await running.caughtUp();
  isHeld = true;
  for (const value of ['1', '2']) await from.put(b('a'), b(value));
  await begun.promise;
  await until(() => running.status().behind === 2);
  let isClosed = false;
  const closing = running.close().then(() => (isClosed = true));
  await hostWorld.clock.turn();
  expect(isClosed).toBe(false);
  held.resolve();
  await closing;
  expect((await to.get(b('a')))?.value).toEqual(b('1'));
  const { revision } = await to.status();
  await from.put(b('b'), b('1'));
  await hostWorld.clock.turn();
  expect((await to.status()).revision).toBe(revision);
});

test('closed in the moment in which it begins to follow, it ends', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  let calls = 0;
  let closed: Promise<void> | undefined;
  const status = async (): Promise<unknown> => {
    const found = await from.status();
    // The first call is that of the copy.
    if (++calls === 2) closed = running.close();
    return found;
  };
  const running = mirror(instead(from, { status }), to);
  await running.ended;
  await closed;
  expect(watchersOf(from)).toBe(0);
});

test('INB1: what the source has told until the target failed does not stop the next try, however much it is', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const held = deferred<never>();
  let isHeld = false;
  const txn = (...args: Parameters<ByteKv['txn']>): Promise<unknown> => (isHeld ? held.promise : to.txn(...args));
  await using running = mirror(from, instead(to, { txn }), { retryMs: 1 });
  const { sourceRevision } = await running.caughtUp();
  isHeld = true;
  const value = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 20; i++) await from.put(b(`k${i}`), value);
  // As many as there is room for: the next one is not heard of.
  await until(() => running.status().sourceRevision >= sourceRevision + 16);
  isHeld = false;
  held.reject(unavailable());
  await running.caughtUp();
  expect(running.status()).toMatchObject({ events: 20, copies: 1 });
});

test('a signal that is aborted before ends it before anything is written', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const running = mirror(from, to, { signal: AbortSignal.abort(new Error('too late')) });
  await expect(running.ended).rejects.toThrow('too late');
  await expect(running.caughtUp()).rejects.toThrow('too late');
  expect((await to.status()).revision).toBe(1);
});

test('what was written behind a fence counts, also when a copy has to make up for it; what was before does not', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  const target = switched(to);
  await using running = mirror(from, target.store, { retryMs: 1 });
  await running.caughtUp();
  for (const late of [false, true]) {
    target.down = true;
    const copies = running.status().copies;
    const { revision } = await from.put(b('before'), b(`${late}`));
    const fenced = running.fence();
    fenced.catch(() => undefined);
    await until(async () => (await from.status()).revision > revision);
    if (late) await from.put(b('behind'), b('x'));
    await from.compact((await from.status()).revision);
    await until(() => running.status().copies > copies);
    target.down = false;
    await fenced;
    await running.caughtUp();
    expect(running.status().afterFence > 0).toBe(late);
  }
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true, keys: 2 });
  // The copy is done: what fails later is tried again, and nothing is compared.
  const { copies } = running.status();
  target.down = true;
  await from.put(b('before'), b('once more'));
  await until(() => running.status().phase === 'waiting');
  target.down = false;
  await running.caughtUp();
  expect(running.status().copies).toBe(copies);
  // Those of the tries before are closed.
  expect(watchersOf(from)).toBe(1);
});

test('with a range, too, a fence is heard of, and what comes after it is counted', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  await using running = mirror(from, to, { range: { prefix: b('in/') } });
  await from.put(b('in/1'), b('x'));
  await running.fence();
  await from.put(b('out/1'), b('x'));
  const { revision } = await from.put(b('in/2'), b('x'));
  await running.caughtUp(revision);
  expect(running.status().afterFence).toBe(1);
});

test('law 9: the place is written down now and then while nothing of the range changes, so that it need not be copied again', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  // A clock that has run for long.
  const now = (): number => hostWorld.clock.now() + 1e9;
  const world = worldOf({ ...hostWorld, clock: { ...hostWorld.clock, now } });
  const options: MirrorOptions = { range: { prefix: b('in/') }, world };
  const seldom = mirror(from, to, { ...options, name: 'seldom', bookmarkMs: 1_000_000 });
  const often = mirror(from, to, { ...options, name: 'often', bookmarkMs: 1 });
  await Promise.all([seldom.caughtUp(), often.caughtUp()]);
  const [first, second] = [await to.get(b('\0varve/mirror/seldom')), await to.get(b('\0varve/mirror/often'))];
  const { revision } = await from.put(b('out/1'), b('x'));
  await Promise.all([seldom.caughtUp(revision), often.caughtUp(revision)]);
  await Promise.all([seldom.close(), often.close()]);
  expect((await to.get(b('\0varve/mirror/seldom')))!.version).toBe(first!.version);
  expect((await to.get(b('\0varve/mirror/often')))!.version).toBe(second!.version + 1);
  await from.compact(revision);
  await using again = mirror(from, to, { ...options, name: 'often' });
  await again.caughtUp();
  expect(again.status().copies).toBe(0);
});
