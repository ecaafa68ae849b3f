/** What a real etcd answered to grants, revocations, renewals and look-ups, in the middle of the puts and deletions of the same history. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { buckets, openBackend, type Backend, type Engine } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import { LeaseError, prepareLessor, type Lessor } from '@varve/lease';
import { openWatchableStore, type WatchableStore } from '@varve/watch';
import { expect, onTestFinished, test } from 'vitest';
import { differences } from '../lib/compare.mjs';
import { knownCorner } from '../lib/corners.mjs';
import { Operations } from '../lib/operations.mjs';
import { readTrace } from '../lib/replay.mjs';

interface LeaseEntry {
  readonly i: number;
  readonly op: string;
  readonly req: { readonly ID?: number | string; readonly TTL?: number | string; readonly keys?: boolean };
  readonly res?: { readonly rev: number };
  readonly err?: { readonly msg: string };
}

const vectors = fileURLToPath(new URL('../../vectors/traces/', import.meta.url));

const messages = new Map([
  ['LEASE_NOT_FOUND', 'etcdserver: requested lease not found'],
  ['LEASE_EXISTS', 'etcdserver: lease already exists'],
  ['LEASE_TTL_TOO_LARGE', 'etcdserver: too large lease TTL'],
]);

function leaseEntries(): readonly LeaseEntry[] {
  const lines = gunzipSync(readFileSync(join(vectors, 'lease/lease-14.jsonl.gz')))
    .toString()
    .trim()
    .split('\n');
  return lines.slice(1).map((line) => JSON.parse(line) as LeaseEntry);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const number = (id: bigint): number | string => (Number.isSafeInteger(Number(id)) ? Number(id) : String(id));

/** The answer in the form of the recording. */
async function answer(lessor: Lessor, store: WatchableStore, { op, req }: LeaseEntry): Promise<unknown> {
  const id = BigInt(req.ID ?? 0);
  const rev = store.rev();
  switch (op) {
    case 'leaseGrant': {
      const granted = lessor.grant(Number(req.TTL ?? 0), id);
      await store.settled();
      return { rev, ID: number(granted.id), TTL: granted.ttl };
    }
    case 'leaseRevoke':
      lessor.revoke(id);
      await store.settled();
      return { rev: store.rev() };
    case 'leaseKeepAlive': {
      const ttl = await lessor.renew(id).catch(() => 0);
      return { rev, ...(id === 0n ? {} : { ID: number(id) }), ...(ttl === 0 ? {} : { TTL: ttl }) };
    }
    case 'leaseTtl': {
      const lease = lessor.lookup(id);
      const head = { rev, ...(id === 0n ? {} : { ID: number(id) }) };
      if (lease === undefined) return { ...head, TTL: -1 };
      const keys = lessor.keys(id).map(text);
      return { ...head, grantedTTL: lease.ttl, ...(req.keys === true && keys.length > 0 ? { keys } : {}) };
    }
    case 'leaseList': {
      const ids = lessor
        .list()
        .map((lease) => lease.id)
        .toSorted((a, b) => (a < b ? -1 : 1));
      return { rev, ...(ids.length > 0 ? { leases: ids.map((one) => ({ ID: number(one) })) } : {}) };
    }
    default:
      throw new Error(`unknown operation ${op}`);
  }
}

async function answered(lessor: Lessor, store: WatchableStore, entry: LeaseEntry): Promise<unknown> {
  try {
    return { res: await answer(lessor, store, entry) };
  } catch (error) {
    if (error instanceof LeaseError && messages.has(error.code)) return { err: messages.get(error.code) };
    throw error;
  }
}

async function rows(backend: Backend): Promise<string[]> {
  const found: string[] = [];
  using tx = backend.concurrentReadTx();
  for await (const entries of tx.scan(buckets.lease)) {
    for (const { key, value } of entries)
      found.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
  }
  return found;
}

const engines: Readonly<Record<string, (folder: string) => Promise<Engine> | Engine>> = {
  memory: () => memoryEngine(),
  level: (folder) => levelEngine(join(folder, 'level')),
  file: (folder) => fileEngine(join(folder, 'db')),
};
const ends: string[] = [];

test.each(Object.keys(engines))('laws 2 and 6: a history with leases on %s is answered as etcd did', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-leases-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { header, entries } = readTrace(join(vectors, 'storage/lease-14.jsonl.gz'));
  const leases = new Map(leaseEntries().map((entry) => [entry.i, entry]));
  const storage = new Map(entries.map((entry) => [entry['i'] as number, entry]));
  const backend = await openBackend(await engines[name]!(folder));
  const prepared = prepareLessor({ minTtl: 2 });
  const store = await openWatchableStore(backend, {
    maxDeletes: Number.MAX_SAFE_INTEGER,
    observers: [prepared.observe],
  });
  const lessor = await prepared.open();
  const operations = new Operations(store);
  const compacted = new Set<number>();
  let compared = 0;
  for (const i of [...new Set([...leases.keys(), ...storage.keys()])].toSorted((a, b) => a - b)) {
    const asked = leases.get(i);
    const stored = storage.get(i);
    if (asked !== undefined) {
      const before = store.rev();
      const wanted = asked.err === undefined ? { res: asked.res } : { err: asked.err.msg };
      expect({ i, ...((await answered(lessor, store, asked)) as object) }).toEqual({ i, ...wanted });
      if (stored !== undefined)
        expect(await deletedSince(store, before)).toEqual(stored['ops'].map((op: { key: string }) => op.key));
      compared++;
      continue;
    }
    const got = await operations.run(stored!);
    const found = differences(stored!, got);
    if (stored!['op'] === 'compact' && got['err'] === undefined) compacted.add(stored!['rev'] as number);
    const corner = found.length === 0 ? undefined : await knownCorner(header, stored!, got, store, backend, compacted);
    expect([i, corner === undefined ? found : []]).toEqual([i, []]);
  }
  expect([compared, leases.size]).toEqual([leases.size, 974]);
  lessor.checkInvariants();
  const { hash } = await store.hashByRev(0);
  ends.push(JSON.stringify([hash, store.rev(), await rows(backend)]));
  expect(new Set(ends).size).toBe(1);
  const left = shown(lessor);
  await lessor.close();
  await store.close();
  const again = prepareLessor({ minTtl: 2 });
  const second = await openWatchableStore(backend, { observers: [again.observe] });
  const reopened = await again.open();
  expect(shown(reopened)).toEqual(left);
  await reopened.close();
  await second.close();
  await backend.close();
});

function shown(lessor: Lessor): string[] {
  return lessor
    .list()
    .map(({ id, ttl }) => `${id} ${ttl} ${lessor.keys(id).map(text).join()}`)
    .toSorted();
}

async function deletedSince(store: WatchableStore, revision: number): Promise<string[]> {
  const deleted: string[] = [];
  for await (const changes of store.changes(revision + 1, store.rev() + 1)) {
    for (const { type, kv } of changes) {
      expect(type).toBe('delete');
      deleted.push(text(kv.key));
    }
  }
  return deleted;
}
