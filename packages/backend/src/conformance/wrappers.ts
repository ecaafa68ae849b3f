/** Engines around an engine, for tests: one that takes its time, one that fails (R77). */
import { nodeClock } from '@varve/base/node/clock';
import type { Bucket } from '../contract/bucket.ts';
import type { Changes, Engine, Entry, PinnedView, Room, ScanOptions, Snapshot } from '../contract/engine.ts';
import { Random } from './random.ts';

/**
 * The same engine, with each asynchronous step put off by a random number of turns of the event loop, and rows that are only lent
 * overwritten when the next ones are asked for: whatever only works because an engine answers at once, or because bytes happen to stay,
 * stops working.
 */
export function deferred(engine: Engine, seed = 1): Engine {
  return new DeferredEngine(engine, new Random(seed));
}

export interface FailingOptions {
  /** What the commit rejects with. @default an Error with `code: 'EIO'` */
  readonly error?: unknown;
  /** Apply the changes before failing: a commit whose outcome is in doubt. @default false */
  readonly applied?: boolean | undefined;
}

/** The same engine, whose commit number `step` (the first is 1) rejects, and every later one. */
export function failing(engine: Engine, step: number, options: FailingOptions = {}): Engine {
  return new FailingEngine(engine, step, options);
}

class WrappedEngine implements Engine {
  protected readonly inner: Engine;
  readonly durable: boolean | undefined;
  readonly readOnly: boolean | undefined;
  readonly warnings: readonly string[] | undefined;
  readonly room: Room | undefined;
  readonly snapshot: Engine['snapshot'];
  readonly aside: Engine['aside'];
  readonly last: Engine['last'];
  readonly find: Engine['find'];
  readonly holds: Engine['holds'];

  constructor(inner: Engine) {
    this.inner = inner;
    this.aside = inner.aside;
    this.room = inner.room;
    this.last = inner.last && ((bucket) => inner.last!(bucket));
    this.find = inner.find && ((bucket, search) => inner.find!(bucket, search));
    this.holds = inner.holds && ((block) => inner.holds!(block));
    this.durable = inner.durable;
    this.readOnly = inner.readOnly;
    this.warnings = inner.warnings;
    this.snapshot = inner.snapshot === undefined ? undefined : (options) => inner.snapshot!(options);
  }

  get size(): number {
    return this.inner.size;
  }

  get sizeInUse(): number {
    return this.inner.sizeInUse;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.inner.get(bucket, key);
  }

  scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]> {
    return this.inner.scan(bucket, options);
  }

  buckets(): readonly string[] {
    return this.inner.buckets();
  }

  pin(): PinnedView {
    return this.inner.pin();
  }

  commit(changes: Changes): Promise<void> {
    return this.inner.commit(changes);
  }

  compact(): Promise<void> {
    return this.inner.compact();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

class DeferredEngine extends WrappedEngine {
  readonly #random: Random;
  /** Resolves when the call before is made of the inner engine. */
  #reached: Promise<void> = Promise.resolve();
  override readonly snapshot: Engine['snapshot'];

  constructor(inner: Engine, random: Random) {
    super(inner);
    this.#random = random;
    this.snapshot =
      inner.snapshot === undefined
        ? undefined
        : (options): Promise<Snapshot> => this.#answeredLate(inner.snapshot!(options));
  }

  override scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]> {
    return this.#lateChunks(this.inner.scan(bucket, options), options?.lent);
  }

  override pin(): PinnedView {
    const pin = this.inner.pin();
    return {
      get: (bucket, key) => pin.get(bucket, key),
      find: pin.find && ((bucket, search) => pin.find!(bucket, search)),
      scan: (bucket, options) => this.#lateChunks(pin.scan(bucket, options), options?.lent),
      buckets: () => pin.buckets(),
      [Symbol.dispose]: () => pin[Symbol.dispose](),
    };
  }

  override commit(changes: Changes): Promise<void> {
    return this.#late(() => this.inner.commit(changes));
  }

  override compact(): Promise<void> {
    return this.#late(() => this.inner.compact());
  }

  /** Does not overtake a commit that was called before: the inner engine would refuse that. */
  override close(): Promise<void> {
    const reached = this.#reached;
    return this.#late(async () => {
      await reached;
      return this.inner.close();
    });
  }

  async *#lateChunks(
    rows: AsyncIterable<readonly Entry[]>,
    lent: boolean | undefined,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    await this.#wait();
    for await (const chunk of rows) {
      await this.#wait();
      const given = lent === true ? chunk.map(copied) : chunk;
      yield given;
      if (lent === true) for (const row of given) overwrite(row);
      await this.#wait();
    }
  }

  async #late<T>(work: () => Promise<T>): Promise<T> {
    const reached = this.#wait();
    this.#reached = reached;
    await reached;
    return this.#answeredLate(work());
  }

  async #answeredLate<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } finally {
      await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns -= 1) await nodeClock.turn();
  }
}

class FailingEngine extends WrappedEngine {
  readonly #step: number;
  readonly #options: FailingOptions;
  #commitN = 0;

  constructor(inner: Engine, step: number, options: FailingOptions) {
    super(inner);
    this.#step = step;
    this.#options = options;
  }

  override async commit(changes: Changes): Promise<void> {
    this.#commitN += 1;
    if (this.#commitN < this.#step) return super.commit(changes);
    if (this.#commitN === this.#step && this.#options.applied === true) await super.commit(changes);
    throw this.#options.error ?? Object.assign(new Error('the medium failed'), { code: 'EIO' });
  }
}

function copied({ key, value }: Entry): Entry {
  return { key: new Uint8Array(key), value: new Uint8Array(value) };
}

function overwrite({ key, value }: Entry): void {
  key.fill(0xff);
  value.fill(0xff);
}
