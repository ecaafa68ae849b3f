/**
 * A rewritten file in the place of the old ones, in states that went on meanwhile.
 *
 * LGSU1  Rows that were deleted since rewriting began are deleted in the new file as well. Which ones is followed in slices, from
 *     version to version by the blocks of bits that differ; what is left for the tick of the exchange are the blocks that the
 *     last commits touched.
 * LGSU2  States are not changed: what one of them was given stays as it is when this goes on.
 */
import { Slice, STEP_MS, type Turns } from '@varve/base/pace';
import type { LiveFile } from '../files/live-file.ts';
import { BLOCK_ROWS, type DeadBits } from '../rows/dead-bits.ts';
import { LoggedRows } from '../rows/logged-rows.ts';
import { RunView } from '../rows/run-view.ts';
import type { BucketState, State } from '../state/state.ts';
import type { Rewritten, RewrittenRun } from './rewrite.ts';

export class Substitution {
  readonly #group: ReadonlySet<LiveFile>;
  readonly #file: LiveFile | undefined;
  readonly #runs: readonly FollowedRun[];
  readonly #clock: Turns;

  constructor({ group, file, runs }: Rewritten, clock: Turns) {
    this.#group = group;
    this.#file = file;
    this.#runs = runs.map((run) => new FollowedRun(run));
    this.#clock = clock;
  }

  /** Follows what was deleted up to a state, in slices. */
  async follow(state: State): Promise<void> {
    const slice = new Slice(this.#clock, { lengthMs: STEP_MS });
    for (const run of this.#runs) await slice.runLong(run.follow(state));
  }

  /** The state with the new file in it. In one tick. @param state not before one that was followed */
  in(state: State): State {
    const buckets = new Map<string, BucketState>();
    for (const [name, bucket] of state.buckets) {
      const isTouched = bucket.appendOnly && bucket.rows.views.some(({ run }) => this.#group.has(run.file));
      buckets.set(name, bucket.appendOnly && isTouched ? { ...bucket, rows: this.#rowsIn(bucket, state) } : bucket);
    }
    const files: LiveFile[] = [];
    let isPlaced = this.#file === undefined;
    for (const one of state.files) {
      if (!this.#group.has(one)) {
        files.push(one);
      } else if (!isPlaced && this.#file !== undefined) {
        isPlaced = true;
        files.push(this.#file);
      }
    }
    return { ...state, buckets, files };
  }

  #rowsIn({ number, rows }: BucketState & { readonly appendOnly: true }, state: State): LoggedRows {
    const followed = this.#runs.find(({ bucket }) => bucket === number);
    const views: RunView[] = [];
    let isPlaced = followed === undefined;
    for (const view of rows.views) {
      if (!this.#group.has(view.run.file)) {
        views.push(view);
      } else if (!isPlaced && followed !== undefined) {
        isPlaced = true;
        const made = followed.viewIn(state);
        if (made.liveN > 0) views.push(made);
      }
    }
    return LoggedRows.of(views, rows.floor);
  }
}

/** The rows of one bucket, old and new. */
class FollowedRun {
  readonly bucket: number;
  readonly #from: readonly RunView[];
  /** Of each old view, as far as it was followed. */
  readonly #seen: (DeadBits | undefined)[];
  /** Of each old view, where the rows of each block begin among the new ones. */
  #begins: readonly Uint32Array[] = [];
  #view: RunView;

  constructor({ bucket, from, to, bytes }: RewrittenRun) {
    this.bucket = bucket;
    this.#from = from;
    this.#seen = from.map(({ dead }) => dead);
    this.#view = RunView.undeleted(this, to, bytes);
  }

  /** All of it in this tick. */
  viewIn(state: State): RunView {
    const steps = this.follow(state);
    while (steps.next().done !== true);
    const view = this.#view;
    // The bits are the state's now; the next deletion makes others.
    this.#view = new RunView(this, view.run, view);
    return view;
  }

  /** A step is a block of rows at most. */
  *follow(state: State): Generator<void, void, undefined> {
    const rows = rowsOf(state, this.bucket);
    if (rows === undefined) return;
    if (this.#begins.length === 0) yield* this.#count();
    for (let i = 0; i < this.#from.length; i += 1) {
      const old = this.#from[i]!;
      const dead = rows.views.find(({ run }) => run === old.run)?.dead;
      const seen = this.#seen[i];
      if (dead === undefined || dead === seen) continue;
      for (let block = 0; block * BLOCK_ROWS < old.rowN; block += 1) {
        if (dead.isSame(block, seen)) continue;
        let to = this.#begins[i]![block]!;
        const end = Math.min(old.rowN, (block + 1) * BLOCK_ROWS);
        for (let index = block * BLOCK_ROWS; index < end; index += 1) {
          if (!old.isLive(index)) continue;
          if (dead.has(index) && seen?.has(index) !== true) this.#view.delete(to);
          to += 1;
        }
        yield;
      }
      this.#seen[i] = dead;
    }
  }

  *#count(): Generator<void, void, undefined> {
    let to = 0;
    const begins: Uint32Array[] = [];
    for (const old of this.#from) {
      const blocks = new Uint32Array(Math.ceil(old.rowN / BLOCK_ROWS));
      for (let index = 0; index < old.rowN; index += 1) {
        if (index % BLOCK_ROWS === 0) {
          blocks[index / BLOCK_ROWS] = to;
          yield;
        }
        if (old.isLive(index)) to += 1;
      }
      begins.push(blocks);
    }
    this.#begins = begins;
  }
}

function rowsOf(state: State, number: number): LoggedRows | undefined {
  for (const bucket of state.buckets.values()) if (bucket.appendOnly && bucket.number === number) return bucket.rows;
  return undefined;
}
