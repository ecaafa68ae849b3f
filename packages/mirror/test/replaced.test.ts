/** MRR4, MSO1, MPL3: another store in the place of the source, and the same one after whatever it has been through. Over a network: tools/road. */
import * as fc from 'fast-check';
import { memory, type Status } from '@varve/kv';
import { deferred } from '@varve/base/deferred';
import { crc32c } from '@varve/base/crc32c';
import { byteKey } from '@varve/base/order';
import { expect, test } from 'vitest';
import type { Batch } from '../src/apply.ts';
import { checkpointKey } from '../src/checkpoint.ts';
import { compareStores, mirror, type ByteKv, type MirrorOptions } from '../src/index.ts';
import { newestOf, type Newest } from '../src/source.ts';
import { b, instead, opened, s, storyOf } from './support.ts';

/** As behind an address: the store, with the id of the cluster that answers there. */
function clustered(store: ByteKv, clusterId = 'a'): ByteKv {
  return instead(store, { status: async (): Promise<Status> => ({ ...(await store.status()), clusterId }) });
}

async function filled(changes: number, value = 'x'): Promise<ByteKv> {
  const store = await opened(memory());
  for (let i = 0; i < changes; i++) await store.put(b(`k${i % 5}`), b(`${value}${i}`));
  return store;
}

async function noteOf(to: ByteKv): Promise<Record<string, unknown>> {
  return JSON.parse(s((await to.get(checkpointKey('default')))!.value)) as Record<string, unknown>;
}

/** It ends with KV_REPLACED, and so does who waits for it; the target is as it was. */
async function expectRefused(from: ByteKv, to: ByteKv, options: MirrorOptions = {}): Promise<void> {
  const { revision } = await to.status();
  const running = mirror(from, to, options);
  const waiting = running.caughtUp(1_000_000);
  waiting.catch(() => undefined);
  const replaced = { code: 'KV_REPLACED', message: expect.stringContaining('another store') as unknown };
  await expect(running.ended).rejects.toMatchObject(replaced);
  await expect(waiting).rejects.toMatchObject(replaced);
  expect(running.status()).toMatchObject({ phase: 'ended', reason: { code: 'KV_REPLACED' } });
  expect((await to.status()).revision).toBe(revision);
}

test.each<readonly [string, () => Promise<ByteKv>, () => Promise<ByteKv>]>([
  ['of another cluster', async () => clustered(await filled(9)), async () => clustered(await filled(9), 'b')],
  [
    'of another cluster that is further',
    async () => clustered(await filled(9)),
    async () => clustered(await filled(99), 'b'),
  ],
  ['that has not come so far', async () => filled(9), async () => filled(8)],
  [
    'of the same id that has not come so far',
    async () => clustered(await filled(9)),
    async () => clustered(await filled(8)),
  ],
  ['with other changes, as many', async () => filled(9), async () => opened(memory()).then(grownOtherwise)],
  ['with the same keys put in the same order, and other values', async () => filled(9), async () => filled(9, 'y')],
  [
    'of the same id with other changes',
    async () => clustered(await filled(9)),
    async () => clustered(await opened(memory()).then(grownOtherwise)),
  ],
])('MSO1: begun again on a store %s, a mirror writes nothing and says so', async (_, first, second) => {
  const to = await opened(memory());
  const running = mirror(await first(), to);
  await running.caughtUp();
  await running.close();
  await expectRefused(await second(), to);
});

async function grownOtherwise(store: ByteKv): Promise<ByteKv> {
  for (let i = 0; i < 30; i++) await store.put(b(`k${i % 3}`), b(`x${i}`));
  return store;
}

test('MSO1: under another name, the other store is copied', async () => {
  const to = await opened(memory());
  const running = mirror(clustered(await filled(9)), to);
  await running.caughtUp();
  await running.close();
  const other = clustered(await filled(9, 'y'), 'b');
  await expectRefused(other, to);
  await using again = mirror(other, to, { name: 'again' });
  await again.caughtUp();
  expect(await compareStores({ store: other }, { store: to })).toMatchObject({ equal: true, keys: 5 });
});

test('MPL3: the parts of a first copy name the source, so that no other one ends it', async () => {
  const to = await opened(memory());
  let writes = 0;
  const txn = async (...args: Parameters<ByteKv['txn']>): Promise<unknown> => {
    if (++writes > 2) await Promise.reject(Object.assign(new Error('cut off'), { code: 'ECUT' }));
    return to.txn(...args);
  };
  const from = clustered(await filled(9));
  await expect(mirror(from, instead(to, { txn }), { maxOps: 1 }).ended).rejects.toThrow('cut off');
  expect(await noteOf(to)).toMatchObject({ copying: 2, cluster: 'a' });
  await expectRefused(clustered(await filled(99), 'b'), to);
  await using again = mirror(from, to);
  await again.caughtUp();
  expect(await noteOf(to)).toMatchObject({
    cluster: 'a',
    revision: 10,
    newest: { key: 'k3', revision: 10, sum: crc32c(b('x8')) },
  });
});

test('MPL3: a note of an older release, without an id and a change, is gone on with, and has them from then on', async () => {
  const [store, to] = [await filled(9), await opened(memory())];
  const from = clustered(store);
  await to.put(checkpointKey('default'), b('{"format":1,"range":"","revision":10,"part":0}'));
  const running = mirror(from, to);
  const { revision } = await store.put(b('k'), b('1'));
  await running.caughtUp(revision);
  await running.close();
  expect(running.status()).toMatchObject({ copies: 0, events: 1 });
  expect(await noteOf(to)).toMatchObject({
    cluster: 'a',
    revision,
    newest: { key: 'k', revision, sum: crc32c(b('1')) },
  });
  await expectRefused(clustered(store, 'b'), to);
});

test.each([
  '{"format":1,"range":"","revision":3,"part":0,"cluster":5}',
  '{"format":1,"range":"","revision":3,"part":0,"newest":{}}',
  '{"format":1,"range":"","revision":3,"part":0,"newest":{"key":"k","revision":0,"sum":1}}',
  '{"format":1,"range":"","revision":3,"part":0,"newest":{"key":"k","revision":2}}',
  '{"format":1,"range":"","revision":3,"part":0,"newest":{"key":"\u0100","revision":2,"sum":1}}',
])('MPL3: what names no source is KV_DECODE: %s', async (row) => {
  const to = await opened(memory());
  await to.put(checkpointKey('default'), b(row));
  await expect(mirror(await filled(9), to).ended).rejects.toMatchObject({ code: 'KV_DECODE' });
});

test('MIR4: replaced in the middle of a copy, nothing of the other one is written', async () => {
  const [store, other, to] = [await opened(memory()), await opened(memory()), await opened(memory())];
  for (let i = 0; i < 90; i++) {
    await store.put(b(`k${i + 10}`), b('mine'));
    await other.put(b(`k${i + 10}`), b('theirs'));
  }
  let id = 'a';
  // Each page of a list is asked of whoever is there then.
  const list = async function* (...args: Parameters<ByteKv['list']>): AsyncGenerator {
    for await (const entry of store.list(...args)) {
      if (s(entry.key) === 'k50') break;
      yield entry;
    }
    id = 'b';
    yield* other.list({ start: b('k50') });
  };
  const status = (): Promise<Status> => {
    const clusterId = id;
    return store.status().then((found) => ({ ...found, clusterId }));
  };
  const at = (revision: number): unknown => instead(store, { ...store.at(revision), list });
  await expect(mirror(instead(store, { at, status }), to, { maxOps: 1 }).ended).rejects.toMatchObject({
    code: 'KV_REPLACED',
  });
  const kept = await to.list({ prefix: b('k') }).toArray();
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.filter(({ value }) => s(value) !== 'mine')).toEqual([]);
});

test('MLI2: replaced while it begins to watch, nothing of the other one is written', async () => {
  const [store, other, to] = [await filled(9), await filled(9), await opened(memory())];
  const first = mirror(clustered(store), to);
  await first.caughtUp();
  await first.close();
  const { revision } = await to.status();
  let now = clustered(store);
  const from = new Proxy(store, {
    get: (_, name) => {
      if (name === 'watch') now = clustered(other, 'b');
      return Reflect.get(now, name) as unknown;
    },
  });
  await other.put(b('k'), b('theirs'));
  await expect(mirror(from, to).ended).rejects.toMatchObject({ code: 'KV_REPLACED' });
  expect((await to.status()).revision).toBe(revision);
});

test('MIR4: replaced by one of the same id that is further, while a watch goes on, nothing of the other one is written', async () => {
  const [store, other, to] = [await filled(9), await filled(20, 'other'), await opened(memory())];
  let now = clustered(store);
  const seen = deferred<void>();
  const from = new Proxy(store, {
    get: (_, name) => {
      if (name !== 'watch') return Reflect.get(now, name) as unknown;
      return (): unknown => {
        const events = async function* (): AsyncGenerator {
          const put = { type: 'put', key: b('k'), version: 1, createRevision: 11 };
          yield { revision: 11, events: [{ ...put, value: b('mine'), revision: 11, modRevision: 11 }] };
          await seen.promise;
          yield { revision: 12, events: [{ ...put, value: b('theirs'), revision: 12, modRevision: 12 }] };
        };
        return { batches: events, close: () => Promise.resolve() };
      };
    },
  });
  const running = mirror(from, to);
  await running.caughtUp(10);
  await store.put(b('k'), b('mine'));
  await running.caughtUp(11);
  now = clustered(other);
  seen.resolve();
  await expect(running.ended).rejects.toMatchObject({ code: 'KV_REPLACED' });
  expect(s((await to.get(b('k')))!.value)).toBe('mine');
});

test('MRR4: who waits for the present of another store, or puts a fence into it, is not told that all is there', async () => {
  const [store, to] = [await filled(9), await opened(memory())];
  let now = clustered(store);
  const from = new Proxy(store, { get: (_, name) => Reflect.get(now, name) as unknown });
  await using running = mirror(from, to);
  await running.caughtUp();
  for (const id of ['b', 'a']) {
    now = clustered(await filled(3), id);
    await expect(running.caughtUp()).rejects.toMatchObject({ code: 'KV_REPLACED' });
  }
  await expect(running.fence()).rejects.toMatchObject({ code: 'KV_REPLACED' });
});

test('MSO2: a past that is compacted is not asked for: the same store is compared as a whole', async () => {
  const [store, to] = [await filled(9), await opened(memory())];
  const first = mirror(clustered(store), to);
  await first.caughtUp();
  await first.close();
  const { revision } = await store.put(b('k0'), b('later'));
  await store.compact(revision);
  await expectRefused(clustered(store, 'b'), to);
  await using again = mirror(clustered(store), to);
  await again.caughtUp();
  expect(again.status()).toMatchObject({ copies: 1, copied: 1 });
});

const change = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'x'.repeat(300)), isPut: fc.boolean() });
const revisions = fc.array(fc.uniqueArray(change, { maxLength: 4, selector: ({ key }) => key }), { maxLength: 12 });

test('MSO1: what is noted is what the source has there, whatever has happened to it', () => {
  fc.assert(
    fc.property(revisions, fc.integer({ min: 1, max: 4 }), (all, step) => {
      const present = new Map<string, number>();
      let newest: Newest | undefined;
      const batches = all.map((changes, i): Batch => {
        const of = changes.map(({ key, isPut }) => ({
          name: byteKey(b(key)),
          bytes: key.length,
          op: isPut ? { type: 'put' as const, key: b(key), value: b('') } : { type: 'delete' as const, key: b(key) },
        }));
        return { revision: i + 2, isFence: false, bytes: 0, changes: of };
      });
      for (let from = 0; from < batches.length; from += step) {
        const group = batches.slice(from, from + step);
        newest = newestOf(group, newest);
        for (const { revision, changes } of group)
          for (const { op, name } of changes) {
            if (op.type === 'put') present.set(name, revision);
            else present.delete(name);
          }
        if (newest !== undefined) expect(present.get(byteKey(newest.key))).toBe(newest.revision);
        const last = group.at(-1)!;
        const put = last.changes.some(({ op }) => op.type === 'put' && op.key.length < 300);
        if (put) expect(newest?.revision).toBe(last.revision);
      }
    }),
    { numRuns: 300 },
  );
});

test('MRR4: begun again after every change, in parts of revisions too, the source is the one that it was', async () => {
  const [from, to] = [await opened(memory()), await opened(memory())];
  for (let i = 0; i < 40; i++) {
    const key = b(`k${i % 4}`);
    if (i % 3 === 2) await from.delete(i % 2 === 0 ? { prefix: b('k') } : key);
    else
      await from.txn({
        then: ['', '/1', '/2'].map((end) => ({ type: 'put' as const, key: b(`k${i % 4}${end}`), value: b(`${i}`) })),
      });
    const running = mirror(clustered(from), to, { maxOps: 2 });
    if (i % 5 !== 0) await running.caughtUp();
    await running.close();
    await running.ended;
  }
  await using last = mirror(clustered(from), to, { maxOps: 2 });
  await last.caughtUp();
  expect(last.status().copies).toBe(0);
  expect(await compareStores({ store: from }, { store: to })).toMatchObject({ equal: true });
  expect(Object.keys(await storyOf(to))).toContain('k1/2');
});
