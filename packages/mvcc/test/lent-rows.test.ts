/** What goes through all records and keeps nothing: over an engine that overwrites the rows that it has lent, it finds what it finds over any. */
import { openBackend, type Backend } from '@varve/backend';
import { deferred } from '@varve/backend/conformance';
import { memoryEngine } from '@varve/backend/memory';
import { expect, test } from 'vitest';
import { openStore, type Store } from '../src/index.ts';
import { bytes, list, rows, show } from './support.ts';

interface Opened {
  readonly backend: Backend;
  readonly store: Store;
}

async function opened(isOverwriting: boolean, compactionBatchLimit: number): Promise<Opened> {
  const engine = memoryEngine();
  const backend = await openBackend(isOverwriting ? deferred(engine) : engine, { batchLimit: 50 });
  return { backend, store: await openStore(backend, { compactionBatchLimit, compactionPauseMs: 0 }) };
}

/** Some hundred keys, put, put again and deleted; the newest changes not committed yet. */
async function write({ backend, store }: Opened): Promise<void> {
  for (let n = 0; n < 900; n++) {
    const key = bytes(`key/${n % 300}`);
    if (n % 7 === 3) store.deleteRange(key);
    else store.put(key, bytes(`value ${n}`), BigInt(n % 4));
    if (!backend.admitting) await backend.admit();
  }
  await backend.forceCommit();
}

test.each([7, 256, 1000])(
  'M60 CP1: a compaction in batches of %i removes what it removes over any engine',
  async (batch) => {
    const found: unknown[] = [];
    for (const isOverwriting of [false, true]) {
      const pair = await opened(isOverwriting, batch);
      await write(pair);
      const { store, backend } = pair;
      const before = await store.hashByRev(store.rev());
      await (await store.compact(store.rev() - 100)).finished();
      const after = await store.hashByRev(store.rev());
      found.push([before, after, await list(store), await rows(backend), await backend.hash()]);
      await store.close();
      await backend.close();
    }
    expect(found[1]).toEqual(found[0]);
  },
);

test('W21 CH5: changes that are kept stay as they were read, small and large', async () => {
  const found: unknown[][] = [];
  for (const isOverwriting of [false, true]) {
    const pair = await opened(isOverwriting, 1000);
    await write(pair);
    for (const length of [100, 20_000, 300_000, 20_000])
      pair.store.put(bytes(`large ${length}`), new Uint8Array(length).fill(length));
    await pair.store.commit();
    // What was written lately lies in memory: another opening reads all of it.
    await pair.store.close();
    const store = await openStore(pair.backend);
    const kept = [];
    for await (const chunk of store.changes(1, store.rev() + 1, { chunkSize: 10 })) kept.push(...chunk);
    found.push(kept.map(({ type, kv }) => [type, show(kv), Buffer.from(kv.value).toString('base64')]));
    await store.close();
    await pair.backend.close();
  }
  expect(found[1]).toEqual(found[0]);
  expect(found[0]!.length).toBeGreaterThan(800);
});

test('M66 RE1: opening finds keys, revisions and leases as over any engine', async () => {
  const found: unknown[] = [];
  for (const isOverwriting of [false, true]) {
    const pair = await opened(isOverwriting, 1000);
    await write(pair);
    await pair.store.close();
    const store = await openStore(pair.backend, { restoreChunkLimit: 100 });
    const leases = [...store.takeLeaseAttachments()].map(({ key, lease }) => [Buffer.from(key).toString(), lease]);
    const kvs = (await store.range(bytes('key/'), bytes('key0'))).kvs;
    found.push([kvs.map(show), leases, store.rev(), store.opened.records]);
    await store.close();
    await pair.backend.close();
  }
  expect(found[1]).toEqual(found[0]);
});
