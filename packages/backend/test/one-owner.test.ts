/** A3: an engine has one owner at a time, and one in its life, whatever kind of engine it is. */
import { describe, expect, test } from 'vitest';
import { deferred } from '../src/conformance/index.ts';
import { buckets, discardEngine, openBackend, type Backend, type Engine } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { byHand, create, engines, read, write } from './helpers.ts';

const { test: t } = buckets;
const locked = expect.objectContaining({ code: 'BACKEND_LOCKED' });
const closed = expect.objectContaining({ code: 'BACKEND_CLOSED' });

/** A third party's: a frozen object that does not mind being used after `close`. */
function foreign(): Engine {
  const inner = memoryEngine();
  return Object.freeze({ ...wrapped(inner), close: () => Promise.resolve() });
}

function wrapped(inner: Engine): Engine {
  return {
    get: (bucket, key) => inner.get(bucket, key),
    scan: (bucket, options) => inner.scan(bucket, options),
    buckets: () => inner.buckets(),
    pin: () => inner.pin(),
    commit: (changes) => inner.commit(changes),
    compact: () => inner.compact(),
    close: () => inner.close(),
    size: 0,
    sizeInUse: 0,
  };
}

async function works(backend: Backend): Promise<boolean> {
  write(backend, t, { again: 'yes' });
  await backend.forceCommit();
  return read(backend, t, 'again') === 'yes';
}

describe.each([...engines, ['a third party’s', foreign] as const])('%s', (_, make) => {
  test('XA3: the second open is BACKEND_LOCKED, whatever its options, and the first does not notice', async () => {
    const engine = await make();
    await using first = await openBackend(engine, byHand);
    create(first, t);
    write(first, t, { a: '1' });
    await expect(openBackend(engine)).rejects.toEqual(locked);
    await expect(openBackend(engine, { batchLimit: -1 })).rejects.toEqual(locked);
    await expect(openBackend(engine, null as never)).rejects.toEqual(locked);
    await discardEngine(engine);
    expect(read(first, t, 'a')).toBe('1');
    expect(await works(first)).toBe(true);
  });

  test('XA3: of two opens at once one gets it', async () => {
    const engine = await make();
    const both = await Promise.allSettled([openBackend(engine, byHand), openBackend(engine, byHand)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((both[1] as PromiseRejectedResult).reason).toEqual(locked);
    await using backend = (both[0] as PromiseFulfilledResult<Backend>).value;
    create(backend, t);
    expect(await works(backend)).toBe(true);
  });

  test('XA3: while the owner closes it is locked, and closed from then on', async () => {
    const engine = await make();
    const backend = await openBackend(engine, byHand);
    const closing = backend.close();
    await expect(openBackend(engine)).rejects.toEqual(locked);
    await closing;
    await expect(openBackend(engine)).rejects.toEqual(closed);
  });

  test('XA3: an engine whose opening failed is closed, and stays so', async () => {
    const engine = await make();
    await expect(openBackend(engine, { batchLimit: 0 })).rejects.toThrow(RangeError);
    await expect(openBackend(engine)).rejects.toEqual(closed);
  });

  test('XA3: an engine that was discarded is closed, and one that its maker closed is so, too', async () => {
    const engine = await make();
    await discardEngine(engine);
    await expect(openBackend(engine)).rejects.toEqual(closed);
  });
});

test('XA3: an engine that was closed by hand is BACKEND_CLOSED', async () => {
  const engine = deferred(memoryEngine(), 3);
  await engine.close();
  await expect(openBackend(engine)).rejects.toEqual(closed);
});

test('XB6: what is no engine is a TypeError', async () => {
  const half = { get: () => undefined, scan: () => [] };
  for (const wrong of [undefined, null, 5, 'path', {}, half, Promise.resolve(memoryEngine())] as never[]) {
    await expect(openBackend(wrong)).rejects.toThrow(TypeError);
    await expect(discardEngine(wrong)).rejects.toThrow(TypeError);
  }
});
