/** Sources of bytes, followers of them, and what the tests say in texts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { bytes, KvError, memory, open, type EmbeddedKv, type Entry, type Location, type WatchBatch } from '@varve/kv';
import { deferred } from '@varve/base/deferred';
import { onTestFinished } from 'vitest';
import { openFollower, type FollowClusterOptions, type Follower } from '../src/index.ts';

export type ByteStore = EmbeddedKv<Uint8Array, Uint8Array>;

type Batch = WatchBatch<Uint8Array, Uint8Array>;

const encoder = new TextEncoder();

export const b = (text: string): Uint8Array => encoder.encode(text);

/** An embedded source. */
export async function source(location: Location = memory()): Promise<ByteStore> {
  const kv = await open(location, { key: bytes, value: bytes });
  onTestFinished(() => kv.close());
  return kv;
}

export async function follow(from: ByteStore, options: FollowClusterOptions = {}): Promise<Follower> {
  const follower = await openFollower(from, { waitMs: 60_000, ...options });
  onTestFinished(() => follower.close());
  return follower;
}

export async function put(kv: ByteStore, key: string, value: string): Promise<number> {
  return (await kv.put(b(key), b(value))).revision;
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setImmediate();
}

/** What `work` ends with, which should fail. */
export async function failure(work: () => unknown): Promise<Error & { code?: string; compactRevision?: number }> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}

/** Everything of an entry. */
export function shown(entries: Iterable<Entry<string, string>>): string[] {
  return Array.from(
    entries,
    (entry) =>
      `${entry.key}=${entry.value} v${entry.version} c${entry.createRevision} m${entry.modRevision} ${entry.lease ?? ''}`,
  );
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'varve-follower-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A store of which some methods are others: what a network, or a fault on the way, makes of it. */
export function altered<T extends object>(of: T, others: Partial<T>): T {
  return new Proxy(of, {
    get(target, name) {
      if (Object.hasOwn(others, name)) return Reflect.get(others, name) as unknown;
      const own: unknown = Reflect.get(target, name);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}

/** A store that does not tell its watchers what has changed at one revision, or anything, and that may be away. */
export class Forgetful {
  /** The revision of which nothing is told. */
  forgets = 0;
  /** Nothing is told at all. */
  isSilent = false;
  /** It says nothing of where it is. */
  isAway = false;
  readonly store: ByteStore;
  #cut = deferred<never>();

  constructor(of: ByteStore) {
    const away = async (): Promise<never> => this.#cut.promise;
    const told = this.#told.bind(this);
    this.store = altered<ByteStore>(of, {
      watch(key, options) {
        const watch = of.watch(key, options);
        return altered(watch, { batches: () => told(watch.batches()[Symbol.asyncIterator](), away) });
      },
      status: async (options) => {
        if (this.isAway) throw new KvError('KV_UNAVAILABLE', 'away');
        return of.status(options);
      },
    });
  }

  /** Ends the watches that there are. */
  cut(): void {
    this.#cut.reject(new KvError('KV_UNAVAILABLE', 'cut off'));
    this.#cut = deferred<never>();
  }

  async *#told(batches: AsyncIterator<Batch>, away: () => Promise<never>): AsyncGenerator<Batch> {
    const gone = away();
    for (;;) {
      const { done, value } = await Promise.race([batches.next(), gone]);
      if (done === true) return;
      if (this.isSilent) continue;
      yield value.revision === this.forgets && !value.initial ? { ...value, events: [] } : value;
    }
  }
}
