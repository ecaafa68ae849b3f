/**
 * The one `Lessor`: it observes the store, so that it knows whose each key is, and writes like any other client of it.
 *
 *   section ──> rows, deletions ──> finished: grants, then keys, then revocations take effect in memory
 *   clock   ──> loop ──> run out ──> revoked, each in a section of its own, slice by slice
 *
 * LSS1  What is in memory is what a writer sees: it changes in the tick in which the store says that a section has finished.
 * LSS2  The lessor is primary as long as the loop runs on its state; a promotion in slices belongs to one such time (`#reign`).
 * LSS3  A lease that is gone is told of when that can be seen by everybody (law 1); one that has run out is lost to its holder at once.
 * LSS4  Other data: the new state is built beside the old one and takes its place in the tick of the swap.
 *
 * etcd: server/lease/lessor.go (spec lease.md section 2).
 */
import type { Finished, FinishedTransaction, NextData, Store, StoreObserver, WriteTxn } from '@varve/mvcc';
import { compareBytes } from '@varve/base/order';
import type { Clock } from '@varve/base/clock';
import { checkDuration, checkId, checkKey } from './checks.ts';
import { dropMark, readTimes, writeMark } from './downtime.ts';
import { backgroundError } from './diagnostics.ts';
import { Endings } from './endings.ts';
import { closed, notFound, notPrimary } from './errors.ts';
import { ExpiryLoop, type LoopSettings } from './expiry-loop.ts';
import { LeaseSection, type SectionSettings } from './lease-section.ts';
import { LeaseState } from './lease-state.ts';
import type { Lease, LeaseCheckpoint, LeaseTxn, Lessor, LessorOptions } from './lessor.ts';
import { loadLeases } from './load-leases.ts';
import { promoteLeases } from './promotion.ts';
import { Reaper } from './reaper.ts';

export interface LessorSettings extends SectionSettings, LoopSettings {
  readonly primary: boolean;
  readonly countsDowntime: boolean;
  readonly onExpired: LessorOptions['onExpired'];
  readonly checkpointer: LessorOptions['checkpointer'];
}

export class LeaseLessor implements Lessor {
  readonly observer: StoreObserver;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #settings: LessorSettings;
  readonly #loop: ExpiryLoop;
  readonly #reaper: Reaper;
  readonly #endings = new Endings();
  readonly #counts = { lease_granted_total: 0, lease_revoked_total: 0, lease_renewed_total: 0 };
  #state = new LeaseState();
  #nextState: LeaseState | undefined;
  /** Transactions that finish while the state is loaded. */
  #early: FinishedTransaction[] | undefined = [];
  #section: LeaseSection | undefined;
  #hasBucket = false;
  #primary = false;
  /** Counts promotions and demotions. */
  #reign = 0;
  /** Renewals wait for it: a mark of an earlier closing is still there. */
  #unmarked: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  constructor(store: Store, settings: LessorSettings, clock: Clock) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#loop = new ExpiryLoop(clock, settings, {
      expired: (ids) => this.#expired(ids),
      checkpoint: (checkpoints) => {
        this.#writeCheckpoints(checkpoints).catch((error: unknown) => this.#unheard('checkpoint', error));
      },
    });
    this.#reaper = new Reaper(store, clock, this.#revokeExpired, (error) => this.#unheard('expiry', error));
    this.observer = {
      finished: (transaction) => this.#finished(transaction),
      failed: (error) => this.#failed(error),
      swapping: (next) => this.#swapping(next),
      swapped: () => this.#swapped(),
      closing: () => (this.#closing ??= this.#end(false)),
      leaseAttachments: () => (this.#early === undefined ? this.#state.attached() : undefined),
      metrics: () => ({ ...this.#counts, leases: this.size, leased_keys: this.#state.attachments.size }),
    };
  }

  /** Loads what the store has, and begins. */
  async open(): Promise<void> {
    const { minTtl, primary, countsDowntime, onExpired, rate } = this.#settings;
    const state = await loadLeases(this.#store.rows, this.#store.takeLeaseAttachments(), this.#clock, minTtl);
    for (const transaction of this.#early!) state.apply(transaction);
    this.#early = undefined;
    this.#state = state;
    if (primary && countsDowntime) {
      await readTimes(this.#store, state, this.#clock, (lease, expiry) => this.#loop.start(state, lease, expiry));
    }
    if (await dropMark(this.#store)) await this.#store.settled();
    if (!primary) return;
    await this.#promote(0);
    if (onExpired === undefined && rate === undefined) await this.#loop.drain();
    await this.#store.settled();
  }

  get size(): number {
    return this.#state.leases.size;
  }

  get primary(): boolean {
    return this.#primary;
  }

  write<T>(body: (txn: WriteTxn, leases: LeaseTxn) => T): Finished<T> {
    if (this.#closing !== undefined) throw closed();
    if (typeof body !== 'function') throw new TypeError('body must be a function');
    let section: LeaseSection | undefined;
    let finished: Finished<T>;
    try {
      finished = this.#store.write((txn) => {
        section = new LeaseSection(this.#state, txn, this.#settings, this.#hasBucket);
        this.#section = section;
        return body(txn, section);
      });
    } finally {
      section?.leave();
      if (this.#section === section) this.#section = undefined;
    }
    this.#begin(section!);
    this.#finish(section!);
    return finished;
  }

  grant(ttl: number, id?: bigint): { readonly id: bigint; readonly ttl: number } {
    return this.write((_, leases) => leases.grant(ttl, id)).value;
  }

  put(key: Uint8Array, value: Uint8Array, lease: bigint): number {
    if (this.#closing !== undefined) throw closed();
    this.check(lease);
    return this.#store.put(key, value, lease);
  }

  revoke(id: bigint): number {
    return this.write((_, leases) => leases.revoke(id)).value;
  }

  async renew(id: bigint): Promise<number> {
    checkId(id);
    if (this.#unmarked !== undefined) await this.#unmarked;
    for (;;) {
      const lease = this.#renewable(id);
      const { leases } = this.#state;
      if (leases.expiry.get(lease) <= this.#clock.now()) {
        await this.#endings.wait(id, () => this.#loop.hurry());
        continue;
      }
      if (leases.remaining.get(lease) > 0) await this.#writeCheckpoints([{ id, remaining: 0 }]);
      else return this.#renewed(lease);
      const again = this.#renewable(id);
      // It may have run out meanwhile, and its end is under way.
      if (this.#state.leases.expiry.get(again) > this.#clock.now()) return this.#renewed(again);
    }
  }

  checkpoint(checkpoints: readonly LeaseCheckpoint[]): void {
    this.write((_, leases) => {
      for (const checkpoint of checkpoints) leases.checkpoint(checkpoint);
    });
  }

  check(id: bigint): void {
    checkId(id);
    if (id !== 0n) this.#place(id);
  }

  lookup(id: bigint): Lease | undefined {
    checkId(id);
    const lease = this.#state.leases.find(id);
    return lease === 0 ? undefined : this.#state.view(lease, this.#clock.now());
  }

  keys(id: bigint): readonly Uint8Array[] {
    checkId(id);
    return this.#state.attachments.keys(this.#place(id)).sort(compareBytes);
  }

  leaseOf(key: Uint8Array): bigint {
    checkKey(key);
    const lease = this.#state.attachments.leaseOf(key);
    return lease === 0 ? 0n : this.#state.leases.id(lease);
  }

  list(): readonly Lease[] {
    return this.#state.list(this.#clock.now());
  }

  signal(id: bigint): AbortSignal {
    checkId(id);
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#closing !== undefined) throw closed();
    const lease = this.#place(id);
    const signal = this.#endings.signal(id);
    if (this.#state.leases.expiry.get(lease) <= this.#clock.now()) this.#endings.lost(id);
    return signal;
  }

  async promote(extendMs = 0): Promise<void> {
    checkDuration(extendMs, 'extendMs');
    if (this.#closing !== undefined) throw closed();
    if (this.#primary) this.#forget();
    await this.#promote(extendMs);
  }

  demote(): void {
    if (!this.#primary) return;
    this.#primary = false;
    this.#forget();
    this.#endings.wake();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end(this.#primary && this.#settings.countsDowntime));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  checkInvariants(): void {
    this.#state.checkInvariants(this.#primary || this.#closing !== undefined);
  }

  // What the store tells

  #finished(transaction: FinishedTransaction): void {
    if (this.#early !== undefined) {
      this.#early.push(transaction);
      return;
    }
    const section = this.#section;
    if (section !== undefined) this.#begin(section);
    this.#state.apply(transaction);
  }

  #failed(error: unknown): void {
    this.#failure = { error };
    this.#loop.stop();
    this.#endings.fail(error);
  }

  async #swapping({ rows, leaseAttachments }: NextData): Promise<void> {
    this.#nextState = undefined;
    this.#nextState = await loadLeases(rows, leaseAttachments, this.#clock, this.#settings.minTtl);
  }

  #swapped(): void {
    this.#store.takeLeaseAttachments();
    this.#state = this.#nextState!;
    this.#nextState = undefined;
    this.#hasBucket = false;
    for (const id of this.#endings.signalled) if (this.#state.leases.find(id) === 0) this.#endings.lost(id);
    // Nothing can be written in the tick of the swap.
    this.#unmarked = this.#afterSwap();
    this.#unmarked.catch((error: unknown) => this.#unheard('swap', error));
  }

  async #afterSwap(): Promise<void> {
    if (this.#primary) void this.#promote(0);
    this.#endings.wake();
    await Promise.resolve();
    if (await dropMark(this.#store)) await this.#store.settled();
    this.#unmarked = undefined;
  }

  // Sections

  /** What a section granted is there before keys come to it. */
  #begin(section: LeaseSection): void {
    for (const [id, ttl] of section.granted) {
      const lease = this.#state.leases.add(id, ttl, 0);
      this.#counts.lease_granted_total++;
      if (this.#primary) this.#loop.start(this.#state, lease, this.#clock.now() + 1000 * ttl);
    }
    if (section.granted.size > 0) this.#loop.arm();
    section.granted.clear();
  }

  /** What a section ended is there until its keys have left. */
  #finish(section: LeaseSection): void {
    this.#hasBucket = section.hasBucket;
    for (const { id, remaining } of section.checkpoints) {
      const lease = this.#state.leases.find(id);
      this.#state.leases.remaining.set(lease, remaining);
      if (this.#primary) this.#loop.scheduleCheckpoint(this.#state, lease);
    }
    if (section.checkpoints.length > 0) this.#loop.arm();
    let awaited: bigint[] | undefined;
    for (const id of section.revoked) {
      this.#state.remove(this.#state.leases.find(id));
      this.#counts.lease_revoked_total++;
      if (this.#endings.awaited(id)) (awaited ??= []).push(id);
    }
    if (awaited !== undefined) void this.#endings.announce(awaited, this.#store.settled());
  }

  // Time

  async #promote(extendMs: number): Promise<void> {
    const reign = ++this.#reign;
    const state = this.#state;
    const first = !this.#primary;
    this.#primary = true;
    this.#loop.run(state);
    if (!first) this.#endings.wake();
    await promoteLeases(state, this.#clock, {
      extendMs,
      rate: this.#settings.rate,
      start: (lease, expiry) => this.#loop.start(state, lease, expiry),
      wanted: () => this.#reign === reign && this.#state === state,
    });
    this.#loop.arm();
  }

  /** No lease runs out any more. */
  #forget(): void {
    this.#reign++;
    this.#loop.stop();
    this.#state.leases.expiry.fill(Infinity);
    this.#state.due.clear();
    this.#state.checkpoints.clear();
  }

  /** The place of a lease that may be renewed now. */
  #renewable(id: bigint): number {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!this.#primary || this.#closing !== undefined) throw notPrimary();
    return this.#place(id);
  }

  #renewed(lease: number): number {
    const { leases, due } = this.#state;
    const expiry = this.#clock.now() + 1000 * leases.effectiveRemaining(lease);
    leases.expiry.set(lease, expiry);
    due.set(lease, expiry);
    this.#counts.lease_renewed_total++;
    return leases.ttl.get(lease);
  }

  async #writeCheckpoints(checkpoints: readonly LeaseCheckpoint[]): Promise<void> {
    const { checkpointer } = this.#settings;
    if (checkpointer !== undefined) return await checkpointer(checkpoints);
    if (!this.#store.admitting) await this.#store.admit();
    this.checkpoint(checkpoints);
    await this.#store.settled();
  }

  async #expired(ids: readonly bigint[]): Promise<void> {
    for (const id of ids) this.#endings.lost(id);
    const { onExpired } = this.#settings;
    if (onExpired === undefined) return await this.#reaper.take(ids);
    try {
      await onExpired(ids);
    } catch (error) {
      this.#unheard('expiry', error);
    }
  }

  /** It may have been revoked meanwhile, or the lessor demoted. */
  readonly #revokeExpired = (id: bigint): void => {
    const lease = this.#state.leases.find(id);
    if (lease !== 0 && this.#state.leases.expiry.get(lease) <= this.#clock.now()) this.revoke(id);
  };

  async #end(marks: boolean): Promise<void> {
    const time = { unixMs: this.#clock.unixMs(), now: this.#clock.now() };
    this.#reign++;
    this.#loop.stop();
    this.#endings.wake();
    // Whoever waited finds the lessor closed in its own turn.
    await this.#reaper.end();
    if (marks && this.#failure === undefined && this.size > 0)
      await writeMark(this.#store, this.#state.leases, time, this.#clock);
    this.#endings.fail(closed());
  }

  #unheard(work: string, error: unknown): void {
    if (this.#closing === undefined && this.#failure === undefined) backgroundError(work, error);
  }

  #place(id: bigint): number {
    const lease = this.#state.leases.find(id);
    if (lease === 0) throw notFound(id);
    return lease;
  }
}
