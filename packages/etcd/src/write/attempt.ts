/**
 * One attempt of an optimistic transaction: what its body reads and buffers, and the one message that compares and writes.
 *
 * EAT1  What was read is unchanged when each key has the revision it had, and no key of a range was written since. Keys that have left a range
 *      are compared one by one, so what was read of ranges counts for the 128 conditions that a cluster takes: more is `KV_TOO_LARGE`.
 */
import { KvError, type Entry, type Kv, type LeaseChoice, type Range, type Transaction } from '@varve/api';
import {
  BufferedWrites,
  byteKey,
  compareBytes,
  contains,
  draftOf,
  invalidType,
  planKeys,
  restBehind,
  TransactionView,
  type Bounds,
  type BufferedWrite,
  type Records,
  type Running,
  type StoredRecord,
  type TransactionAttempt,
} from '@varve/api/implement';
import type { Compare, RequestOp, TxnRequest } from '@varve/etcd-api';
import { serverTxnOps } from '../channel/verdict.ts';
import type { Core } from '../core.ts';
import { deleteRequest, putRequest, storedRecord } from '../messages.ts';
import { recordsOfKeys } from '../read/many.ts';
import { modIs, writtenUntil } from './compares.ts';
import { withLeases } from './granted.ts';
import { requestOp, type LeaseOf } from './txn-request.ts';
import { sendTxn } from './send-txn.ts';

const pageEntries = 1000;

/** How a commit went: the revision that it made, or the one that was there when it lost. */
export interface Commit {
  readonly won: boolean;
  readonly revision: number;
}

export class Attempt implements TransactionAttempt {
  readonly revision: number;
  readonly #core: Core;
  readonly #running: Running;
  /** What was found of each key, by `byteKey`: the revision of its last change, 0 for none. */
  readonly #found = new Map<string, { readonly key: Uint8Array; readonly modRevision: number }>();
  readonly #ranges: Bounds[] = [];
  readonly #writes = new BufferedWrites();
  #over = false;

  constructor(core: Core, running: Running, revision: number) {
    this.#core = core;
    this.#running = running;
    this.revision = revision;
  }

  /** The records of a name space of the same connection. @throws TypeError `KV_INVALID` */
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
      if (error instanceof KvError && error.code === 'MVCC_COMPACTED' && (error.compactRevision ?? 0) > this.revision)
        return { valid: false };
      throw error;
    } finally {
      this.#over = true;
    }
  }

  async commit(signal: AbortSignal | undefined): Promise<Commit> {
    // One revision was read, which is a point in time within the call: nothing to compare.
    if (this.#writes.size === 0) return { won: true, revision: this.revision };
    signal?.throwIfAborted();
    this.#core.checkShut();
    const compare = this.#compares();
    const writes = [...this.#writes.all()];
    if (compare.length > serverTxnOps || writes.length > serverTxnOps) {
      const message = `the transaction has read or written more keys than a cluster compares or writes at once, ${serverTxnOps}: read and write less, or in parts`;
      throw new KvError('KV_TOO_LARGE', message, { limit: serverTxnOps });
    }
    const run = (): Promise<Commit> =>
      withLeases(
        this.#core,
        writes.map(({ lease }) => lease),
        async (leaseOf) => {
          const success = writes.map((write) => operation(write, leaseOf));
          const request: TxnRequest = { $typeName: 'etcdserverpb.TxnRequest', compare, success, failure: [] };
          const answer = await sendTxn(this.#core, request, signal, true);
          const revision = this.#core.calls.see(answer.header);
          return { used: () => answer.succeeded, read: () => ({ won: answer.succeeded, revision }) };
        },
      );
    return this.#core.line.enter(run, signal);
  }

  get<K, V>(records: Records<K, V>, key: K): Promise<Entry<K, V> | undefined> {
    return this.#read(async () => (await this.#entries(records, [{ key, bytes: records.keys.encodeOwn(key) }]))[0]);
  }

  getMany<K, V>(records: Records<K, V>, keys: readonly K[]): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#read(() => this.#entries(records, planKeys(keys, records.keys)));
  }

  list<K, V>(records: Records<K, V>, range: Range<K>): Promise<readonly Entry<K, V>[]> {
    return this.#read(async () => {
      const bounds = records.keys.bounds(range);
      const kvs: StoredRecord[] = [];
      for (let rest: Bounds | undefined = bounds; rest !== undefined;) {
        const part = await this.#core.range({ bounds: rest, revision: this.revision, limit: pageEntries });
        for (const kv of part.kvs) kvs.push(storedRecord(kv));
        const last = part.more ? part.kvs.at(-1) : undefined;
        rest = last && restBehind(last.key, bounds, false);
      }
      this.#ranges.push(bounds);
      for (const kv of kvs) this.#found.set(byteKey(kv.key), kv);
      return this.#withWrites(records, bounds, kvs);
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
      throw await this.#core.explained(error);
    } finally {
      if (this.#core.world.slice.over()) await this.#core.world.slice.next();
      this.#running.busy--;
      this.#running.moved = true;
    }
  }

  async #entries<K, V>(
    records: Records<K, V>,
    wanted: readonly { readonly key: K; readonly bytes: Uint8Array }[],
  ): Promise<readonly (Entry<K, V> | undefined)[]> {
    const asked = wanted.filter(({ bytes }) => !this.#writes.has(byteKey(bytes)));
    const found = await recordsOfKeys(
      this.#core,
      asked.map(({ bytes }) => bytes),
      this.revision,
      undefined,
    );
    const read = new Map<string, StoredRecord | undefined>();
    for (const [i, { bytes }] of asked.entries()) {
      const kv = found[i];
      read.set(byteKey(bytes), kv);
      this.#found.set(byteKey(bytes), { key: bytes, modRevision: kv?.modRevision ?? 0 });
    }
    return wanted.map(({ key, bytes }) => {
      const name = byteKey(bytes);
      const kv = read.get(name);
      if (kv !== undefined) return records.entry(kv, key);
      const write = read.has(name) ? undefined : this.#writes.get(name);
      return write && draftOf(records, write);
    });
  }

  #compares(): Compare[] {
    const keys = [...this.#found.values()].map(({ key, modRevision }) => modIs(key, modRevision));
    return [...keys, ...this.#ranges.map((bounds) => writtenUntil(bounds, this.revision))];
  }

  /** What was found, with what this transaction has written there. */
  #withWrites<K, V>(records: Records<K, V>, bounds: Bounds, kvs: readonly StoredRecord[]): readonly Entry<K, V>[] {
    const rows: { readonly key: Uint8Array; readonly entry: () => Entry<K, V> | undefined }[] = [];
    for (const kv of kvs)
      if (!this.#writes.has(byteKey(kv.key))) rows.push({ key: kv.key, entry: () => records.entry(kv) });
    for (const write of this.#writes.all()) {
      if (contains(bounds, write.key)) rows.push({ key: write.key, entry: () => draftOf(records, write) });
    }
    return rows.toSorted((a, b) => compareBytes(a.key, b.key)).flatMap(({ entry }) => entry() ?? []);
  }
}

function operation({ key, value, lease }: BufferedWrite, leaseOf: LeaseOf): RequestOp {
  if (value !== undefined)
    return requestOp({ case: 'requestPut', value: putRequest(key, value, leaseOf(lease), false) });
  return requestOp({ case: 'requestDeleteRange', value: deleteRequest({ key, end: undefined }, false) });
}
