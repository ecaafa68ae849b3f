/**
 * A small lessor, as far as a server can tell the difference: in memory, with a timer for each lease. Where `@varve/lease` is
 * there, it takes this one's place.
 */
import type { Change, Store, StoreOptions } from '@varve/watch';
import type { Lease, Lessor } from '../../src/layers.ts';

type ObserverFactory = NonNullable<StoreOptions['observers']>[number];

interface Held extends Lease {
  expiry: number;
  readonly keys: Set<string>;
  readonly gone: Gone;
  timer: NodeJS.Timeout | undefined;
}

interface Gone {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

const MIN_TTL = 2;
const MAX_TTL = 9_000_000_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class TestLessor implements Lessor {
  readonly #held: Map<bigint, Held> = new Map();
  readonly #byKey: Map<string, Held> = new Map();
  #store: Store | undefined;
  #nextId = 7_000_000_000_000_000_001n;

  readonly observe: ObserverFactory = (store) => {
    this.#store = store;
    return { finished: ({ changes }) => changes.forEach((change) => this.#follow(change)) };
  };

  grant(ttl: number, id: bigint = this.#nextId++): { readonly id: bigint; readonly ttl: number } {
    if (ttl > MAX_TTL) throw coded('LEASE_TTL_TOO_LARGE');
    if (this.#held.has(id)) throw coded('LEASE_EXISTS');
    let resolve!: () => void;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const held: Held = {
      id,
      ttl: Math.max(ttl, MIN_TTL),
      expiry: 0,
      keys: new Set(),
      gone: { promise, resolve },
      timer: undefined,
      get remaining() {
        return (this.expiry - performance.now()) / 1000;
      },
    };
    this.#held.set(id, held);
    this.#start(held);
    return held;
  }

  revoke(id: bigint): number {
    const held = this.#held.get(id);
    if (held === undefined) throw coded('LEASE_NOT_FOUND');
    const keys = this.keys(id);
    this.#store!.write((txn) => {
      for (const key of keys) txn.deleteRange(key);
    });
    clearTimeout(held.timer);
    this.#held.delete(id);
    held.gone.resolve();
    return keys.length;
  }

  async renew(id: bigint): Promise<number> {
    const held = this.#held.get(id);
    if (held === undefined) throw coded('LEASE_NOT_FOUND');
    if (held.remaining <= 0) {
      await held.gone.promise;
      throw coded('LEASE_NOT_FOUND');
    }
    this.#start(held);
    return held.ttl;
  }

  lookup(id: bigint): Lease | undefined {
    return this.#held.get(id);
  }

  keys(id: bigint): readonly Uint8Array[] {
    const keys = [...(this.#held.get(id)?.keys ?? [])].toSorted((a, b) => (a < b ? -1 : 1));
    return keys.map((key) => new Uint8Array(Buffer.from(key, 'latin1')));
  }

  list(): readonly Lease[] {
    return [...this.#held.values()].toSorted((a, b) => a.remaining - b.remaining);
  }

  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
  }

  #start(held: Held): void {
    clearTimeout(held.timer);
    held.expiry = performance.now() + held.ttl * 1000;
    held.timer = setTimeout(() => this.revoke(held.id), Math.min(held.ttl * 1000 + 10, LONGEST_TIMER_MS));
    held.timer.unref();
  }

  #follow({ kv }: Change): void {
    const key = Buffer.from(kv.key).toString('latin1');
    this.#byKey.get(key)?.keys.delete(key);
    this.#byKey.delete(key);
    const held = kv.lease === 0n ? undefined : this.#held.get(kv.lease);
    if (held === undefined) return;
    held.keys.add(key);
    this.#byKey.set(key, held);
  }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
