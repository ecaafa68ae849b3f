/**
 * What has changed: between two revisions of the past, event by event or key by key.
 *
 * CGS1  A finite read: the end is known when the first item is asked for, and what is written later is not in it.
 * CGS2  No gap without a word: where a revision that is needed was compacted, deletions included, it is `MVCC_COMPACTED`
 *     with `compactRevision`, also in the middle.
 */
import type { Entry, SignalOptions } from './kv.ts';
import type { UndecodableOption } from './list-options.ts';

export interface ChangesOptions extends SignalOptions, UndecodableOption {
  /** Changes after this revision, itself excluded: what the caller knows already. 0 for all there were. */
  readonly since: number;
  /** Changes up to this revision, itself included. @default the present one of the first pull */
  readonly until?: number | undefined;
  /**
   * End with the revision in which so many have been given. A revision is never split, so there may be more, and
   * `since: last.revision` goes on. @default all
   */
  readonly limit?: number | undefined;
}

export interface DiffOptions extends SignalOptions, UndecodableOption {
  /** At most so many. @default all */
  readonly limit?: number | undefined;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean | undefined;
}

/**
 * A key that two revisions have differently. `put`: only the second has it. `delete`: only the first has it. `change`: both have
 * it, and it was written in between, whatever with.
 */
export type Difference<K, V> =
  | { readonly type: 'put'; readonly key: K; readonly previous?: undefined; readonly entry: Entry<K, V> }
  | { readonly type: 'delete'; readonly key: K; readonly previous: Entry<K, V>; readonly entry?: undefined }
  | { readonly type: 'change'; readonly key: K; readonly previous: Entry<K, V>; readonly entry: Entry<K, V> };
