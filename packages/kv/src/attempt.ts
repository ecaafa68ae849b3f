/**
 * One attempt of an optimistic transaction: what its body reads and buffers, and the commit that compares.
 *
 * AT1 What was read is unchanged when the newest revision is still the one that was read; else where the same keys have the
 *     same revisions. The index tells that: no record is read again.
 * AT2 Where that is much, it is compared in slices at the newest revision before the section: the line of the writes waits
 *     meanwhile, the event loop does not (law 10). Leases that run out do not wait: then it is compared again.
 */
import type { Entry, Kv, LeaseChoice, Range, Transaction } from '@varve/api';
import {
  type Bounds,
  type BufferedWrite,
  BufferedWrites,
  contains,
  draftOf,
  entriesOf,
  invalidType,
  keyAfter,
  planKeys,
  type Records,
  type Running,
  sortInSlices,
  type TransactionAttempt,
  TransactionView,
} from '@varve/api/implement';
import { byteKey, compareBytes } from '@varve/base/order';
import type { LeaseTxn } from '@varve/lease';
import { MvccError, type KeyValue, type WriteTxn } from '@varve/watch';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';
import { isGrant, leaseFor } from './lease-choice.ts';
import { section } from './section.ts';

const KEY_ONLY = { keyOnly: true } as const;

/** One key or range that was read, and what was there. */
interface Read {
  readonly bounds: Bounds;
  readonly found: readonly Found[];
}

type Found = Pick<KeyValue, 'key' | 'modRevision'>;

/** Keys that are compared inside the section: well below a millisecond. */
const shortKeys = 256;

export class Attempt implements TransactionAttempt {
  readonly revision: number;
  readonly #core: Core;
  readonly #running: Running;
  /** Of single keys by `byteKey`, as the writes. */
  readonly #reads = new Map<string, Read>();
  readonly #ranges: Read[] = [];
  readonly #writes = new BufferedWrites();
  /** What the comparison before the section has found. */
  #compared: { readonly same: boolean; readonly revision: number } | undefined;
  #over = false;

  constructor(core: Core, running: Running) {
    this.#core = core;
    this.#running = running;
    this.revision = core.store.rev();
  }

  /** The records of a name space of the same store. @throws TypeError `KV_INVALID` */
  recordsOf<K, V, W>(namespace: Kv<K, V, W>): Records<K, V> {
    this.#check();
    return this.#core.views.recordsOf(namespace);
  }

  async run<K, V, T>(
    records: Records<K, V>,
    body: (tx: Transaction<K, V>) => T | Promise<T>,
  ): Promise<{ valid: true; value: T } | { valid: false }> {
    try {
      return { valid: true, value: await body(new TransactionView(this, records)) };
    } catch (error) {
      // Compaction passed the revision under the body: no fault of its own, a newer one will do.
      const overtaken = error instanceof MvccError && error.code === 'MVCC_COMPACTED';
      if (overtaken && this.revision < this.#core.store.firstRev()) return { valid: false };
      throw error;
    } finally {
      this.#over = true;
    }
  }

  /** The revision of the commit, or `undefined` when something read has changed. */
  async commit(signal: AbortSignal | undefined): Promise<number | undefined> {
    // One revision was read, which is a point in time within the call: nothing to compare.
    if (this.#writes.size === 0) return this.revision;
    signal?.throwIfAborted();
    this.#core.checkShut();
    const grants = [...this.#writes.all()].some(({ lease }) => isGrant(lease));
    const entry = { signal, grants, prepare: () => this.#prepare(signal) };
    const finished = await section(this.#core, entry, (txn, leases) => {
      return this.#unchanged(txn) && this.#apply(txn, leases);
    });
    return finished.value ? finished.revision : undefined;
  }

  get<K, V>(records: Records<K, V>, key: K): Promise<Entry<K, V> | undefined> {
    return this.#read(() => {
      const bytes = records.keys.encodeOwn(key);
      const name = byteKey(bytes);
      const write = this.#writes.get(name);
      if (write !== undefined) return draftOf(records, write);
      const kv = this.#core.store.get(bytes, { revision: this.revision });
      const found = kv === undefined ? [] : [{ key: bytes, modRevision: kv.modRevision }];
      this.#reads.set(name, { bounds: { key: bytes, end: undefined }, found });
      return kv === undefined ? undefined : records.entry(kv, key);
    });
  }

  getMany<K, V>(records: Records<K, V>, keys: readonly K[]): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#read(() => Promise.all(planKeys(keys, records.keys).map(({ key }) => this.get(records, key))));
  }

  list<K, V>(records: Records<K, V>, range: Range<K>): Promise<readonly Entry<K, V>[]> {
    return this.#read(async () => {
      const bounds = records.keys.bounds(range);
      const { kvs } = await this.#core.store.range(bounds.key, bounds.end, { revision: this.revision });
      this.#ranges.push({ bounds, found: kvs });
      return this.#writes.size === 0
        ? entriesOf(this.#core.world.slice, records, kvs)
        : this.#withWrites(records, bounds, kvs);
    });
  }

  put<K, V>(records: Records<K, V>, key: K, value: V, options?: LeaseChoice): void {
    this.#check();
    this.#writes.put(records, key, value, options);
  }

  delete<K, V>(records: Records<K, V>, key: K): void {
    this.#check();
    this.#writes.delete(records, key);
  }

  #check(): void {
    this.#core.checkShut();
    if (this.#over) {
      this.#core.check();
      throw invalidType('the transaction is over: use it inside its body only, and await what it returns');
    }
    this.#running.moved = true;
  }

  async #read<T>(work: () => T | Promise<T>): Promise<T> {
    this.#running.busy++;
    try {
      this.#check();
      return await work();
    } catch (error) {
      throw this.#core.inOwnWords(error);
    } finally {
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
      this.#running.busy--;
      this.#running.moved = true;
    }
  }

  /** What was found, with what this transaction has written there, in slices. */
  async #withWrites<K, V>(
    records: Records<K, V>,
    bounds: Bounds,
    kvs: readonly KeyValue[],
  ): Promise<readonly Entry<K, V>[]> {
    const own: BufferedWrite[] = [];
    for (const write of this.#writes.all()) {
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
      if (contains(bounds, write.key)) own.push(write);
    }
    const writes = await sortInSlices(this.#core.world.slice, own, (a, b) => compareBytes(a.key, b.key));
    const entries: Entry<K, V>[] = [];
    let next = 0;
    const add = (write: BufferedWrite): void => {
      const draft = draftOf(records, write);
      if (draft !== undefined) entries.push(draft);
    };
    for (const kv of kvs) {
      let order = -1;
      for (let write = writes[next]; write !== undefined; write = writes[next]) {
        if (this.#core.world.slice.over()) await this.#core.world.slice.next();
        order = compareBytes(write.key, kv.key);
        if (order > 0) break;
        add(write);
        next++;
        if (order === 0) break;
      }
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
      if (order !== 0) entries.push(records.entry(kv));
    }
    for (let write = writes[next]; write !== undefined; write = writes[++next]) {
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
      add(write);
    }
    return entries;
  }

  #prepare(signal: AbortSignal | undefined): Promise<void> | undefined {
    const newest = this.#core.store.finishedRev();
    if (newest === this.revision || this.#compared?.same === false || this.#compared?.revision === newest)
      return undefined;
    let keys = this.#reads.size;
    for (const { found } of this.#ranges) keys += found.length;
    return keys <= shortKeys ? undefined : this.#compare(signal);
  }

  async #compare(signal: AbortSignal | undefined): Promise<void> {
    const { store } = this.#core;
    // What is finished becomes visible, and no writer has a section from here to that of this one.
    await store.settled();
    const revision = store.rev();
    this.#compared = { revision, same: await this.#unchangedAt(revision, signal) };
  }

  async #unchangedAt(revision: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { store } = this.#core;
    for (const { bounds, found } of this.#allReads()) {
      const size = new ChunkSize();
      let compared = 0;
      for (let from: Uint8Array | undefined = bounds.key; from !== undefined;) {
        if (this.#core.world.slice.over()) await this.#core.world.slice.next();
        signal?.throwIfAborted();
        const limit = size.entries;
        const { kvs: now } = await store.range(from, bounds.end, { revision, limit, keysOnly: true });
        for (const kv of now) if (!same(kv, found[compared++])) return false;
        size.learn(now);
        const last = now.length < limit ? undefined : now.at(-1);
        from = last && keyAfter(last.key);
      }
      if (compared !== found.length) return false;
    }
    return true;
  }

  #unchanged(txn: WriteTxn): boolean {
    if (txn.rev() === this.revision) return true;
    if (this.#compared?.same === false) return false;
    if (this.#compared?.revision === txn.rev()) return true;
    return this.#allReads().every(({ bounds, found }) => {
      if (bounds.end === undefined)
        return (txn.get(bounds.key, KEY_ONLY)?.modRevision ?? 0) === (found[0]?.modRevision ?? 0);
      // One more than there were tells whether it has grown, whatever it has grown to.
      const now = txn.range(bounds.key, bounds.end, { keysOnly: true, limit: found.length + 1 }).kvs;
      return now.length === found.length && now.every((kv, i) => same(kv, found[i]));
    });
  }

  #allReads(): readonly Read[] {
    return [...this.#reads.values(), ...this.#ranges];
  }

  #apply(txn: WriteTxn, leases: LeaseTxn): true {
    for (const { key, value, lease } of this.#writes.all()) {
      if (value === undefined) txn.deleteRange(key);
      else txn.put(key, value, leaseFor(leases, lease));
    }
    return true;
  }
}

function same(a: Found, b: Found | undefined): boolean {
  return b !== undefined && a.modRevision === b.modRevision && compareBytes(a.key, b.key) === 0;
}
