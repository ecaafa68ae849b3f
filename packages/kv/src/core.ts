/**
 * What all views of one open store share: the layers below, the line of the writes, and whether it is still open.
 *
 * COR1  Closing happens once, in the reverse order of opening, to its end even when a step fails; the first failure is
 *     what `close` rejects with.
 * COR2  Every write that was called before `close`, `settled` or `commit` is let in before they go on, and is committed, so
 *     that waiting writers get their answers (R8, R9). Of an optimistic transaction that holds while its body waits for
 *     nothing but its own reads: one that waits for something else may be waiting for this very call.
 * COR3  Whatever a layer below says because it was closed under a call comes out as `KV_CLOSED`.
 * COR4  A write inside the body of a section is refused, and the section with it: its author meant it to be a part.
 */
import { KvError, type Kv } from '@varve/api';
import { invalidType, isThenable, type Records } from '@varve/api/implement';
import type { World } from '@varve/base/world';
import type { LeaseTxn, Lessor } from '@varve/lease';
import type { Backend, Finished, WatchableStore, WriteTxn } from '@varve/watch';
import { Admissions } from './admissions.ts';
import type { Layers } from './layers.ts';

/** An optimistic transaction that has not ended yet. */
export interface Running {
  /** Its own reads and commits that are under way. */
  busy: number;
  /** Something of it has happened since it was looked at. */
  moved: boolean;
}

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
  readonly lessor: Lessor;
  readonly world: World;
  readonly admissions: Admissions;
  /** True when a write is answered after its commit. */
  readonly durableWrites: boolean;
  /** Ends a watch each. */
  readonly watches: Set<() => void> = new Set<() => void>();
  readonly running: Set<Running> = new Set<Running>();
  /** The records of each view of this store. */
  readonly #views = new WeakMap<object, unknown>();
  /** Optimistic transactions that lost an attempt and try again. */
  losers = 0;
  #closing: Promise<void> | undefined;
  /** What was called before `close` has been let in. */
  #shut = false;
  #inside = false;
  /** Why the section under way is undone though its body has returned. */
  #trespass: Error | undefined;

  readonly #layers: Layers;

  constructor(layers: Layers, world: World) {
    const { store, backend, lessor } = layers;
    this.#layers = layers;
    this.store = store;
    this.backend = backend;
    this.lessor = lessor;
    this.world = world;
    this.admissions = new Admissions(store, world.slice);
    this.durableWrites = store.durability === 'commit';
  }

  /** This object is a view of the store, with these records. */
  addView<K, V, W>(view: Kv<K, V, W>, records: Records<K, V>): void {
    this.#views.set(view, records);
  }

  /** The records of a view of this store. @throws TypeError `KV_INVALID` for anything else */
  readonly recordsOf = <K, V, W>(view: Kv<K, V, W>): Records<K, V> => {
    const records = Object(view) === view ? this.#views.get(view) : undefined;
    if (records === undefined)
      throw invalidType('the name space must be one of this store, as namespace(prefix) gives it');
    // `addView` is told both together.
    return records as Records<K, V>;
  };

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
      return this.lessor.write((txn, leases) => {
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
    let called = [...this.running];
    while (called.length > 0) {
      for (const running of called) running.moved = false;
      await this.world.clock.turn();
      called = called.filter((running) => this.running.has(running) && (running.moved || running.busy > 0));
    }
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
    await attempt(() => this.written());
    this.#shut = true;
    await attempt(() => this.store.commit());
    for (const end of this.watches) end();
    await attempt(() => this.#layers.close());
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
