/** What the tests of this package share: a clock that a test moves, engines that outlive a store, and ways to look at leases. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buckets, openBackend, type Backend, type Changes, type Engine } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import type { Clock } from '@varve/base/clock';
import { nodeClock } from '@varve/base/node/clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import { openStore, type ObserverFactory, type Store, type StoreOptions } from '@varve/mvcc';
import { onTestFinished } from 'vitest';
import type { Lessor, LessorOptions } from '../src/lessor.ts';
import { prepareLessor } from '../src/prepare-lessor.ts';

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

export function text(array: Uint8Array): string {
  return Buffer.from(array).toString('latin1');
}

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

/** Time stands still until a test moves it. The wall clock goes along, and can be set. */
export class TestClock implements Clock {
  ms = 0;
  wallOffsetMs = 1_700_000_000_000;
  readonly timers: Set<Timer> = new Set();
  /** The longest wait that anybody has asked for. */
  longestWait = 0;

  /** What a look at the clock takes. */
  lookMs = 0;

  readonly now = (): number => (this.ms += this.lookMs);
  readonly unixMs = (): number => this.ms + this.wallOffsetMs;
  readonly turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  readonly after = (ms: number, work: () => void): (() => void) => {
    this.longestWait = Math.max(this.longestWait, ms);
    const timer = { at: this.ms + ms, work };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  };

  readonly soon: Clock['soon'] = nodeClock.soon;
  readonly every: Clock['every'] = nodeClock.every;
  readonly pause: Clock['pause'] = nodeClock.pause;
  readonly keepAlive: Clock['keepAlive'] = nodeClock.keepAlive;
  readonly onLastCall: Clock['onLastCall'] = nodeClock.onLastCall;

  /** Goes on by so many milliseconds, timer by timer; after each everything that follows from it happens. */
  async advance(ms: number): Promise<void> {
    const until = this.ms + ms;
    for (let steps = 0; ; steps++) {
      if (steps > 1_000_000) throw new Error('timers make timers without end');
      await turns();
      const next = [...this.timers].toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.timers.delete(next);
      this.ms = Math.max(this.ms, next.at);
      next.work();
    }
    this.ms = until;
    await turns();
  }
}

/** The world of a lessor under this clock. */
export function worldWith(clock: Clock): World {
  return worldOf({ ...nodeWorld, clock });
}

/** Lets commits and whoever waits for them come to an end: in memory they take a few turns. */
export async function turns(count = 12): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** An engine that several stores in a row may have; `crash` is the end of the process: what was not committed is gone. */
export class Medium {
  readonly #inner: Engine;
  #life = { ended: false, commitsLeft: Infinity };

  constructor(inner: Engine) {
    this.#inner = inner;
  }

  attach(): Engine {
    this.#life.ended = true;
    const inner = this.#inner;
    const life = { ended: false, commitsLeft: Infinity };
    this.#life = life;
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
        if (life.ended || life.commitsLeft-- <= 0) {
          life.ended = true;
          throw new Error('the process has ended');
        }
        await inner.commit(changes);
      },
      compact: () => inner.compact(),
      close: () => Promise.resolve(),
    };
  }

  crash(): void {
    this.#life.ended = true;
  }

  /** The process of now ends after so many more commits. */
  endAfter(commits: number): void {
    this.#life.commitsLeft = commits;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

export type EngineName = 'memory' | 'level' | 'file';
export const engines: readonly EngineName[] = ['memory', 'level', 'file'];

export async function makeMedium(name: EngineName = 'memory'): Promise<Medium> {
  const folder = mkdtempSync(join(tmpdir(), 'varve-lease-'));
  const opened = {
    memory: () => memoryEngine(),
    level: () => levelEngine(join(folder, 'level')),
    file: () => fileEngine(join(folder, 'db')),
  };
  const medium = new Medium(await opened[name]());
  onTestFinished(async () => {
    await medium.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return medium;
}

export interface Opened {
  readonly backend: Backend;
  readonly store: Store;
  readonly lessor: Lessor;
  readonly clock: TestClock;
  readonly medium: Medium;
}

export interface Setting {
  readonly clock?: TestClock;
  readonly medium?: Medium;
  readonly store?: StoreOptions;
  readonly observers?: readonly ObserverFactory[];
}

export async function open(options: LessorOptions = {}, setting: Setting = {}): Promise<Opened> {
  const { clock = new TestClock(), observers = [] } = setting;
  const medium = setting.medium ?? (await makeMedium());
  const backend = await openBackend(medium.attach());
  const prepared = prepareLessor({ ...options, world: worldWith(clock) });
  const store = await openStore(backend, { ...setting.store, observers: [...observers, prepared.observe] });
  const lessor = await prepared.open();
  const opened = { backend, store, lessor, clock, medium };
  onTestFinished(() => close(opened));
  return opened;
}

export async function close({ lessor, store, backend }: Opened): Promise<void> {
  await lessor.close().catch(() => undefined);
  await store.close();
  await backend.close().catch(() => undefined);
}

/** Closes everything, and opens the same medium anew; `meanwhileMs` pass in between. */
export async function restart(opened: Opened, options: LessorOptions = {}, meanwhileMs = 0): Promise<Opened> {
  await close(opened);
  opened.clock.ms += meanwhileMs;
  return await open(options, { clock: opened.clock, medium: opened.medium });
}

/** The process ends; what was not committed is gone. */
export async function crash(opened: Opened, options: LessorOptions = {}, meanwhileMs = 0): Promise<Opened> {
  opened.medium.crash();
  await opened.store.close();
  opened.clock.ms += meanwhileMs;
  return await open(options, { clock: opened.clock, medium: opened.medium });
}

/** The rows of the lease bucket, in hex. */
export async function rows(store: Store): Promise<readonly (readonly [key: string, value: string])[]> {
  const found: (readonly [string, string])[] = [];
  for await (const entries of store.rows.scan(buckets.lease)) {
    for (const { key, value } of entries)
      found.push([Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex')]);
  }
  return found;
}

export async function liveKeys(store: Store): Promise<string[]> {
  const { kvs } = await store.range(new Uint8Array(0), new Uint8Array(0));
  return kvs.map(({ key }) => text(key));
}

export async function put(store: Store, key: string, lease = 0n, value = 'v'): Promise<number> {
  const revision = store.put(bytes(key), bytes(value), lease);
  await store.settled();
  return revision;
}

export function keysOf(lessor: Lessor, id: bigint): string[] {
  return lessor.keys(id).map(text);
}

/** The code of what a call throws or rejects with. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return 'code' in error ? String(error.code) : error.name;
  }
}

/** How a promise stands now. */
export async function stateOf(promise: Promise<unknown>): Promise<string> {
  await turns();
  return await Promise.race([
    promise.then(
      () => 'resolved',
      (error: { readonly code?: string }) => error.code ?? 'rejected',
    ),
    turns(2).then(() => 'pending'),
  ]);
}

/** Takes batches and leaves the leases where they are, as a server without a majority would. */
export function collector(): {
  readonly batches: (readonly bigint[])[];
  readonly onExpired: (ids: readonly bigint[]) => Promise<void>;
} {
  const batches: (readonly bigint[])[] = [];
  return { batches, onExpired: async (ids) => void batches.push(ids) };
}
