// @ts-check
/**
 * One member of a cluster under load, as a simulation of jobs: the leader, which has the most to do.
 *
 *   write ──> processor ──> round (a sync and a trip to a majority, shared by all that wait) ──> answered
 *                                  '──> processor: an event for each watcher of this member ──> delivered
 *   read  ──> processor ──> answered
 *
 * SCB1  Jobs arrive at random and independently (Poisson). The processor has some cores with one queue; a round takes all writes that are ready
 *      when it begins, and one is under way at a time.
 * SCB2  The same seed gives the same run.
 * SCB3  What is left out makes it faster than the truth: sending to the other members, compaction, leases, snapshots, slow disks, lost packets,
 *      garbage. Read its figures as what a cluster does not exceed.
 */
import { randomOf } from '../../run/random.mjs';

/**
 * @typedef {object} Costs
 * @property {number} putUs processor time of a write
 * @property {number} getUs of a read
 * @property {number} eventUs of one event for one watcher
 * @property {number} roundUs a sync of the disk and a trip to a majority
 * @property {number} cores of a member
 */
/**
 * @typedef {object} Load
 * @property {number} writes a second
 * @property {number} reads a second, at this member
 * @property {number} watchers of this member that see a write
 */

/**
 * @param {Costs} costs
 * @param {Load} load
 * @param {{ seed: number, seconds: number }} run
 * @returns {{ putMs: number, readMs: number, eventMs: number, busy: number }} the 99th percentiles, and the part of the processor that was used
 */
export function simulate(costs, load, { seed, seconds }) {
  const random = randomOf(seed);
  const endUs = seconds * 1e6;
  /** @param {number} rate a second @returns {number} */
  const gap = (rate) => (rate === 0 ? Infinity : (-Math.log(1 - random()) / rate) * 1e6);
  /** When each core is free. @type {number[]} */
  const free = Array.from({ length: costs.cores }, () => 0);
  let used = 0;
  /** Runs a job that comes at a time; when it is done. @param {number} at @param {number} us */
  const run = (at, us) => {
    let core = 0;
    for (let i = 1; i < free.length; i++) if (of(free, i) < of(free, core)) core = i;
    // Some jobs are longer than others: exponentially, as is usual where nothing is known.
    const taken = us * -Math.log(1 - random());
    used += taken;
    const done = Math.max(of(free, core), at) + taken;
    free[core] = done;
    return done;
  };
  /** @type {number[]} */
  const puts = [];
  /** @type {number[]} */
  const reads = [];
  /** @type {number[]} */
  const events = [];
  const queue = new Queue();
  if (load.writes > 0) queue.add(gap(load.writes), { type: 'write', begun: 0 });
  if (load.reads > 0) queue.add(gap(load.reads), { type: 'read', begun: 0 });
  /** Writes that wait for a round. @type {number[]} */
  let ready = [];
  let isRound = false;
  /** @param {number} at */
  const round = (at) => {
    if (isRound || ready.length === 0) return;
    isRound = true;
    queue.add(at + costs.roundUs * (0.75 + random() / 2), { type: 'round', begun: 0, batch: ready });
    ready = [];
  };
  for (let next = queue.take(); next !== undefined; next = queue.take()) {
    const { at, job } = next;
    if (at > endUs * 2) break;
    if (job.type === 'write') {
      queue.add(run(at, costs.putUs), { type: 'ready', begun: at });
      const later = at + gap(load.writes);
      if (later < endUs) queue.add(later, { type: 'write', begun: 0 });
    } else if (job.type === 'read') {
      reads.push(run(at, costs.getUs) - at);
      const later = at + gap(load.reads);
      if (later < endUs) queue.add(later, { type: 'read', begun: 0 });
    } else if (job.type === 'ready') {
      ready.push(job.begun);
      round(at);
    } else {
      isRound = false;
      for (const begun of job.batch ?? []) {
        puts.push(at - begun);
        if (load.watchers > 0) events.push(run(at, costs.eventUs * load.watchers) - begun);
      }
      round(at);
    }
  }
  const busy = used / (endUs * costs.cores);
  return { putMs: p99(puts) / 1000, readMs: p99(reads) / 1000, eventMs: p99(events) / 1000, busy };
}

/**
 * Writes a second, up to which 99 of 100 answers and events come in time.
 * @param {Costs} costs
 * @param {(writes: number) => Load} loadAt
 * @param {{ seed: number, seconds: number, withinMs: number }} run
 */
export function mostWrites(costs, loadAt, { withinMs, ...run }) {
  /** @param {number} writes */
  const holds = (writes) => {
    const { putMs, readMs, eventMs, busy } = simulate(costs, loadAt(writes), run);
    return busy < 1 && Math.max(putMs, readMs, eventMs) <= withinMs;
  };
  let [least, most] = [0, 1];
  while (holds(most) && most < 1e6) [least, most] = [most, most * 2];
  for (let i = 0; i < 7; i++) {
    const middle = (least + most) / 2;
    if (holds(middle)) least = middle;
    else most = middle;
  }
  return least;
}

/**
 * What is known to be there.
 * @template T
 * @param {readonly T[]} all
 * @param {number} index
 */
function of(all, index) {
  return /** @type {T} */ (all[index]);
}

/** @param {number[]} all */
function p99(all) {
  if (all.length === 0) return 0;
  all.sort((a, b) => a - b);
  return all[Math.min(all.length - 1, Math.floor(all.length * 0.99))] ?? 0;
}

/** @typedef {{ type: 'write' | 'read' | 'ready' | 'round', begun: number, batch?: number[] }} Job */

/** Jobs by their time: a heap. */
class Queue {
  /** @type {{ at: number, job: Job }[]} */
  #heap = [];

  /** @param {number} at @param {Job} job */
  add(at, job) {
    const heap = this.#heap;
    heap.push({ at, job });
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (of(heap, up).at <= of(heap, i).at) break;
      [heap[up], heap[i]] = [of(heap, i), of(heap, up)];
      i = up;
    }
  }

  take() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const least = right < heap.length && of(heap, right).at < of(heap, left).at ? right : left;
      if (of(heap, i).at <= of(heap, least).at) break;
      [heap[i], heap[least]] = [of(heap, least), of(heap, i)];
      i = least;
    }
    return first;
  }
}
