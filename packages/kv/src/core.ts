/**
 * What all views of one open store share: the layers below, the line of the writes, and whether it is still open.
 *
 * COR1  Closing happens once, in the reverse order of opening, to its end even when a step fails; the first failure is
 *     what `close` rejects with.
 * COR2  Every write that was called before `close`, `settled` or `commit` is let in before they go on, and is committed, so
 *     that waiting writers get their answers (R8, R9). Of an optimistic transaction that holds while its body waits for
 *     nothing but its own reads (RNG1).
 * COR3  Whatever a layer below says because it was closed under a call comes out as `KV_CLOSED`.
 * COR4  A write inside the body of a section is refused, and the section with it: its author meant it to be a part.
 */
import { KvError } from '@varve/api';
import { invalidType, isThenable, RunningTransactions, Views, type StreamOwner } from '@varve/api/implement';
import type { World } from '@varve/base/world';
import type { LateLessor, LeaseTxn } from '@varve/lease';
import type { Backend, Finished, WatchableStore, WriteTxn } from '@varve/watch';
import { Admissions } from './admissions.ts';
import type { AssembledLayers } from './layers-on.ts';
import { Holds } from './retain/hold.ts';
import type { MakeRetention } from './retain/load-retention.ts';
import type { Retention } from './retain/retention.ts';
import type { RevisionTimes } from './times/revision-times.ts';

const closedBelow = new Set<unknown>([
  'MVCC_CLOSED',
  'WATCH_CLOSED',
  'BACKEND_CLOSED',
  'LEASE_CLOSED',
  'LEASE_NOT_PRIMARY',
]);

export class Core {
  readonly store: WatchableStore;
  readonly backend: Backend;
  readonly leases: LateLessor;
  readonly world: World;
  readonly admissions: Admissions;
  readonly holds: Holds;
  readonly retention: Retention | undefined;
  /** When revisions were written, where that is noted. */
  readonly times: RevisionTimes | undefined;
  /** True when a write is answered after its commit. */
  readonly durableWrites: boolean;
  /** Ends a watch each. */
  readonly watches: Set<() => void> = new Set<() => void>();
  /** For streams of what is in it. */
  readonly streams: StreamOwner;
  readonly running: RunningTransactions = new RunningTransactions();
  readonly views: Views = new Views('store');
  /** Optimistic transactions that lost an attempt and try again. */
  losers = 0;
  #closing: Promise<void> | undefined;
  /** What was called before `close` has been let in. */
  #shut = false;
  #inside = false;
  /** Why the section under way is undone though its body has returned. */
  #trespass: Error | undefined;

  readonly #layers: AssembledLayers;

  constructor(layers: AssembledLayers, world: World, retention?: MakeRetention) {
    const { store, backend, leases, times } = layers;
    this.#layers = layers;
    this.store = store;
    this.backend = backend;
    this.leases = leases;
    this.world = world;
    this.streams = {
      slice: world.slice,
      check: () => this.check(),
      failed: (error) => this.inOwnWords(error),
    };
    this.admissions = new Admissions(store, world.slice);
    this.durableWrites = store.durability === 'commit';
    this.times = times;
    const { clock } = world;
    this.holds = new Holds(store, clock);
    this.retention = retention?.({ store, backend, times, holds: this.holds, clock });
  }

  /** For calls that begin. @throws KvError `KV_CLOSED` from the call of `close` on */
  check(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** For what had begun before `close`. @throws KvError `KV_CLOSED` once that has let in what it lets in */
  checkShut(): void {
    if (this.#shut) throw closedError();
  }

  /** Runs a call: refused after `close`, its errors in this package's words, and a turn for others behind it. */
  async call<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      this.check();
      return await work();
    } catch (error) {
      throw this.inOwnWords(error);
    } finally {
      if (this.world.slice.over()) await this.world.slice.next();
    }
  }

  /** The error as it goes out. */
  inOwnWords(error: unknown): unknown {
    if (this.#closing === undefined || !(error instanceof Error) || !('code' in error)) return error;
    return closedBelow.has(error.code) ? closedError(error) : error;
  }

  /** `inOwnWords` for what a promise rejects with. */
  readonly rethrow = (error: unknown): never => {
    throw this.inOwnWords(error);
  };

  /** True while the body of a section runs, and all that it calls. */
  get inside(): boolean {
    return this.#inside;
  }

  /** What a write inside a section gets, in the store's own words; the section ends with the same error. */
  refuseInside(): Promise<never> {
    const refused = (async (): Promise<never> => {
      throw (this.#trespass ??= refusalOf(this.store));
    })();
    // The section's caller is told: nobody needs to look at this one.
    refused.catch(() => undefined);
    return refused;
  }

  /** One section of the store, in this tick. @throws TypeError `KV_INVALID` when `body` returns a promise */
  write<T>(body: (txn: WriteTxn, leases: LeaseTxn) => T): Finished<T> {
    this.#inside = true;
    try {
      return this.leases.write((txn, leases) => {
        const value = body(txn, leases);
        if (this.#trespass !== undefined) throw this.#trespass;
        if (isThenable(value)) throw asynchronous(value);
        return value;
      });
    } finally {
      this.#inside = false;
      this.#trespass = undefined;
    }
  }

  /** Resolves when every write called so far has had its section. */
  async written(): Promise<void> {
    await this.running.passed(this.world.clock.turn);
    await this.admissions.passed();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (step: () => Promise<void>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    this.retention?.stop();
    await attempt(() => this.written());
    this.#shut = true;
    this.holds.end();
    await attempt(() => this.store.commit());
    for (const end of this.watches) end();
    await attempt(() => this.#layers.close());
    await this.retention?.ended();
    if (failures.length > 0) throw failures[0];
  }
}

/** The error of a section inside a section. */
function refusalOf(store: WatchableStore): Error {
  try {
    store.write(() => undefined);
    return new Error('the store took a section inside a section');
  } catch (error) {
    return error as Error;
  }
}

function closedError(cause?: Error): KvError {
  return new KvError('KV_CLOSED', 'the store is closed; open it again to go on', { cause });
}

function asynchronous(value: PromiseLike<unknown>): Error {
  // What an asynchronous body does from here on fails, and nobody listens to it.
  value.then(undefined, () => undefined);
  return invalidType(
    'the body of a write must be synchronous, it returned a promise; use transaction() for one that awaits',
  );
}
