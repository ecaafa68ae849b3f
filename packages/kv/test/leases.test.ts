/** Leases of the store in this process: sections, closing, reading only, and a clock that jumps. */
import { utf8 } from '@varve/api';
import { activeLimits, Records } from '@varve/api/implement';
import { buckets } from '@varve/backend';
import { nodeClock } from '@varve/base/node/clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import { describe, expect, test } from 'vitest';
import { compare, file, get, level, log, memory, open, put, type EmbeddedKv, type Engine } from '../src/index.ts';
import { Core } from '../src/core.ts';
import { StoreKv } from '../src/embedded-kv.ts';
import { openLayers, presentLessor } from '../src/layers.ts';
import { codeOf, collect, engines, temporaryFolder } from './helpers.ts';

/** Node's clock, some time ahead; going forward runs what is due then. */
class JumpingClock {
  aheadMs = 0;
  /** Called in the next turn that is asked for, before it. */
  beforeTurn: (() => Promise<void>) | undefined;
  /** Makes every slice be over. */
  hurried = false;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  readonly world: World = worldOf({
    ...nodeWorld,
    clock: {
      ...nodeClock,
      now: () => this.#now(),
      unixMs: () => nodeClock.unixMs() + this.aheadMs,
      turn: async () => {
        const before = this.beforeTurn;
        this.beforeTurn = undefined;
        await before?.();
        await nodeClock.turn();
      },
      after: (ms, work) => {
        const timer = { at: this.#now() + ms, run: () => (cancel(), work()) };
        const disarm = nodeClock.after(ms, timer.run);
        const cancel = (): void => {
          disarm();
          this.#timers.delete(timer);
        };
        this.#timers.add(timer);
        return cancel;
      },
    },
  });

  jump(ms: number): void {
    this.aheadMs += ms;
    for (const timer of this.#timers) if (timer.at <= this.#now()) timer.run();
  }

  #now(): number {
    if (this.hurried) this.aheadMs += 10;
    return nodeClock.now() + this.aheadMs;
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())));

describe.each(engines)('on %s', (name, place) => {
  test('LES1, LES2: a lease lives its time to live, and a second more at most, by the clock of the process', async () => {
    const clock = new JumpingClock();
    await using kv = await open(place(), { world: clock.world });
    const lease = await kv.lease({ ttl: 3600 });
    const { revision } = await kv.put('a', '1', { lease });
    clock.jump(3_590_000);
    await new Promise(setImmediate);
    expect([lease.signal.aborted, (await kv.get('a'))?.value]).toEqual([false, '1']);
    expect(await lease.keepAlive()).toBe(3600);
    clock.jump(3_590_000);
    await new Promise(setImmediate);
    expect([lease.signal.aborted, (await kv.get('a'))?.value]).toEqual([false, '1']);
    clock.jump(11_000);
    await aborted(lease.signal);
    expect(lease.signal.reason).toMatchObject({ code: 'LEASE_NOT_FOUND' });
    const [event] = await collect(kv.watch('a', { from: revision + 1 }), 1);
    expect(event).toMatchObject({ type: 'delete', key: 'a' });
    expect(await kv.leases()).toEqual([]);
  });

  test('law 3: a section ties keys to leases and grants them; one that is not there is refused, and undone', async () => {
    await using kv = await open(place());
    const lease = await kv.lease({ ttl: 600 });
    const { revision } = await kv.write((section) => {
      section.put('a', '1', { lease });
      section.put('b', '2', { ttl: 600 });
      expect(section.get('a')?.lease).toBe(lease.id);
    });
    const own = (await kv.get('b'))!.lease;
    expect([(await kv.leases()).length, own === lease.id]).toEqual([2, false]);
    const lost = kv.write((section) => {
      section.put('c', '3', { ttl: 600 });
      section.put('d', '4', { lease: '1234' });
    });
    expect(await codeOf(() => lost)).toBe('LEASE_NOT_FOUND');
    expect([kv.revision, (await kv.leases()).length]).toEqual([revision, 2]);
    await kv.write((section) => {
      expect(() => section.put('d', '4', { lease: '1234' })).toThrow('there is no lease');
      section.put('e', '5');
    });
    expect((await collect(kv.list({}))).map(({ key }) => key)).toEqual(['a', 'b', 'e']);
    expect(await codeOf(() => kv.write((section) => section.put('f', '6', { lease, ttl: 1 })))).toBe('KV_INVALID');
    for (const write of [
      () => kv.lease({ ttl: 5 }),
      () => lease.revoke(),
      () => kv.create('x', '1'),
      () => kv.update('a', '1', { revision }),
    ]) {
      expect(await codeOf(() => kv.write(() => void write()))).toBe('BACKEND_NESTED');
    }
    expect(kv.revision).toBe(revision + 1);
  });

  test.skipIf(name === 'memory')(
    'LES2: what runs out while the store is closed is gone when it is open again',
    async () => {
      const path = temporaryFolder(name === 'file' ? 'store.db' : 'data');
      const clock = new JumpingClock();
      let kv = await open(place(path), { world: clock.world });
      await kv.put('short', '1', { ttl: 60 });
      await kv.put('long', '2', { ttl: 600 });
      const { revision } = kv;
      await kv.close();
      clock.jump(300_000);
      kv = await open(place(path), { world: clock.world });
      expect((await collect(kv.list({}))).map(({ key }) => key)).toEqual(['long']);
      expect((await collect(kv.watch({}, { from: revision + 1 }), 1))[0]).toMatchObject({
        type: 'delete',
        key: 'short',
      });
      const [left] = await kv.leases();
      expect(left!.remaining).toBeGreaterThan(290);
      expect(left!.remaining).toBeLessThanOrEqual(300);
      await kv.close();
    },
  );
});

const readers: readonly (readonly [string, (path: string, readOnly: boolean) => Promise<Engine>])[] = [
  ['file', (path, readOnly) => file(path, { readOnly })],
  ['log', (path, readOnly) => log(path, { readOnly })],
];

describe.each(readers)('read only, on %s', (_, engine) => {
  test('leases are seen and do not run out; nothing can be done with them', async () => {
    const path = temporaryFolder('store.db');
    const clock = new JumpingClock();
    let kv = await open(engine(path, false), { world: clock.world });
    const { lease: id } = await kv.put('a', '1', { ttl: 60 });
    await kv.close();
    kv = await open(engine(path, true), { world: clock.world });
    clock.jump(120_000);
    expect(await kv.leases()).toEqual([{ id, ttl: 60, remaining: Infinity }]);
    const lease = await kv.lease({ id: id! });
    for (const call of [
      () => lease.keepAlive(),
      () => lease.revoke(),
      () => kv.lease({ ttl: 5 }),
      () => kv.put('b', '1', { ttl: 5 }),
      () => kv.create('b', '1'),
      () => kv.update('a', '1', { revision: 2 }),
    ]) {
      expect(await codeOf(call)).toBe('BACKEND_READ_ONLY');
    }
    await lease[Symbol.asyncDispose]();
    expect((await kv.getMany(['a', 'b'])).map((entry) => entry?.value)).toEqual(['1', undefined]);
    await kv.close();
    kv = await open(engine(path, false), { world: clock.world });
    expect(await kv.get('a')).toBeUndefined();
    await kv.close();
  });
});

/** Many keys, and one that a lease takes away in the first turn of the work. */
async function withManyKeys(kv: EmbeddedKv): Promise<void> {
  await kv.write((section) => {
    for (let i = 0; i < 2000; i++) section.put(`k${i}`, 'x');
  });
  await kv.put('k~', 'x');
  await kv.put('k~', 'x', { ttl: 60 });
}

function expireInNextTurn(clock: JumpingClock, kv: EmbeddedKv): void {
  clock.hurried = true;
  clock.beforeTurn = async () => {
    clock.hurried = false;
    clock.jump(62_000);
    while ((await kv.leases()).length > 0) await new Promise(setImmediate);
  };
}

test('TD1: a lease that runs out while long conditions are decided: they are decided again', async () => {
  const clock = new JumpingClock();
  await using kv = await open(memory(), { world: clock.world });
  await withManyKeys(kv);
  expireInNextTurn(clock, kv);
  const result = await kv.txn({
    if: [compare({ prefix: 'k' }, { version: { equals: 1 } })],
    then: [get('k~')],
    else: [get('k~')],
  });
  expect(clock.beforeTurn).toBeUndefined();
  expect([result.succeeded, result.results[0]]).toEqual([true, undefined]);
});

test('TRN2: a lease that runs out while much that was read is compared is a change like any other', async () => {
  const clock = new JumpingClock();
  await using kv = await open(memory(), { world: clock.world });
  await withManyKeys(kv);
  const result = await kv.transaction(async (tx) => {
    const keys = await tx.list({ prefix: 'k' });
    await kv.put('elsewhere', 'x');
    if (keys.length === 2001) expireInNextTurn(clock, kv);
    tx.put('count', `${keys.length}`);
  });
  expect([(await kv.get('count'))?.value, result.attempts]).toEqual(['2000', 2]);
});

test('a renewal that waits for the end of its lease is let go by a signal', async () => {
  await using kv = await open(memory());
  const lease = await kv.lease({ ttl: 600 });
  const reason = new Error('enough');
  await expect(lease.keepAlive({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(kv.lease({ ttl: 5, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(kv.leases({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await kv.leases()).toHaveLength(1);
});

test('R8: the lessor is a layer of its own, with options for servers', async () => {
  await using layers = await openLayers(memory(), { lessor: { minTtl: 2, primary: false } });
  const { lessor, store } = layers;
  expect([lessor.primary, lessor.grant(1)]).toEqual([false, { id: expect.any(BigInt), ttl: 2 }]);
  await lessor.promote();
  await store.settled();
  expect(lessor.list()[0]!.remaining).toBeLessThanOrEqual(2);
  await layers.close();
  expect(await codeOf(() => lessor.grant(1))).toBe('LEASE_CLOSED');
  expect(await codeOf(() => openLayers(memory(), { lessor: { minttl: 2 } as object }))).toBe('KV_INVALID');
  expect(await codeOf(() => open(memory(), { lessor: {} } as object))).toBe('KV_INVALID');
});

test('a store that is damaged where leases are does not open, and is closed again', async () => {
  const path = temporaryFolder();
  const layers = await openLayers(level(path));
  layers.lessor.grant(60, 7n);
  layers.store.write(({ rows }) => rows.put(buckets.lease, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9), Uint8Array.of(0xff)));
  await layers.store.commit();
  await layers.close();
  expect(await codeOf(() => open(path))).toBe('LEASE_CORRUPT');
  expect(await codeOf(() => open(path))).toBe('LEASE_CORRUPT');
});

test('put is not part of a lease that it does not name', async () => {
  await using kv = await open(memory());
  const lease = await kv.lease({ ttl: 600 });
  await kv.txn({ then: [put('a', '1', { lease }), put('b', '2')] });
  expect((await lease.revoke()).deleted).toBe(1);
});

test('HLD4, law 9: a lease that is taken up again and again keeps no holder that did not ask for its end', async () => {
  const layers = await openLayers(memory());
  let asked = 0;
  const lessor = new Proxy(layers.lessor, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === 'signal') asked++;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const core = new Core({ ...layers, leases: presentLessor(lessor) }, nodeWorld);
  const kv = new StoreKv(core, new Records(utf8, utf8, activeLimits(undefined)), true);
  const lease = await kv.lease({ ttl: 60 });
  for (let n = 0; n < 100; n++) await (await kv.lease({ id: lease.id })).keepAlive();
  expect(asked).toBe(0);
  expect(lease.signal).toBe(lease.signal);
  expect(asked).toBe(1);
  await lease.revoke();
  expect(lease.signal.aborted).toBe(true);
  await kv.close();
});
