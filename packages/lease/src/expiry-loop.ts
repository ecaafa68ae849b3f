/**
 * What happens by the clock: leases that run out are handed over, those that live long are checkpointed. One timer for all of it.
 *
 *   due queue ──> batch ──> handed over (16 at a time) ──> gone
 *       ^                        └── still there after `retryMs`: handed over again
 *
 * EXP1  A lease is handed over at its expiry or later, never before; and not again before `retryMs` have passed.
 * EXP2  With a rate, a pass takes at most half a second's leases and passes are half a second apart. Without, a pass takes what is due
 *       for as long as a slice lasts (law 10).
 * EXP3  Where 16 batches are under way nothing is taken: what is due stays in the queue, in its order, until one has ended.
 * EXP4  The timer keeps no process alive, waits no longer than timers can, and is gone after `stop`.
 *
 * etcd: runLoop, revokeExpiredLeases and checkpointScheduledLeases of server/lease/lessor.go (spec lease.md sections 3, 5). Departs: it
 * wakes when something is due, not every 500 ms.
 */
import type { Clock } from '@varve/base/clock';
import { Slice } from '@varve/base/pace';
import { LONGEST_TIMER_MS } from './checks.ts';
import type { LeaseState } from './lease-state.ts';
import type { LeaseCheckpoint } from './lessor.ts';

export interface LoopSettings {
  /** Leases a second; no limit where absent. */
  readonly rate: number | undefined;
  readonly retryMs: number;
  /** 0 for never. */
  readonly checkpointIntervalMs: number;
}

/** What the loop hands over. None of them throws or rejects. */
export interface LoopWork {
  /** Leases that have run out. */
  expired(ids: readonly bigint[]): Promise<void>;
  checkpoint(checkpoints: readonly LeaseCheckpoint[]): void;
}

const BATCH = 500;
const MOST_BATCHES = 16;
/** Between two passes without a rate: what runs out one after another goes together. */
const GATHER_MS = 100;
const CHECKPOINT_BATCH = 1000;
const MOST_CHECKPOINT_BATCHES = 500;

export class ExpiryLoop {
  readonly #clock: Clock;
  readonly #settings: LoopSettings;
  readonly #work: LoopWork;
  readonly #underWay = new Set<Promise<void>>();
  /** Leases a pass, and the time between two. */
  readonly #most: number;
  readonly #periodMs: number;
  #state: LeaseState | undefined;
  #lastPass = -Infinity;
  #armedFor = Infinity;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock, settings: LoopSettings, work: LoopWork) {
    this.#clock = clock;
    this.#settings = settings;
    this.#work = work;
    const { rate } = settings;
    this.#most = rate === undefined ? Infinity : Math.max(1, Math.floor(rate / 2));
    this.#periodMs = rate === undefined ? GATHER_MS : (1000 * this.#most) / rate;
  }

  /** Works on these leases from here on. */
  run(state: LeaseState): void {
    this.stop();
    this.#state = state;
    this.arm();
  }

  stop(): void {
    this.#state = undefined;
    this.#cancel();
  }

  /** The lease runs out then. */
  start(state: LeaseState, lease: number, expiry: number): void {
    state.leases.expiry.set(lease, expiry);
    state.due.set(lease, expiry);
    this.scheduleCheckpoint(state, lease);
  }

  /** Checkpoints the lease when the interval is over, if it lives that long. */
  scheduleCheckpoint(state: LeaseState, lease: number): void {
    const { checkpointIntervalMs } = this.#settings;
    if (checkpointIntervalMs === 0) return;
    if (1000 * state.leases.effectiveRemaining(lease) > checkpointIntervalMs) {
      state.checkpoints.append(lease, this.#clock.now() + checkpointIntervalMs);
    } else state.checkpoints.remove(lease);
  }

  /** Something may be due earlier than before. */
  arm(): void {
    const state = this.#state;
    if (state === undefined) return;
    const full = this.#underWay.size >= MOST_BATCHES;
    const wanted = Math.min(full ? Infinity : state.due.firstAt, state.checkpoints.firstAt);
    const at = Math.max(wanted, this.#lastPass + this.#periodMs);
    if (at >= this.#armedFor) return;
    this.#cancel();
    this.#armedFor = at;
    const wait = Math.ceil(at - this.#clock.now());
    this.#disarm = this.#clock.after(Math.max(0, Math.min(LONGEST_TIMER_MS, wait)), this.#pass);
  }

  /** Somebody waits for what is due: hands it over now, unless a rate forbids. */
  hurry(): void {
    if (this.#most === Infinity) this.#pass();
  }

  /** Hands over what is due now without waiting for the timer; resolves when that has been dealt with. */
  async drain(): Promise<void> {
    const until = this.#clock.now();
    while (this.#state !== undefined && this.#state.due.firstAt <= until) {
      this.#pass();
      await this.settled();
      await this.#clock.turn();
    }
  }

  /** Resolves when no batch is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  readonly #pass = (): void => {
    this.#cancel();
    const state = this.#state;
    if (state === undefined) return;
    this.#lastPass = this.#clock.now();
    const slice = new Slice(this.#clock);
    this.#expire(state, slice);
    // Whoever was told may have ended it all.
    if (this.#state === state) this.#checkpoint(state, slice);
    // What there was no time or room for need not wait for the next period, unless that is what keeps the rate.
    if (this.#most === Infinity && (slice.over || state.due.firstAt <= this.#lastPass)) this.#lastPass = -Infinity;
    this.arm();
  };

  #expire(state: LeaseState, slice: Slice): void {
    const now = this.#lastPass;
    let room = this.#most;
    while (room > 0 && this.#underWay.size < MOST_BATCHES && this.#state === state && !slice.over) {
      const ids = this.#take(state, Math.min(BATCH, room), now);
      if (ids.length === 0) return;
      room -= ids.length;
      const handed = this.#work.expired(ids).finally(() => {
        this.#underWay.delete(handed);
        this.arm();
      });
      this.#underWay.add(handed);
    }
  }

  #take(state: LeaseState, most: number, now: number): bigint[] {
    const { due, leases } = state;
    const ids: bigint[] = [];
    while (ids.length < most && due.firstAt <= now) {
      const lease = due.first;
      const expiry = leases.expiry.get(lease);
      if (expiry > now) {
        due.set(lease, expiry);
        continue;
      }
      due.set(lease, now + this.#settings.retryMs);
      ids.push(leases.id(lease));
    }
    return ids;
  }

  #checkpoint(state: LeaseState, slice: Slice): void {
    const now = this.#lastPass;
    const { checkpoints, leases } = state;
    const { checkpointIntervalMs } = this.#settings;
    for (let batches = 0; batches < MOST_CHECKPOINT_BATCHES && !slice.over; batches++) {
      const list: LeaseCheckpoint[] = [];
      while (list.length < CHECKPOINT_BATCH && checkpoints.firstAt <= now) {
        const lease = checkpoints.first;
        const leftMs = leases.expiry.get(lease) - now;
        const remaining = Math.ceil(leftMs / 1000);
        if (leftMs > checkpointIntervalMs) checkpoints.append(lease, now + checkpointIntervalMs);
        else checkpoints.remove(lease);
        if (remaining > 0 && remaining < leases.ttl.get(lease)) list.push({ id: leases.id(lease), remaining });
      }
      if (list.length === 0) return;
      this.#work.checkpoint(list);
    }
  }

  #cancel(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedFor = Infinity;
  }
}
