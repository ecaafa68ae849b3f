/**
 * One committed state: buckets by name, and the files their rows lie in.
 *
 * LGST1  A state never changes; a pin is a reference to one. A commit is written into a draft, which shares all but what it
 *     touches, and is shown when it is durable.
 * LGST2  A bucket has a number that is never used again: rows in files go by it, so that those of a bucket that was deleted are
 *     dead at once.
 */
import type { Bucket } from '../../../contract/bucket.ts';
import { ResidentTree } from '../../../resident/resident-tree.ts';
import type { LiveFile } from '../files/live-file.ts';
import { LoggedRows } from '../rows/logged-rows.ts';

/** A bucket whose rows are found by place in files, or kept in memory. */
export type BucketState =
  | { readonly appendOnly: true; readonly name: string; readonly number: number; readonly rows: LoggedRows }
  | { readonly appendOnly: false; readonly name: string; readonly number: number; readonly rows: ResidentTree };

export interface State {
  /** The newest commit in it. */
  readonly commit: number;
  /** The number that the next new bucket gets. */
  readonly nextBucket: number;
  readonly buckets: ReadonlyMap<string, BucketState>;
  /** In the order of their rows' keys. */
  readonly files: readonly LiveFile[];
  /** Where the frame of `commit` ends in its segment, which may have grown since. */
  readonly end: number;
}

/** Names in byte order. */
export function namesOf(state: State): readonly string[] {
  return [...state.buckets.keys()].sort((a, b) => (a < b ? -1 : 1));
}

/** The next state in the making. */
export class Draft {
  readonly #buckets: Map<string, BucketState>;
  readonly #own: Set<LoggedRows | ResidentTree> = new Set();
  #nextBucket: number;

  constructor(before: State) {
    this.#buckets = new Map(before.buckets);
    this.#nextBucket = before.nextBucket;
  }

  /** The bucket to write to: its rows are this draft's own. */
  writable(name: string): BucketState | undefined {
    const found = this.#buckets.get(name);
    if (found === undefined || this.#own.has(found.rows)) return found;
    // Written out as in `createBucket`: copies that are spread have another shape each, and code for the last one is thrown away.
    const { number } = found;
    const own: BucketState = found.appendOnly
      ? { appendOnly: true, name, number, rows: found.rows.next() }
      : { appendOnly: false, name, number, rows: found.rows.next() };
    this.#own.add(own.rows);
    this.#buckets.set(name, own);
    return own;
  }

  has(name: string): boolean {
    return this.#buckets.has(name);
  }

  /** @param number as the log says it; absent: the next one @returns the number; one that exists stays as it is */
  createBucket({ name, appendOnly }: Pick<Bucket, 'name' | 'appendOnly'>, number: number = this.#nextBucket): number {
    const found = this.#buckets.get(name);
    if (found !== undefined) return found.number;
    const made: BucketState = appendOnly
      ? { appendOnly, name, number, rows: new LoggedRows() }
      : { appendOnly, name, number, rows: new ResidentTree() };
    this.#own.add(made.rows);
    this.#buckets.set(name, made);
    this.#nextBucket = Math.max(this.#nextBucket, number + 1);
    return number;
  }

  /** @returns its number, if there was one */
  deleteBucket(name: string): number | undefined {
    const number = this.#buckets.get(name)?.number;
    this.#buckets.delete(name);
    return number;
  }

  named(number: number): string | undefined {
    for (const bucket of this.#buckets.values()) if (bucket.number === number) return bucket.name;
    return undefined;
  }

  finish(commit: number, files: readonly LiveFile[], end: number): State {
    return { commit, nextBucket: this.#nextBucket, buckets: this.#buckets, files, end };
  }
}

/** Bytes of live rows in each file. */
export function liveBytesOf(state: State): Map<LiveFile, number> {
  const live = new Map<LiveFile, number>(state.files.map((file) => [file, 0]));
  for (const bucket of state.buckets.values()) {
    if (!bucket.appendOnly) continue;
    for (const view of bucket.rows.views) live.set(view.run.file, (live.get(view.run.file) ?? 0) + view.liveBytes);
  }
  return live;
}

/** What the buckets in memory take. */
export function residentBytesOf(state: State): number {
  let sum = 0;
  for (const bucket of state.buckets.values()) if (!bucket.appendOnly) sum += bucket.rows.byteN;
  return sum;
}
