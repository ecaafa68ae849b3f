/** Files of a real etcd open in varve with all their history (decisions/0015, laws 2 and 6). */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Backend, buckets, openBackend } from '@varve/backend';
import { importSnapshot } from '@varve/backend/import';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import { type KeyValue, openStore, type Store } from '@varve/mvcc';
import { file, open } from '@varve/kv';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Listing, listing, type Row, state, temporaryFolder, unpacked } from './vectors.ts';

/** From the first key to the last: an empty end is none. */
const firstKey = Uint8Array.of(0);
const toTheLast = new Uint8Array(0);

interface Opened {
  readonly backend: Backend;
  readonly store: Store;
}

async function openedStore(backend: Backend): Promise<Opened> {
  const store = await openStore(backend);
  onTestFinished(async () => {
    await store.close();
    await backend.close();
  });
  return { backend, store };
}

async function openedFile(name: string): Promise<Opened> {
  return openedStore(await openBackend(await fileEngine(unpacked(name))));
}

/** Revisions that can be read: from the compacted one, or the first, to the newest. */
function revisionsOf({ etcd }: Listing): { first: number; last: number; compacted: number } {
  const compacted = Number(etcd.summary.meta['finishedCompactRev']?.split('_')[0] ?? 0);
  return { first: Math.max(1, compacted), last: etcd.rows.at(-1)?.[0] ?? 1, compacted };
}

/** The live keys after a revision, from the records alone. */
function replayed(rows: readonly Row[], revision: number): Map<string, Row> {
  const live = new Map<string, Row>();
  for (const row of rows) {
    if (row[0] > revision) break;
    if (row[2]) live.delete(row[3]);
    else live.set(row[3], row);
  }
  return live;
}

function shown(kv: KeyValue, tombstone: boolean): unknown[] {
  const { key, value, createRevision, modRevision, version, lease } = kv;
  return [tombstone, hex(key), createRevision, modRevision, version, String(lease), digest(value)];
}

function wanted([, , tombstone, key, createRevision, modRevision, version, lease, value]: Row): unknown[] {
  const content = typeof value === 'string' ? digest(Buffer.from(value, 'hex')) : `${value.len} ${value.sha256}`;
  return [tombstone, key, createRevision, modRevision, version, lease, content];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const digest = (bytes: Uint8Array): string => `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;

const files = [
  'etcd-empty.raw',
  'etcd-empty.snapshot',
  'etcd-history-before-compaction.snapshot',
  'etcd-history.raw',
  'etcd-history.snapshot',
  'etcd-defrag.raw',
  'etcd-defrag.snapshot',
  'etcd-killed.raw',
  'etcd-auth.snapshot',
  'etcd-alarm.snapshot',
];

describe.each(files)('%s', (name) => {
  const listed = listing(name);
  const { first, last, compacted } = revisionsOf(listed);
  const { rows, summary } = listed.etcd;

  test('opens as a store: revision, compacted revision, applied index, every bucket', async () => {
    const { backend, store } = await openedFile(name);
    expect([store.rev(), store.firstRev()]).toEqual([last, compacted]);
    expect(String(store.appliedIndex().index)).toBe(summary.meta['consistent_index'] ?? '0');
    expect(backend.warnings).toEqual([]);
  });

  test('law 2: every revision that can be read has the keys that the records say', async () => {
    const { store } = await openedFile(name);
    for (let revision = first; revision <= last; revision += 1) {
      const live = replayed(rows, revision);
      const { kvs, count } = await store.range(firstKey, toTheLast, { revision });
      expect(kvs.map((kv) => shown(kv, false))).toEqual([...live.values()].map(wanted).toSorted(byKey));
      expect(count).toBe(live.size);
    }
    if (compacted > 1) {
      const early = store.range(firstKey, toTheLast, { revision: compacted - 1 });
      await expect(early).rejects.toMatchObject({ code: 'MVCC_COMPACTED' });
    }
  });

  test('every change since the compaction comes in order, each once', async () => {
    const { store } = await openedFile(name);
    const found: unknown[] = [];
    for await (const chunk of store.changes(compacted + 1, last + 1)) {
      found.push(...chunk.map(({ type, kv }) => shown(kv, type === 'delete')));
    }
    expect(found).toEqual(
      rows
        .filter(([main]) => main > compacted)
        .map((row) => (row[2] ? [true, row[3], 0, row[0], 0, '0', digest(new Uint8Array(0))] : wanted(row))),
    );
  });

  test('leases: the rows of the lease bucket, and each live key with its lease', async () => {
    const { backend, store } = await openedFile(name);
    const ids: string[] = [];
    {
      using tx = backend.concurrentReadTx();
      for await (const chunk of tx.scan(buckets.lease)) ids.push(...chunk.map(({ key }) => hex(key)));
    }
    expect(ids).toEqual(summary.leases.map(([key]) => key));
    const attached = [...replayed(rows, last).values()].filter(([, , , , , , , lease]) => lease !== '0');
    expect(store.leaseAttachments.map(({ key, lease }) => [hex(key), String(lease)]).toSorted()).toEqual(
      attached.map(([, , , key, , , , lease]) => [key, lease]).toSorted(),
    );
  });

  test('law 6: the hash over all buckets is the one `etcdctl snapshot status` shows', async () => {
    const backend = await openBackend(await fileEngine(unpacked(name)));
    expect(await backend.hash()).toBe(listed.crc32cOfBucketsAndPairs);
    await backend.close();
  });
});

function byKey(a: unknown[], b: unknown[]): number {
  return String(a[1]) < String(b[1]) ? -1 : 1;
}

describe.each([
  ['etcd-history-before-compaction', 'etcd-history-before-compaction.snapshot'],
  ['etcd-history', 'etcd-history.raw'],
  ['etcd-history', 'etcd-history.snapshot'],
  ['etcd-defrag', 'etcd-defrag.raw'],
])('what the server of %s said, against %s', (server, name) => {
  const said = state(server);
  const [{ HashKV: hashKV }] = said.hashKV;

  test("law 6: HashKV, its revision and its compacted revision are etcd's", async () => {
    const { store } = await openedFile(name);
    const { hash, revision, compactRevision } = await store.hashByRev(0);
    expect({ hash, revision, compactRevision }).toEqual({
      hash: hashKV.hash,
      revision: hashKV.header.revision,
      compactRevision: Math.max(hashKV.compact_revision, 0), // etcd: -1 for none
    });
  });

  test("the whole range is etcd's, leases included", async () => {
    const { store } = await openedFile(name);
    const { kvs } = await store.range(firstKey, toTheLast);
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    expect(
      kvs.map((kv) => ({
        key: base64(kv.key),
        create_revision: kv.createRevision,
        mod_revision: kv.modRevision,
        version: kv.version,
        value: base64(kv.value),
        lease: String(kv.lease),
      })),
    ).toEqual(said.range.kvs.map((kv) => ({ value: '', ...kv, lease: kv.lease ?? '0' })));
    const held = new Set(kvs.map(({ lease }) => lease).filter((lease) => lease !== 0n));
    const known = new Set(said.leases.leases.map(({ id }) => BigInt(id)));
    expect([...held].every((lease) => known.has(lease))).toBe(true);
  });
});

describe('a store of etcd goes on in varve', () => {
  test("through the facade: it is read, written, compacted, and its copy is etcd's again", async () => {
    const path = unpacked('etcd-history.raw');
    const [{ HashKV: hashKV }] = state('etcd-history').hashKV;
    {
      await using kv = await open(file(path));
      expect((await kv.hashByRev()).hash).toBe(hashKV.hash);
      const { revision } = await kv.put('varve/first', 'written here');
      expect(revision).toBe(280);
      expect((await kv.at(200).get('varve/first'))?.value).toBeUndefined();
      await kv.compact(280, { physical: true });
      await kv.defrag();
    }
    await using kv = await open(file(path));
    expect((await kv.get('varve/first'))?.value).toBe('written here');
    await expect(kv.at(279).get('varve/first')).rejects.toMatchObject({ code: 'MVCC_COMPACTED' });
  });
});

test('decisions/0016, law 6: LevelDB to file to memory to LevelDB: equal hashes of everything, at every revision', async () => {
  const start = await levelEngine(join(temporaryFolder(), 'start'));
  const first = await openBackend(start);
  await importSnapshot(unpacked('etcd-history-before-compaction.snapshot'), first);
  let from = await openedStore(first);
  for (let i = 0; i < 300; i += 1) {
    from.store.write((txn) => {
      txn.put(Buffer.from(`round/${i % 40}`), Buffer.alloc(i * 7, i), BigInt(i % 3));
      if (i % 9 === 0) txn.deleteRange(Buffer.from(`round/${(i * 7) % 40}`));
    });
  }
  await from.store.settled();
  const compaction = await from.store.compact(260);
  await compaction.finished();
  // Not 260 itself: a store that has compacted at a revision remembers the hash from before.
  const revisions = [261, 300, 400, 500, from.store.rev()];
  const hashes = await hashesOf(from, revisions);
  const folder = temporaryFolder();
  const targets = [
    () => fileEngine(join(folder, 'file.db')),
    () => Promise.resolve(memoryEngine()),
    () => levelEngine(join(folder, 'level')),
  ];
  for (const [step, target] of targets.entries()) {
    const copy = join(folder, `copy-${step}.db`);
    await saveSnapshot(from, copy);
    const backend = await openBackend(await target());
    await importSnapshot(copy, backend);
    from = await openedStore(backend);
    expect(await hashesOf(from, revisions)).toEqual(hashes);
  }
});

async function hashesOf({ backend, store }: Opened, revisions: readonly number[]): Promise<unknown> {
  await backend.forceCommit();
  const byRevision = [];
  for (const revision of revisions) byRevision.push((await store.hashByRev(revision)).hash);
  return [await backend.hash(), store.rev(), store.firstRev(), byRevision];
}

/** The store's snapshot and the SHA-256 of it: what etcd's tools take. */
async function saveSnapshot({ store }: Opened, path: string): Promise<void> {
  await using snapshot = await store.snapshot();
  const hash = createHash('sha256');
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot) {
    hash.update(chunk);
    chunks.push(chunk);
  }
  await writeFile(path, [...chunks, hash.digest()]);
}
