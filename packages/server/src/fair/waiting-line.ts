/**
 * Jobs that wait for the one who does them, in lanes within lanes: whoever sent some gets its turn, however many others have sent.
 *
 *     line ──> address ──> connection ──> name ──> jobs, in their order
 *
 * SVWL1  Turns go round: between the lanes of the line, then between those within the lane that has its turn, and so on.
 * SVWL2  The room is bounded, and no lane is: one alone may fill it. A newcomer that finds it full takes the place of the newest job of the
 *     longest lane, where its own would still be the shorter one or as long; so nobody is kept out by who sends more (R113).
 * SVWL3  A lane is gone with its last job: what the line holds is bounded by its jobs (law 9).
 */

/** The keys of its lanes, from the outermost; of all jobs as many. */
export type Place = readonly string[];

interface Lane<Job> {
  /** Jobs in it, also in the lanes within. */
  size: number;
  /** In the order of their turns; of the innermost lane none. */
  readonly lanes: Map<string, Lane<Job>>;
  /** Of the innermost lane. */
  readonly jobs: Job[];
}

export class WaitingLine<Job> {
  readonly #most: number;
  readonly #all: Lane<Job> = emptyLane();

  /** @param most jobs that have room */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Lets a job wait. @returns the one that there is no room for: this one, or another; undefined: there was room for all */
  add(job: Job, place: Place): Job | undefined {
    if (this.#all.size < this.#most) {
      put(this.#all, job, place);
      return undefined;
    }
    const out = pushOut(this.#all, place);
    if (out === undefined) return job;
    put(this.#all, job, place);
    return out;
  }

  /**
   * The job whose turn it is; it waits no longer. Undefined: none, or none that may go.
   * @param mayGo asked about the keys of outermost lanes; one that may not is passed over, and keeps its turn
   */
  next(mayGo: (key: string) => boolean = () => true): Job | undefined {
    return take(this.#all, mayGo);
  }

  /** A job that waits no longer, in the place that it was added with. @returns whether it was waiting */
  delete(job: Job, place: Place): boolean {
    return drop(this.#all, job, place);
  }
}

function emptyLane<Job>(): Lane<Job> {
  return { size: 0, lanes: new Map(), jobs: [] };
}

function put<Job>(lane: Lane<Job>, job: Job, [key, ...rest]: Place): void {
  lane.size++;
  if (key === undefined) {
    lane.jobs.push(job);
    return;
  }
  let inner = lane.lanes.get(key);
  if (inner === undefined) {
    inner = emptyLane();
    lane.lanes.set(key, inner);
  }
  put(inner, job, rest);
}

function take<Job>(lane: Lane<Job>, mayGo: (key: string) => boolean): Job | undefined {
  for (const [key, inner] of lane.lanes) {
    if (!mayGo(key)) continue;
    lane.lanes.delete(key);
    const job = take(inner, () => true);
    lane.size--;
    // Its next turn comes behind everybody else's.
    if (inner.size > 0) lane.lanes.set(key, inner);
    return job;
  }
  if (lane.jobs.length > 0) lane.size--;
  return lane.jobs.shift();
}

/** Makes room for a newcomer, if that is fair. @returns who had it */
function pushOut<Job>(lane: Lane<Job>, [key, ...rest]: Place): Job | undefined {
  if (key === undefined) return undefined;
  const own = lane.lanes.get(key);
  const [, longest] = longestOf(lane);
  const isLonger = longest !== own && longest.size >= (own?.size ?? 0) + 2;
  const out = isLonger ? newest(longest) : own === undefined ? undefined : pushOut(own, rest);
  if (out !== undefined) lane.size--;
  return out;
}

/** Takes out the job that came last to the longest lane. */
function newest<Job>(lane: Lane<Job>): Job | undefined {
  lane.size--;
  if (lane.lanes.size === 0) return lane.jobs.pop();
  const [key, longest] = longestOf(lane);
  const job = newest(longest);
  if (longest.size === 0) lane.lanes.delete(key);
  return job;
}

/** Of those within a lane that has some. */
function longestOf<Job>(lane: Lane<Job>): [key: string, lane: Lane<Job>] {
  return [...lane.lanes].reduce((longest, one) => (one[1].size > longest[1].size ? one : longest));
}

function drop<Job>(lane: Lane<Job>, job: Job, [key, ...rest]: Place): boolean {
  if (key === undefined) {
    const at = lane.jobs.indexOf(job);
    if (at < 0) return false;
    lane.jobs.splice(at, 1);
    lane.size--;
    return true;
  }
  const inner = lane.lanes.get(key);
  if (inner === undefined || !drop(inner, job, rest)) return false;
  lane.size--;
  if (inner.size === 0) lane.lanes.delete(key);
  return true;
}
