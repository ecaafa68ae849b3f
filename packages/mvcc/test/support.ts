/** What the tests of this package share: bytes, engines that outlive a backend, and ways to look at a store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buckets, openBackend, type Backend, type BackendOptions, type Changes, type Engine } from '@varve/backend';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import { onTestFinished } from 'vitest';
import { openStore } from '../src/open-store.ts';
import type { Change as StoreChange, KeyValue, Store, StoreOptions } from '../src/store.ts';

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(array: Uint8Array): string {
  return Buffer.from(array).toString('utf8');
}

export function hex(array: Uint8Array): string {
  return Buffer.from(array).toString('hex');
}

export const ALL: readonly [Uint8Array, Uint8Array] = [bytes(''), bytes('')];

/**
 * An engine that several backends in a row may have: closing it does nothing, and `stop` is the crash of the process
 * that uses it now: what was not committed is gone, and what it tries to commit afterwards never happens.
 */
export class Medium {
  readonly #inner: Engine;
  #stopped = { value: false, commitsLeft: Infinity };

  constructor(inner: Engine) {
    this.#inner = inner;
  }

  /** The engine of the next process. */
  attach(commitsLeft = Infinity): Engine {
    this.crash();
    const inner = this.#inner;
    const life = { value: false, commitsLeft };
    this.#stopped = life;
    return {
      get size() {
        return inner.size;
      },
      get sizeInUse() {
        return inner.sizeInUse;
      },
      durable: true,
      get: (bucket, key) => inner.get(bucket, key),
      scan: (bucket, options) => inner.scan(bucket, options),
      buckets: () => inner.buckets(),
      pin: () => inner.pin(),
      commit: async (changes: Changes): Promise<void> => {
        if (life.value || life.commitsLeft-- <= 0) {
          life.value = true;
          throw new Error('the process has ended');
        }
        await inner.commit(changes);
      },
      compact: () => inner.compact(),
      close: () => Promise.resolve(),
    };
  }

  crash(): void {
    this.#stopped.value = true;
  }

  /** The process of now ends after so many more commits. */
  endAfter(commits: number): void {
    this.#stopped.commitsLeft = commits;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

export type EngineName = 'memory' | 'level';
export const engines: readonly EngineName[] = ['memory', 'level'];

export async function makeEngine(name: EngineName): Promise<{ engine: Engine; remove: () => void }> {
  if (name === 'memory') return { engine: memoryEngine(), remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'varve-mvcc-'));
  return {
    engine: await levelEngine(join(folder, 'db')),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function makeMedium(name: EngineName = 'memory'): Promise<Medium> {
  const { engine, remove } = await makeEngine(name);
  const medium = new Medium(engine);
  onTestFinished(async () => {
    await medium.close();
    remove();
  });
  return medium;
}

/** A store and the backend under it, closed when the test ends. */
export interface Opened {
  readonly store: Store;
  readonly backend: Backend;
  readonly medium: Medium;
}

export async function reopen(
  medium: Medium,
  options: StoreOptions = {},
  backendOptions: BackendOptions = {},
): Promise<Opened> {
  const backend = await openBackend(medium.attach(), backendOptions);
  const store = await openStore(backend, options);
  onTestFinished(async () => {
    await store.close();
    await backend.close().catch(() => undefined);
  });
  return { store, backend, medium };
}

export async function open(
  options: StoreOptions = {},
  engine: EngineName = 'memory',
  backendOptions: BackendOptions = {},
): Promise<Opened> {
  return await reopen(await makeMedium(engine), options, backendOptions);
}

/** Closes store and backend, and opens the same medium anew. */
export async function restart(opened: Opened, options: StoreOptions = {}): Promise<Opened> {
  await opened.store.close();
  await opened.backend.close();
  return await reopen(opened.medium, options);
}

/** Puts and waits until everybody may see it. */
export async function put(store: Store, key: string, value: string, lease = 0n): Promise<number> {
  const revision = store.put(bytes(key), bytes(value), lease);
  await store.settled();
  return revision;
}

export async function remove(
  store: Store,
  key: string,
  end?: string,
): Promise<{ readonly deleted: number; readonly revision: number }> {
  const result = store.deleteRange(bytes(key), end === undefined ? undefined : bytes(end));
  await store.settled();
  return result;
}

/** Compacts and waits until the records are gone. */
export async function compact(store: Store, revision: number): Promise<void> {
  const compaction = await store.compact(revision);
  await compaction.finished();
}

/** A record on one line: `foo=bar 2/3/2` for create, mod, version, and `~lease`. */
export function show(kv: KeyValue): string {
  const lease = kv.lease === 0n ? '' : ` ~${kv.lease}`;
  return `${text(kv.key)}=${text(kv.value)} ${kv.createRevision}/${kv.modRevision}/${kv.version}${lease}`;
}

export function showChange(change: StoreChange): string {
  return change.type === 'put' ? show(change.kv) : `-${text(change.kv.key)} @${change.kv.modRevision}`;
}

export async function list(store: Pick<Store, 'range'>, revision = 0): Promise<readonly string[]> {
  const { kvs } = await store.range(...ALL, { revision });
  return kvs.map((kv) => `${text(kv.key)}=${text(kv.value)}`);
}

/** The rows of the `key` bucket: `5.2t`, or with the bytes of the record as well. */
export async function rows(backend: Backend, withBytes = false): Promise<readonly string[]> {
  const found: string[] = [];
  const tx = backend.concurrentReadTx();
  try {
    for await (const chunk of tx.scan(buckets.key)) {
      for (const { key, value } of chunk) {
        const row = Buffer.from(key);
        const sub = Number(row.readBigUInt64BE(9));
        const name = `${row.readBigUInt64BE(0)}.${sub}${row.length === 18 ? 't' : ''}`;
        found.push(withBytes ? `${name} ${hex(value)}` : name);
      }
    }
  } finally {
    tx[Symbol.dispose]();
  }
  return found;
}

/** The revision in a row of `meta`, as hex. */
export function meta(backend: Backend, key: string): string | undefined {
  const row = backend.readTx((tx) => tx.get(buckets.meta, bytes(key)));
  return row === undefined ? undefined : hex(row);
}

/** What a call throws or rejects with, by its code, or its name where it has none. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return 'code' in error ? String(error.code) : error.name;
  }
}
