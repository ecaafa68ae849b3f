import { memoryEngine } from '@varve/backend/memory';
import {
  openBackend,
  type Backend,
  type Bucket,
  type Engine,
  type Entry,
  type PinnedView,
  type ScanOptions,
} from '@varve/backend';
import type { StoreOptions } from '@varve/mvcc';
import type { Clock } from '@varve/base/clock';
import { nodeClock } from '@varve/base/node/clock';
import { openWithWatchers } from '../src/open-watchable-store.ts';
import type {
  Event,
  WatchableStore,
  WatchableStoreOptions,
  WatchResponse,
  WatchStream,
} from '../src/watchable-store.ts';
import type { Watchers } from '../src/watchers.ts';

/** Catch-up runs only when a test says so, and nothing is let go of by a timer. */
export const manualClock: Clock = { ...nodeClock, soon: () => undefined, after: () => () => undefined };

export type Options = StoreOptions & WatchableStoreOptions & { readonly clock?: Clock | undefined };

export class Fixture {
  readonly store: WatchableStore;
  readonly watchers: Watchers;
  readonly backend: Backend;

  constructor(store: WatchableStore, watchers: Watchers, backend: Backend) {
    this.store = store;
    this.watchers = watchers;
    this.backend = backend;
  }

  /** One durable transaction for each; returns the last revision. */
  async put(...entries: readonly (readonly [key: string, value: string])[]): Promise<number> {
    let revision = this.store.rev();
    for (const [key, value] of entries) {
      revision = this.store.put(bytes(key), bytes(value));
      await this.store.settled();
    }
    return revision;
  }

  /** So many puts of the key, each a revision. */
  async puts(key: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.store.put(bytes(key), bytes(`${i}`));
    await this.store.settled();
  }

  async delete(key: string, end?: string): Promise<void> {
    this.store.deleteRange(bytes(key), end === undefined ? undefined : bytes(end));
    await this.store.settled();
  }

  async compact(revision: number): Promise<void> {
    const compaction = await this.store.compact(revision);
    await compaction.finished();
  }

  pass(): Promise<void> {
    return this.watchers.catchUp!.runPass();
  }

  /** Passes until nobody is left whom a pass can bring further. */
  async passes(): Promise<number> {
    let passes = 0;
    for (; this.watchers.places.cohorts.size > 0; passes++) {
      if (passes > 10_000) throw new Error('catch-up does not come to an end');
      await this.pass();
    }
    return passes;
  }

  /** Throws when a structure of the watchers is broken. */
  check(): void {
    const { places, streams } = this.watchers;
    places.checkInvariants(this.watchers.all());
    places.recent.checkInvariants(places.visible);
    for (const { queue } of streams) queue.checkInvariants();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.backend.close();
  }
}

export async function open(options: Options = {}, engine: Engine = memoryEngine()): Promise<Fixture> {
  const { clock = manualClock, ...rest } = options;
  const backend = await openBackend(engine);
  const { store, watchers } = await openWithWatchers(backend, rest, clock);
  return new Fixture(store, watchers, backend);
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export function text(array: Uint8Array): string {
  return Buffer.from(array).toString('latin1');
}

export const FROM_KEY: Uint8Array = new Uint8Array(0);

/** Everything queued, in order. */
export function drain(stream: WatchStream): WatchResponse[] {
  const responses: WatchResponse[] = [];
  for (let response = stream.poll(); response !== undefined; response = stream.poll()) responses.push(response);
  return responses;
}

/** `PUT foo=bar @2 c2 v1`, `DELETE foo @3`, with ` <bar@2` for a previous value. */
export function show(event: Event): string {
  const { key, value, modRevision, createRevision, version } = event.kv;
  const before = event.previous === undefined ? '' : ` <${text(event.previous.value)}@${event.previous.modRevision}`;
  if (event.type === 'delete') return `DELETE ${text(key)} @${modRevision}${before}`;
  return `PUT ${text(key)}=${text(value)} @${modRevision} c${createRevision} v${version}${before}`;
}

/** The same for responses: `0@3: DELETE foo @3`, `0 progress 3`, `0 compacted 5`. */
export function showAll(responses: readonly WatchResponse[]): string[] {
  return responses.map((response) => {
    if (response.type === 'progress') return `${response.watchId} progress ${response.revision}`;
    if (response.type === 'compacted') return `${response.watchId} compacted ${response.compactRevision}`;
    return `${response.watchId}@${response.revision}: ${response.events.map(show).join(', ')}`;
  });
}

/** Revisions of the events of each response, of one watcher or of all. */
export function revisions(responses: readonly WatchResponse[], watchId?: number): number[][] {
  const found: number[][] = [];
  for (const response of responses) {
    if (response.type !== 'events' || (watchId !== undefined && response.watchId !== watchId)) continue;
    found.push(response.events.map((event) => event.kv.modRevision));
  }
  return found;
}

export function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

export function places({ store }: Fixture): string {
  const { synced, unsynced, victims } = store.watchStats;
  return `${synced} synced, ${unsynced} unsynced, ${victims} victims`;
}

export function code(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return 'no error';
}

/** Resolves when what is called so may happen. */
export type Step = (label: string) => Promise<void>;

/** A memory engine whose commits and scans wait for a step, chunk by chunk. */
export function steppedEngine(step: Step): Engine {
  const inner = memoryEngine();
  async function* scan(
    view: Pick<PinnedView, 'scan'>,
    bucket: Bucket,
    options?: ScanOptions,
  ): AsyncIterable<readonly Entry[]> {
    for await (const entries of view.scan(bucket, { ...options, chunkSize: 3 })) {
      await step('scan');
      yield entries;
    }
  }
  const bound = (target: object, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, name, target);
    return typeof value === 'function' ? value.bind(target) : value;
  };
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'commit') {
        const commit: Engine['commit'] = async (changes) => {
          await step('commit');
          await target.commit(changes);
        };
        return commit;
      }
      if (name !== 'pin') return bound(target, name);
      return (): PinnedView =>
        new Proxy(target.pin(), {
          get: (view, member) =>
            member === 'scan'
              ? (bucket: Bucket, options?: ScanOptions) => scan(view, bucket, options)
              : bound(view, member),
        });
    },
  });
}
