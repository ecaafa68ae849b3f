/**
 * What all views of one follower share: the replica, the source, how new reads are, and whether it is open.
 *
 * FCR1  A read that can be answered at once is: nothing is awaited but its own promise.
 * FCR2  `close` lets in what was called before, as any `Kv`: writes are answered, and of a transaction that waits for nothing but its own reads the
 *       end. Then watches end.
 */
import { codeOf, KvError, type Kv } from '@varve/api';
import { compareBytes, invalidType, type Bounds } from '@varve/api/implement';
import type { Deferred } from '@varve/base/deferred';
import type { World } from '@varve/base/world';
import type { Replica } from '@varve/kv/layers';
import { Arrivals } from './arrivals.ts';
import type { Behind, ByteKv } from './contract.ts';
import type { Following } from './following.ts';
import type { Lag } from './lag.ts';

/** A transaction that has not ended yet. */
export interface Running {
  /** Its own reads, and its commit. */
  busy: number;
  moved: boolean;
  /** Ends it: what its body does afterwards is not written. */
  readonly ending: AbortController;
}

export interface CoreSettings {
  readonly source: Pick<ByteKv, 'status'>;
  readonly replica: Replica;
  /** What is copied; undefined for everything. */
  readonly bounds: Bounds | undefined;
  readonly refuses: boolean;
  readonly readYourWrites: boolean;
  readonly waitMs: number;
  readonly maxBehindMs: number | undefined;
  readonly world: World;
  readonly lag: Lag;
  /** The follower's `synced`. */
  readonly synced: Deferred<void>;
  /** Closes the source, if that is the follower's own. */
  readonly closeSource: () => Promise<void>;
}

export class FollowerCore {
  readonly settings: CoreSettings;
  readonly arrivals: Arrivals;
  readonly world: World;
  following!: Following;
  /** Lets go of the signal that closes it. */
  letGo: () => void = () => undefined;
  elsewhere = 0;
  /** Each ends a watch, or what can be said of a lease. */
  readonly watches: Set<() => void> = new Set<() => void>();
  readonly running: Set<Running> = new Set<Running>();
  readonly #sources = new WeakMap<object, object>();
  readonly #writes = new Set<Promise<unknown>>();
  /** A write up to here was answered, and did not come in time. */
  #floor = 0;
  #over: { readonly reason: unknown } | undefined;
  #closing: Promise<void> | undefined;
  #shut = false;

  constructor(settings: CoreSettings) {
    this.settings = settings;
    this.world = settings.world;
    this.arrivals = new Arrivals(settings.world.clock);
  }

  get revision(): number {
    return this.settings.replica.revision;
  }

  get behind(): Behind {
    return this.settings.lag.behind(this.revision);
  }

  get floor(): number {
    return this.#floor;
  }

  /** Why the following is over; undefined while it is not. */
  get over(): { readonly reason: unknown } | undefined {
    return this.#over;
  }

  /** Why nothing can be said of the source any more; undefined while it can. */
  get ended(): { readonly reason: unknown } | undefined {
    return this.#over ?? (this.#shut ? { reason: closedError() } : undefined);
  }

  addView<K, V, W>(view: Kv<K, V, W>, source: Kv<K, V, W>): void {
    this.#sources.set(view, source);
  }

  /** The source's own view. @throws TypeError `KV_INVALID` for what is no view of this follower */
  readonly sourceOf = <K, V, W>(view: Kv<K, V, W>): Kv<K, V, W> => {
    const source = Object(view) === view ? this.#sources.get(view) : undefined;
    if (source === undefined)
      throw invalidType('the name space must be one of this follower, as namespace(prefix) gives it');
    // `addView` is told both together.
    return source as Kv<K, V, W>;
  };

  /** @throws KvError `KV_CLOSED` */
  checkOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** For calls that begin. @throws KvError `KV_CLOSED`; why following ended */
  check(): void {
    this.checkOpen();
    if (this.#over !== undefined) throw this.#over.reason;
  }

  /** For what had begun before `close`. */
  checkShut(): void {
    const { ended } = this;
    if (ended !== undefined) throw ended.reason;
  }

  /** Whether a read without options may be answered from the replica at once (FCR1). */
  get isLevel(): boolean {
    return (
      this.#closing === undefined &&
      this.#over === undefined &&
      this.settings.maxBehindMs === undefined &&
      this.#floor <= this.revision
    );
  }

  /** Whether all of the bounds is copied. */
  holds({ key, end }: Bounds): boolean {
    const { bounds } = this.settings;
    if (bounds === undefined) return true;
    if (compareBytes(key, bounds.key) < 0) return false;
    const last = bounds.end ?? new Uint8Array(0);
    if (last.length === 0) return true;
    if (end === undefined) return compareBytes(key, last) < 0;
    return end.length > 0 && compareBytes(end, last) <= 0;
  }

  /** The read is asked of the source. @throws TypeError `KV_INVALID` where that is refused */
  leave(isHeld: boolean): void {
    if (this.settings.refuses && !isHeld)
      throw invalidType('the follower does not hold all keys of this range, and elsewhere is "refuse"');
    this.elsewhere++;
  }

  /** Lets a read begin when the replica is as new as it must be. @throws KvError `KV_BEHIND`; the signal's reason */
  async levelWith(atLeast: number, signal: AbortSignal | undefined): Promise<void> {
    this.check();
    const { maxBehindMs, waitMs } = this.settings;
    if (maxBehindMs !== undefined) {
      const { ms } = this.behind;
      if (ms === undefined || ms > maxBehindMs) {
        const known =
          ms === undefined ? 'how far behind the follower is, is not known' : `the follower is ${ms} ms behind`;
        throw new KvError('KV_BEHIND', `${known}, and maxBehindMs is ${maxBehindMs}`, { revision: this.revision });
      }
    }
    const wanted = Math.max(this.#floor, atLeast);
    if (wanted > this.revision) await this.caughtUp(wanted, waitMs, signal);
  }

  async caughtUp(revision: number, ms: number, signal: AbortSignal | undefined): Promise<void> {
    this.checkShut();
    if (this.revision < revision) await this.arrivals.wait(revision, ms, signal, () => this.revision);
  }

  /**
   * Runs a write on the source, and answers when it can be read here (FLW2).
   * @param concerns whether it is about keys that are copied
   */
  write<T extends { readonly revision: number }>(
    work: () => Promise<T>,
    signal: AbortSignal | undefined,
    concerns: () => boolean = () => true,
  ): Promise<T> {
    return this.admitted(async () => this.#readable(await this.#ofSource(work, signal), signal, concerns));
  }

  /** Answers what was written already, when it can be read here: of what was called before `close`, also after it (FCR2). */
  written<T extends { readonly revision: number }>(answer: T, signal: AbortSignal | undefined): Promise<T> {
    return this.#tracked(this.#readable(answer, signal, () => true));
  }

  /** Something that the source does, and that `close` waits for. @throws as `check` */
  admitted<T>(work: () => Promise<T>): Promise<T> {
    const begun = async (): Promise<T> => {
      this.check();
      return work();
    };
    return this.#tracked(begun());
  }

  #tracked<T>(write: Promise<T>): Promise<T> {
    this.#writes.add(write);
    const done = (): void => void this.#writes.delete(write);
    write.then(done, done);
    return write;
  }

  /** What a codec refuses to tell was written all the same, perhaps: that can be read here, too, when it is told. */
  async #ofSource<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) === 'KV_DECODE') await this.#present(signal).catch(() => undefined);
      throw error;
    }
  }

  async #present(signal: AbortSignal | undefined): Promise<void> {
    await this.#readable(await this.settings.source.status({ signal }), signal, () => true);
  }

  async #readable<T extends { readonly revision: number }>(
    answer: T,
    signal: AbortSignal | undefined,
    concerns: () => boolean,
  ): Promise<T> {
    const { readYourWrites, waitMs } = this.settings;
    const { revision } = answer;
    if (!readYourWrites || this.revision >= revision || !concerns()) return answer;
    try {
      await this.caughtUp(revision, waitMs, signal);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      // It was written: whoever reads waits for it.
      this.#floor = Math.max(this.#floor, revision);
    }
    return answer;
  }

  /** Following has ended by itself. */
  end(reason: unknown): void {
    this.#over ??= { reason };
    this.arrivals.end(reason);
    this.settings.synced.reject(reason);
    for (const end of this.watches) end();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (step: () => Promise<unknown>): Promise<void> => {
      await step().catch((error: unknown) => failures.push(error));
    };
    await this.#transactions();
    await Promise.allSettled(this.#writes);
    this.#shut = true;
    this.letGo();
    this.arrivals.end(closedError());
    this.settings.synced.reject(closedError());
    for (const end of this.watches) end();
    await attempt(() => this.following.close());
    await attempt(() => this.settings.replica.close());
    await attempt(this.settings.closeSource);
    if (failures.length > 0) throw failures[0];
  }

  /** Resolves when no transaction waits for something of this follower; those that wait for something else are ended (FCR2). */
  async #transactions(): Promise<void> {
    let called = [...this.running];
    while (called.length > 0) {
      for (const running of called) running.moved = false;
      await this.world.clock.turn();
      called = called.filter((running) => this.running.has(running) && (running.moved || running.busy > 0));
    }
    for (const { ending } of this.running) ending.abort(closedError());
  }
}

export function closedError(): KvError {
  return new KvError('KV_CLOSED', 'the follower is closed; open another one to go on');
}
