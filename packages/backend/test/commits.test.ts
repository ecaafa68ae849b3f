import { nodeWorld } from '@varve/base/node/world';
import { worldOf } from '@varve/base/world';
import { describe, expect, test } from 'vitest';
import { failing } from '../src/conformance/index.ts';
import { type Backend, BackendError, buckets, type Changes, type Engine, openBackend } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand, create, engines, opened, read, s, scan, turns, turnsDuring, write } from './helpers.ts';

const { test: t, key: k } = buckets;

/** An engine whose commits end when the test says so. */
function gated(inner: Engine = memoryEngine()): { engine: Engine; commits: Changes[]; open: () => void } {
  const commits: Changes[] = [];
  const waiting: (() => void)[] = [];
  const engine: Engine = {
    get: (bucket, key) => inner.get(bucket, key),
    scan: (bucket, options) => inner.scan(bucket, options),
    buckets: () => inner.buckets(),
    pin: () => inner.pin(),
    compact: () => inner.compact(),
    close: () => inner.close(),
    size: 0,
    sizeInUse: 0,
    async commit(changes) {
      // As the contract has it, they are good until this has settled.
      commits.push([...changes]);
      await new Promise<void>((resolve) => waiting.push(resolve));
      await inner.commit(changes);
    },
  };
  return { engine, commits, open: () => waiting.shift()?.() };
}

/** Timers that run out when the test says so. */
class ManualTimers {
  #nowMs = 0;
  readonly #started = new Set<{ readonly at: number; readonly callback: () => void }>();

  get running(): number {
    return this.#started.size;
  }

  readonly #after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.#nowMs + ms, callback };
    this.#started.add(timer);
    return () => void this.#started.delete(timer);
  };

  readonly world = worldOf({ ...nodeWorld, clock: { ...nodeWorld.clock, after: this.#after } });

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#started) {
      if (timer.at > this.#nowMs) continue;
      this.#started.delete(timer);
      timer.callback();
    }
  }
}

/** etcd's hook of spec 3.6: each commit appends one c. */
function appendC(tx: {
  get(b: typeof t, k: Uint8Array): Uint8Array | undefined;
  put(b: typeof t, k: Uint8Array, v: Uint8Array): void;
}): void {
  const before = tx.get(t, b('k'));
  if (before !== undefined) tx.put(t, b('k'), b(`${s(before)}c`));
}

function prepare(backend: Backend): void {
  backend.batchTx((tx) => {
    tx.createBucket(t);
    tx.put(t, b('k'), b('>'));
  });
}

/** Waits until so many commits are through; on to the end of those that nobody should have started. */
async function commitsOf(backend: Backend, most: number): Promise<void> {
  do await turns();
  while (backend.commits < most);
}

const failed = expect.objectContaining({ code: 'BACKEND_FAILED', cause: expect.objectContaining({ code: 'EIO' }) });
const closed = expect.objectContaining({ code: 'BACKEND_CLOSED' });

describe.each(engines)('commits on %s', (_, make) => {
  test('B3 limit 1: a section is committed when it ends', async () => {
    const engine = await make();
    await using backend = await openBackend(engine, { ...byHand, batchLimit: 1 });
    prepare(backend);
    await commitsOf(backend, 1);
    expect(backend.commits).toBe(1);
    expect(s(engine.get(t, b('k')))).toBe('>');
  });

  test('B4 limit 3 with a hook: eight sections, commits at the 2nd, 5th and 8th', async () => {
    await using backend = await opened(make, { batchLimit: 3, preCommit: appendC });
    prepare(backend);
    const seen: string[] = [];
    for (const commits of [1, 1, 1, 2, 2, 2, 3]) {
      write(backend, t, { foo: `${seen.length}` });
      await commitsOf(backend, commits);
      seen.push(read(backend, t, 'k')!);
    }
    expect(seen).toEqual(['>c', '>c', '>c', '>cc', '>cc', '>cc', '>ccc']);
  });

  test('B6 each forceCommit runs the hook, also when nothing else is pending', async () => {
    await using backend = await opened(make, { preCommit: appendC });
    prepare(backend);
    await backend.forceCommit();
    await backend.forceCommit();
    expect(read(backend, t, 'k')).toBe('>cc');
    expect(backend.commits).toBe(2);
  });

  test('B7 nothing pending and no hook: forceCommit changes nothing', async () => {
    await using backend = await opened(make);
    prepare(backend);
    await backend.forceCommit();
    const { commits, size } = backend;
    await backend.forceCommit();
    backend.batchTx(() => {});
    await backend.forceCommit();
    expect([backend.commits, backend.size]).toEqual([commits, size]);
  });

  test('B8 what forceCommit resolved for is in the engine, what came later is not', async () => {
    const engine = await make();
    await using backend = await openBackend(engine, byHand);
    prepare(backend);
    const committed = backend.forceCommit();
    await committed;
    write(backend, t, { later: '1' });
    expect(s(engine.get(t, b('k')))).toBe('>');
    expect(engine.get(t, b('later'))).toBeUndefined();
  });

  test('R88 law 9 admit waits while commits lag, and lets go when one starts', async () => {
    await using backend = await opened(make, { batchLimit: 2 });
    create(backend, k);
    await backend.forceCommit();
    let sections = 0;
    let most = 0;
    for (let i = 0; i < 300; i += 1) {
      if (!backend.admitting) await backend.admit();
      write(backend, k, { [`${i}`.padStart(5, '0')]: 'x' });
      sections += 1;
      most = Math.max(most, sections - backend.commits * 2);
    }
    expect((await scan(backend, k)).length).toBe(300);
    expect(backend.commits).toBeGreaterThan(10);
  });
});

test('B5 the interval commits what is pending, and an idle backend does nothing', async () => {
  const timers = new ManualTimers();
  const backend = await openBackend(memoryEngine(), { batchIntervalMs: 10, preCommit: appendC, world: timers.world });
  expect(timers.running).toBe(0);
  prepare(backend);
  await Promise.resolve();
  expect(timers.running).toBe(1);
  expect(read(backend, t, 'k')).toBe('>');
  timers.advance(9);
  await turns();
  expect(backend.commits).toBe(0);
  timers.advance(1);
  await turns();
  expect(read(backend, t, 'k')).toBe('>c');
  expect(timers.running).toBe(0);
  timers.advance(1_000);
  await turns();
  expect(read(backend, t, 'k')).toBe('>c');
  for (const want of ['>cc', '>ccc']) {
    write(backend, t, { other: want });
    await Promise.resolve();
    timers.advance(10);
    await turns();
    expect(read(backend, t, 'k')).toBe(want);
  }
  await backend.close();
  expect(timers.running).toBe(0);
});

test('B5 a section while a commit runs gets an interval of its own', async () => {
  const timers = new ManualTimers();
  const { engine, commits, open } = gated();
  const backend = await openBackend(engine, { batchIntervalMs: 10, world: timers.world });
  prepare(backend);
  await Promise.resolve();
  timers.advance(10);
  await turns();
  expect(commits.length).toBe(1);
  write(backend, t, { a: '1' });
  await Promise.resolve();
  expect(timers.running).toBe(1);
  timers.advance(10);
  await turns();
  expect(commits.length).toBe(1); // due, but one at a time
  open();
  await turns();
  expect(commits.length).toBe(2);
  open();
  await turns();
  expect(backend.commits).toBe(2);
  await backend.close();
});

test('R47 CMM1 one commit in flight; callers of forceCommit share the next one', async () => {
  const { engine, commits, open } = gated();
  const backend = await openBackend(engine, byHand);
  prepare(backend);
  const first = backend.forceCommit();
  await turns();
  expect(commits.length).toBe(1);
  const settled: string[] = [];
  void first.then(() => settled.push('first'));
  const nothingNew = backend.forceCommit();
  void nothingNew.then(() => settled.push('nothing new'));
  write(backend, t, { a: '1' });
  const shared = [1, 2, 3].map((n) => {
    write(backend, t, { [`b${n}`]: '1' });
    return backend.forceCommit().then(() => settled.push(`shared ${n}`));
  });
  await turns();
  expect(commits.length).toBe(1);
  expect(settled).toEqual([]);
  expect(read(backend, t, 'b3')).toBe('1');
  open();
  await turns();
  expect(settled).toEqual(['first', 'nothing new']);
  expect(commits.map((changes) => changes.length)).toEqual([2, 4]);
  write(backend, t, { after: '1' });
  open();
  await Promise.all(shared);
  expect(settled.slice(2)).toEqual(['shared 1', 'shared 2', 'shared 3']);
  const closing = backend.close();
  await turns();
  open();
  await closing;
  expect(commits.length).toBe(3);
});

test('CMM2 writers that one commit woke are together in the next', async () => {
  await using backend = await opened();
  create(backend, t);
  await backend.forceCommit();
  const { commits } = backend;
  const writers = Array.from({ length: 64 }, async (_, n) => {
    for (let i = 0; i < 10; i += 1) {
      write(backend, t, { [`${n}`]: `${i}` });
      await backend.forceCommit();
    }
  });
  await Promise.all(writers);
  expect(backend.commits - commits).toBe(10);
});

test('CMM5 law 10 a loop of awaited writes lets the event loop turn', async () => {
  await using backend = await opened(memoryEngine, { batchLimit: 100_000 });
  create(backend, k);
  const turnN = await turnsDuring(async () => {
    for (let i = 0; i < 20_000; i += 1) {
      await backend.admit();
      write(backend, k, { [`${i}`.padStart(6, '0')]: '' });
    }
  });
  expect(turnN).toBeGreaterThanOrEqual(9);
});

test('CMM5 law 10 a loop of awaited writes of much lets the event loop turn after few of them', async () => {
  await using backend = await opened(memoryEngine, byHand);
  create(backend, t);
  const value = new Uint8Array(4 << 20);
  const turnN = await turnsDuring(async () => {
    for (let i = 0; i < 12; i += 1) {
      await backend.admit();
      backend.batchTx((tx) => tx.put(t, b(`${i}`), value));
    }
  });
  expect(turnN).toBeGreaterThanOrEqual(3);
});

test('law 9 admit counts bytes as well as rows, and waits for a commit to start', async () => {
  const { engine, open } = gated();
  const backend = await openBackend(engine, byHand);
  create(backend, t);
  const first = backend.forceCommit();
  await turns();
  const value = new Uint8Array(8 << 20);
  for (let i = 0; i < 7; i += 1) {
    backend.batchTx((tx) => tx.put(t, b(`${i}`), value));
    await backend.admit();
  }
  expect(backend.admitting).toBe(true);
  backend.batchTx((tx) => tx.put(t, b('last'), value));
  expect(backend.admitting).toBe(false);
  let admitted = false;
  const waiting = backend.admit().then(() => (admitted = true));
  await turns();
  expect(admitted).toBe(false);
  open();
  await first;
  await waiting;
  expect(backend.admitting).toBe(true);
  open();
  await turns();
  await backend.close();
});

describe('a failed commit (law 8, R25, R77)', () => {
  test.each([false, true])('is final; readers go on; the cause is the engine’s own (applied: %s)', async (applied) => {
    const backend = await openBackend(failing(memoryEngine(), 2, { applied }), byHand);
    prepare(backend);
    await backend.forceCommit();
    write(backend, t, { a: '1' });
    using reader = backend.concurrentReadTx();
    const first = backend.forceCommit();
    expect(backend.failure.aborted).toBe(false);
    await expect(first).rejects.toThrow(failed);
    expect(() => backend.failure.throwIfAborted()).toThrow(failed);
    expect(() => write(backend, t, { b: '1' })).toThrow(failed);
    await expect(backend.forceCommit()).rejects.toThrow(failed);
    await expect(backend.admit()).rejects.toThrow(failed);
    await expect(backend.defrag()).rejects.toThrow(failed);
    await expect(backend.snapshot()).rejects.toThrow(failed);
    expect(backend.admitting).toBe(false);
    expect(read(backend, t, 'a')).toBe('1');
    expect(s(reader.get(t, b('a')))).toBe('1');
    expect(await scan(backend, t)).toEqual(['a=1', 'k=>']);
    expect(backend.commits).toBe(1);
    expect(await backend.hash()).toBeTypeOf('number');
    await backend.close();
  });

  test.each(Array.from({ length: 10 }, (_, i) => i))(
    'CMM3 a section that finishes as a commit fails leaves no interval behind (%i)',
    async (microtasks) => {
      const timers = new ManualTimers();
      const listeners = process.listenerCount('beforeExit');
      const { engine, open } = gated(failing(memoryEngine(), 1));
      const backend = await openBackend(engine, { world: timers.world });
      prepare(backend);
      const waiting = expect(backend.forceCommit()).rejects.toThrow(failed);
      await turns();
      open();
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      if (!backend.failure.aborted) write(backend, t, { late: '1' });
      await turns();
      expect([timers.running, process.listenerCount('beforeExit') - listeners]).toEqual([0, 0]);
      await waiting;
      await backend.close();
    },
  );

  test('rejects everybody who waits: those of this commit, of the next, in admit, for a defrag', async () => {
    const { engine, open } = gated(failing(memoryEngine(), 1));
    const backend = await openBackend(engine, { ...byHand, batchLimit: 1 });
    prepare(backend);
    const waiting = [backend.forceCommit(), backend.defrag()];
    await turns();
    for (let i = 0; i < 10; i += 1) write(backend, t, { [`${i}`]: '' });
    waiting.push(backend.forceCommit(), backend.admit(), backend.defrag());
    const settled = Promise.allSettled(waiting);
    open();
    for (const result of await settled) expect(result).toEqual({ status: 'rejected', reason: failed });
    await backend.close();
  });

  test('nobody waited: the next call tells, close included, and close tells once', async () => {
    for (const told of [false, true]) {
      const backend = await openBackend(failing(memoryEngine(), 1), { ...byHand, batchLimit: 1 });
      prepare(backend);
      await turns();
      if (told) expect(() => prepare(backend)).toThrow(failed);
      if (told) await backend.close();
      else await expect(backend.close()).rejects.toThrow(failed);
      expect(() => read(backend, t, 'k')).toThrow(closed);
    }
  });

  test('the last commit of close fails: close says so, and the engine is closed', async () => {
    const engine = failing(memoryEngine(), 1);
    const backend = await openBackend(engine, byHand);
    prepare(backend);
    await expect(backend.close()).rejects.toThrow(failed);
    expect(() => engine.buckets()).toThrow(closed);
  });

  test('a throwing hook fails the commit, and leaves no trace of itself', async () => {
    const thrown = new Error('hook');
    const backend = await opened(memoryEngine, {
      preCommit(tx) {
        tx.put(t, b('k'), b('from the hook'));
        throw thrown;
      },
    });
    prepare(backend);
    await expect(backend.forceCommit()).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause: thrown });
    expect(read(backend, t, 'k')).toBe('>');
    await backend.close();
  });

  test('an engine that throws in the tick of the call fails alike; one that says BACKEND_FAILED passes its cause on', async () => {
    const eio = Object.assign(new Error('disk'), { code: 'EIO' });
    for (const error of [eio, new BackendError('BACKEND_FAILED', 'of the engine', { cause: eio })]) {
      const { engine } = gated();
      const throwing: Engine = Object.assign(Object.create(engine) as Engine, {
        commit() {
          throw error;
        },
      });
      const backend = await openBackend(throwing, byHand);
      prepare(backend);
      await expect(backend.forceCommit()).rejects.toMatchObject({ code: 'BACKEND_FAILED', cause: eio });
      await backend.close();
    }
  });
});

describe.each(engines)('closing on %s', (_, make) => {
  test('B47 BD5 R10 close commits what is pending; every call afterwards is BACKEND_CLOSED; again is fine', async () => {
    const commits: number[] = [];
    const engine = await make();
    const commit = engine.commit.bind(engine);
    const backend = await openBackend(
      new Proxy(engine, {
        get(target, name) {
          if (name === 'commit') return (changes: Changes) => (commits.push(changes.length), commit(changes));
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
        },
      }),
      { ...byHand, preCommit: appendC },
    );
    prepare(backend);
    const reader = backend.concurrentReadTx();
    const closing = backend.close();
    expect(backend.close()).toBe(closing);
    expect(() => read(backend, t, 'k')).toThrow(closed);
    await closing;
    await backend.close();
    await backend[Symbol.asyncDispose]();
    expect(commits).toEqual([3]);
    expect(() => backend.batchTx(() => {})).toThrow(closed);
    expect(() => backend.readTx(() => {})).toThrow(closed);
    expect(() => backend.concurrentReadTx()).toThrow(closed);
    expect(() => reader.get(t, b('k'))).toThrow(closed);
    expect(() => reader.scan(t)).toThrow(closed);
    for (const call of [backend.admit(), backend.forceCommit(), backend.snapshot(), backend.hash(), backend.defrag()]) {
      await expect(call).rejects.toThrow(closed);
    }
    expect(backend.admitting).toBe(false);
    expect(backend.openReadTxN).toBe(0);
    reader[Symbol.dispose]();
  });

  test('R9 close in the middle of everything: waiting commits resolve, the others end with BACKEND_CLOSED', async () => {
    const backend = await opened(make);
    create(backend, k);
    for (let i = 0; i < 300; i += 1) write(backend, k, { [`${i}`.padStart(4, '0')]: 'x'.repeat(100) });
    await backend.forceCommit();
    write(backend, k, { later: '1' });
    const reader = backend.concurrentReadTx();
    const begun = reader.scan(k, { chunkSize: 1 })[Symbol.asyncIterator]();
    await begun.next();
    const pulled = begun.next().then(() => begun.next());
    const snapshot = await backend.snapshot();
    const image = snapshot[Symbol.asyncIterator]();
    await image.next();
    write(backend, k, { latest: '1' });
    const commit = backend.forceCommit();
    const rest = Promise.allSettled([backend.hash(), backend.defrag(), backend.snapshot(), pulled]);
    await Promise.all([backend.close(), backend.close()]);
    await commit;
    for (const result of await rest) {
      if (result.status === 'rejected') expect(result.reason).toEqual(closed);
    }
    await expect(begun.next()).rejects.toThrow(closed);
    await expect(image.next()).rejects.toThrow(closed);
    await snapshot[Symbol.asyncDispose]();
  });

  test('close called inside a section: the section ends and is committed', async () => {
    const backend = await opened(make);
    create(backend, t);
    let closing!: Promise<void>;
    backend.batchTx((tx) => {
      closing = backend.close();
      tx.put(t, b('a'), b('1'));
    });
    await closing;
    expect(backend.commits).toBe(1);
  });
});

test('R75 the type and the property say what memory cannot promise; forceCommit resolves', async () => {
  await using backend = await opened();
  expect(backend.durable).toBe(false);
  expect(backend.warnings).toEqual([]);
  await backend.forceCommit();
});

test('opening with wrong options closes the engine that was handed over', async () => {
  for (const options of [
    { batchLimit: 0 },
    { batchLimit: 1.5 },
    { batchIntervalMs: -1 },
    { batchIntervalMs: 2 ** 31 },
  ]) {
    const engine = memoryEngine();
    await expect(openBackend(engine, options)).rejects.toThrow(RangeError);
    expect(() => engine.buckets()).toThrow(closed);
  }
  for (const [options, message] of [
    [null, 'options must be an object'],
    [{ batchIntervalMs: null }, 'batchIntervalMs must be a number of milliseconds from 0 to 2147483647'],
  ] as const) {
    const engine = memoryEngine();
    await expect(openBackend(engine, options as unknown as object)).rejects.toThrow(new TypeError(message));
    expect(() => engine.buckets()).toThrow(closed);
  }
});
