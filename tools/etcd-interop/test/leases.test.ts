/** Leases of a real etcd in varve, and of varve in a real etcd: rows, keys, times, and that they run out (decisions/0015, law 6). */
import { createHash } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buckets, openBackend, type Backend } from '@varve/backend';
import { importSnapshot } from '@varve/backend/import';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import { StandingClock } from '@varve/base/node/standing-clock';
import { type Lessor, type LessorOptions, prepareLessor } from '@varve/lease';
import { openStore, type Store } from '@varve/mvcc';
import { describe, expect, onTestFinished, test } from 'vitest';
import { absence, RealEtcd } from './real-etcd.ts';
import { listing, temporaryFolder, unpacked } from './vectors.ts';

const absent = absence();
const deadlineMs = 60_000;

interface Opened {
  readonly backend: Backend;
  readonly store: Store;
  readonly lessor: Lessor;
}

async function opened(backend: Backend, options: LessorOptions = {}): Promise<Opened> {
  const prepared = prepareLessor(options);
  const store = await openStore(backend, { observers: [prepared.observe] });
  const lessor = await prepared.open();
  onTestFinished(async () => {
    await lessor.close();
    await store.close();
    await backend.close();
  });
  return { backend, store, lessor };
}

async function rows(backend: Backend): Promise<string[]> {
  const found: string[] = [];
  const tx = backend.concurrentReadTx();
  try {
    for await (const entries of tx.scan(buckets.lease)) {
      for (const { key, value } of entries) found.push(`${hex(key)} ${hex(value)}`);
    }
  } finally {
    tx[Symbol.dispose]();
  }
  return found;
}

/** A file that `etcdctl snapshot restore` takes. */
async function saved(store: Store): Promise<string> {
  const path = join(temporaryFolder(), 'saved.db');
  await using snapshot = await store.snapshot();
  await writeFile(path, snapshot);
  // As `etcdctl snapshot save` ends a file.
  await appendFile(
    path,
    createHash('sha256')
      .update(await readFile(path))
      .digest(),
  );
  return path;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const hex = (array: Uint8Array): string => Buffer.from(array).toString('hex');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe.each([
  'etcd-history.snapshot',
  'etcd-history-before-compaction.snapshot',
  'etcd-history.raw',
  'etcd-killed.raw',
])('%s', (name) => {
  test('every lease is there with its keys, and a lease like it has the same row', async () => {
    const listed = listing(name).etcd;
    const live = new Map<string, string>();
    for (const [, , tombstone, key, , , , lease] of listed.rows) {
      if (tombstone) live.delete(key);
      else live.set(key, lease);
    }
    const { backend, lessor } = await opened(await openBackend(await fileEngine(unpacked(name))));
    expect(lessor.size).toBe(listed.summary.leases.length);
    const { backend: fresh, store, lessor: other } = await opened(await openBackend(memoryEngine()));
    for (const [key, id, ttl, remaining] of listed.summary.leases) {
      const lease = lessor.lookup(BigInt(id))!;
      expect([lease.ttl, BigInt(`0x${key}`)]).toEqual([ttl, BigInt.asUintN(64, BigInt(id))]);
      expect(lease.remaining).toBeLessThanOrEqual(remaining || ttl);
      expect(lease.remaining).toBeGreaterThan((remaining || ttl) - 60);
      const keys = [...live].filter(([, of]) => of === id).map(([one]) => one);
      expect(lessor.keys(BigInt(id)).map(hex)).toEqual(keys.toSorted());
      other.grant(ttl, BigInt(id));
      if (remaining > 0) other.checkpoint([{ id: BigInt(id), remaining }]);
    }
    await store.settled();
    expect(await rows(fresh)).toEqual(await rows(backend));
    lessor.checkInvariants();
  });
});

describe('with a real etcd', () => {
  test('L1, L7, L74: what varve grants runs in etcd, and what etcd grants runs in varve', async ({ skip }) => {
    skip(absent !== undefined, absent);
    const { backend, store, lessor } = await opened(await openBackend(memoryEngine()), { primary: false });
    for (const [id, ttl] of [
      [7n, 100_000],
      [-5n, 2],
      [9n, 600],
    ] as const) {
      lessor.grant(ttl, id);
    }
    for (const [key, id] of [
      ['b', 7n],
      ['a', 7n],
      ['short', -5n],
      ['checkpointed', 9n],
    ] as const) {
      lessor.put(bytes(key), bytes('v'), id);
    }
    lessor.checkpoint([{ id: 9n, remaining: 60 }]);
    await store.settled();
    const etcd = await RealEtcd.restored(await saved(store), join(temporaryFolder(), 'restored'));
    onTestFinished(() => etcd.stop());
    /** etcd lists keys in no order. */
    const told = async (id: bigint): Promise<Record<string, unknown>> => {
      const answer = await etcd.call('lease/timetolive', { ID: String(id), keys: true });
      return { ...answer, keys: ((answer['keys'] ?? []) as string[]).toSorted() };
    };
    expect(await told(7n)).toMatchObject({ grantedTTL: '100000', keys: ['a', 'b'].map(base64).toSorted() });
    expect(await told(9n)).toMatchObject({ grantedTTL: '600', keys: [base64('checkpointed')] });
    await until('etcd lets the short lease run out', async () => (await told(-5n))['TTL'] === '-1');
    await until(
      'its key is gone',
      async () => (await etcd.call('kv/range', { key: base64('short') }))['kvs'] === undefined,
    );
    // And back.
    await etcd.call('lease/grant', { ID: '21', TTL: '300' });
    await etcd.call('lease/grant', { ID: '-9223372036854775808', TTL: '5000' });
    await etcd.call('kv/put', { key: base64('x'), value: base64('v'), lease: '21' });
    await etcd.call('kv/put', { key: base64('y'), value: base64('v'), lease: '-9223372036854775808' });
    const path = join(temporaryFolder(), 'of-etcd.db');
    await etcd.ctl('snapshot', 'save', path);
    await etcd.stop();
    const level = await openBackend(await levelEngine(join(temporaryFolder(), 'level')));
    await importSnapshot(path, level);
    const clock = new StandingClock();
    const taken = await opened(level, { world: clock.world });
    const revision = taken.store.rev();
    expect(taken.lessor.list().map(({ id, ttl }) => [id, ttl])).toEqual([
      [9n, 600],
      [21n, 300],
      [-(2n ** 63n), 5000],
      [7n, 100_000],
    ]);
    expect(taken.lessor.lookup(9n)!.remaining).toBeLessThanOrEqual(60);
    // The rows that etcd wrote are what varve writes.
    lessor.grant(300, 21n);
    lessor.grant(5000, -(2n ** 63n));
    lessor.revoke(-5n);
    await store.settled();
    expect(await rows(level)).toEqual(await rows(backend));
    // The one that was checkpointed runs out on the way, with its key.
    clock.advance(299_999);
    await until('the lease with a checkpoint runs out', () => taken.store.get(bytes('checkpointed')) === undefined);
    expect(taken.store.get(bytes('x'))).toBeDefined();
    // A second later at the most (LES2).
    clock.advance(1001);
    await until('the lease of etcd runs out', () => taken.store.get(bytes('x')) === undefined);
    await until('and its row goes', () => taken.lessor.size === 2);
    expect(taken.store.rev()).toBe(revision + 2);
    expect(taken.lessor.keys(-(2n ** 63n)).map((key) => Buffer.from(key).toString())).toEqual(['y']);
  }, 120_000);
});
