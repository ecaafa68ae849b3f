/** A real etcd runs on what varve wrote and gives the same answers; varve takes back what etcd wrote (decisions/0015 and decisions/0016, law 6). */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buckets, openBackend } from '@varve/backend';
import { importSnapshot } from '@varve/backend/import';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { file, open } from '@varve/kv';
import { type KeyValue, openStore, type Store } from '@varve/mvcc';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomOf } from '../../run/random.mjs';
import { grow } from './random-history.ts';
import { absence, etcdctl, RealEtcd } from './real-etcd.ts';

const seed = Number(process.env['VARVE_SEED'] ?? 20_260_101);
const steps = process.env['VARVE_LARGE'] === '1' ? 5000 : 600;
const absent = absence();
const firstKey = Uint8Array.of(0);
const toTheLast = new Uint8Array(0);

const folder = mkdtempSync(join(tmpdir(), 'varve-real-etcd-'));
const database = join(folder, 'varve.db');
/** A copy of it: etcd's tools wait for a file that we have open. */
const copy = join(folder, 'copy.db');
const backup = join(folder, 'backup.db');
let etcd: RealEtcd;
let store: Store;
let closeStore: () => Promise<void>;

beforeAll(async () => {
  if (absent !== undefined) return;
  const backend = await openBackend(await fileEngine(database));
  const grown = await openStore(backend);
  await grow(grown, steps, seed);
  await grown.close();
  await backend.close();
  {
    await using kv = await open(file(database));
    await kv.backup(backup);
  }
  copyFileSync(database, copy);
  etcd = await RealEtcd.restored(backup, join(folder, 'restored'));
  const again = await openBackend(await fileEngine(database));
  store = await openStore(again);
  closeStore = async () => {
    await store.close();
    await again.close();
  };
}, 120_000);

afterAll(async () => {
  await closeStore?.();
  await etcd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(({ skip }) => skip(absent !== undefined, absent));

describe(`a history of ${steps} transactions, seed ${seed}`, () => {
  test("decisions/0015: `etcdctl snapshot status`, which runs bbolt's own check, accepts the file and its backup, and hashes each as we do", async () => {
    for (const path of [backup, copy]) {
      const status = JSON.parse(await etcdctl('snapshot', 'status', path, '-w', 'json')) as Record<string, number>;
      expect(status['revision']).toBe(store.rev());
      expect(status['totalKey']).toBeGreaterThan(100);
      // The file was closed, so it has what its leases had left, in a bucket of ours (decisions/0032); the backup has not.
      const own = await openBackend(await fileEngine(path, { readOnly: true }));
      expect(own.buckets().includes('varve_lease_close')).toBe(path === copy);
      expect(status['hash']).toBe(await own.hash());
      await own.close();
    }
  });

  test('law 2: etcd answers every sampled revision as varve does', async () => {
    const random = randomOf(seed + 1);
    const [first, last] = [store.firstRev(), store.rev()];
    const sampled = Array.from({ length: 40 }, () => first + Math.floor(random() * (last - first)));
    for (const revision of [first, last, ...sampled]) {
      const answer = await etcd.call('kv/range', { key: 'AA==', range_end: 'AA==', revision: String(revision) });
      const { kvs } = await store.range(firstKey, toTheLast, { revision });
      expect(answer['kvs'] ?? []).toEqual(kvs.map(json));
      expect((answer['header'] as { revision: string }).revision).toBe(String(last));
    }
    const early = await etcd.call('kv/range', { key: 'AA==', revision: String(first - 1) });
    expect(early['error']).toMatch(/compacted/);
    expect(() => store.get(firstKey, { revision: first - 1 })).toThrow(
      expect.objectContaining({ code: 'MVCC_COMPACTED' }),
    );
  });

  test('law 6: HashKV is equal at the oldest, the newest and a middle revision', async () => {
    const [first, last] = [store.firstRev(), store.rev()];
    // etcd 3.4 refuses the compacted revision itself.
    for (const revision of [first + 1, Math.floor((first + last) / 2), last - 1, last]) {
      const { hash, compactRevision } = await store.hashByRev(revision);
      expect([revision, await etcd.hashKV(revision)]).toEqual([revision, { hash, compactRevision }]);
    }
  });

  test('leases are all there, with their keys', async () => {
    const { leases = [] } = (await etcd.call('lease/leases', {})) as { leases?: { ID: string }[] };
    const attached = new Map<string, string[]>();
    for (const { key, lease } of store.leaseAttachments) {
      attached.set(String(lease), [...(attached.get(String(lease)) ?? []), base64(key)]);
    }
    expect(leases.length).toBeGreaterThan(0);
    expect([...attached.keys()].every((id) => leases.some(({ ID }) => ID === id))).toBe(true);
    for (const { ID } of leases) {
      const { keys = [], grantedTTL } = await etcd.call('lease/timetolive', { ID, keys: true });
      expect(Number(grantedTTL)).toBeGreaterThanOrEqual(100_000);
      expect((keys as string[]).toSorted()).toEqual((attached.get(ID) ?? []).toSorted());
    }
  });

  test('and back: etcd writes, compacts and saves; varve reads its snapshot on another engine', async () => {
    await etcd.call('kv/put', { key: base64(Buffer.from('etcd/1')), value: base64(Buffer.from('one')) });
    await etcd.call('kv/deleterange', { key: base64(Buffer.from('a/')), range_end: base64(Buffer.from('a0')) });
    await etcd.call('kv/compaction', { revision: String(store.rev() - 5), physical: true });
    await etcd.call('kv/put', { key: base64(Buffer.from('etcd/2')), value: base64(Buffer.alloc(70_000, 2)) });
    const saved = join(folder, 'saved.db');
    await etcd.ctl('snapshot', 'save', saved);
    const answer = await etcd.call('kv/range', { key: 'AA==', range_end: 'AA==' });
    const backend = await openBackend(await levelEngine(join(folder, 'level')));
    await importSnapshot(saved, backend);
    const taken = await openStore(backend);
    try {
      const last = store.rev() + 3;
      expect([taken.rev(), taken.firstRev()]).toEqual([last, store.rev() - 5]);
      expect((await taken.range(firstKey, toTheLast)).kvs.map(json)).toEqual(answer['kvs']);
      for (const revision of [last, last - 1]) {
        const { hash, compactRevision } = await taken.hashByRev(revision);
        expect(await etcd.hashKV(revision)).toEqual({ hash, compactRevision });
      }
      expect(backend.readTx((tx) => tx.get(buckets.meta, Buffer.from('consistent_index')))).toBeDefined();
    } finally {
      await taken.close();
      await backend.close();
    }
  });
});

/** As the gateway writes it: numbers as text, what is zero or empty left out. */
function json({ key, value, createRevision, modRevision, version, lease }: KeyValue): unknown {
  return {
    key: base64(key),
    create_revision: String(createRevision),
    mod_revision: String(modRevision),
    version: String(version),
    ...(value.length > 0 ? { value: base64(value) } : {}),
    ...(lease === 0n ? {} : { lease: String(lease) }),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
