/**
 * What a read of a range may be asked for besides the range: how many, in which order, which of them.
 *
 * LSO1  Both ends of a filter are included, as etcd's. Filters choose before `limit` cuts, and `count` and `total` count what
 *     they chose. etcd: RangeRequest (spec server-api 5.2). Departs: its count is that of the unfiltered range.
 * LSO2  Among equals the order is that of the keys; `reverse` turns the whole of it round.
 */
import type { KvError } from './errors.ts';
import type { SignalOptions } from './kv.ts';

/** What a stored record is ordered by. */
export type OrderBy = 'key' | 'version' | 'createRevision' | 'modRevision' | 'value';

/** Which entries, by their revisions; both ends included. */
export interface RevisionFilter {
  /** Entries whose last change is this revision or a later one. @default all */
  readonly minModRevision?: number | undefined;
  /** Entries whose last change is this revision or an earlier one. @default all */
  readonly maxModRevision?: number | undefined;
  /** Entries created by this revision or a later one. @default all */
  readonly minCreateRevision?: number | undefined;
  /** Entries created by this revision or an earlier one. @default all */
  readonly maxCreateRevision?: number | undefined;
}

/** A stored record whose key or value the codec refused. Its bytes are the reader's own. */
export interface Undecodable {
  /** What the codec refused: `KV_DECODE`, with `key`, `revision` and `cause`. */
  readonly error: KvError;
  /** The key as it is stored, without the prefix of its name space. */
  readonly key: Uint8Array;
  /** The value as it is stored; empty in a deletion. */
  readonly value: Uint8Array;
  /** The revision of the record. */
  readonly revision: number;
}

export interface UndecodableOption {
  /**
   * What happens to a record whose key or value the codec refuses: `'throw'` ends the read with `KV_DECODE`, `'skip'` goes on
   * without it, and a function gets it raw, in its place of the order, and the read goes on without it. What the function throws
   * ends the read. A `previous` that is refused is left out, and told in the same way. @default 'throw'
   */
  readonly undecodable?: 'throw' | 'skip' | ((raw: Undecodable) => void) | undefined;
}

export interface KeysOptions extends SignalOptions, RevisionFilter, UndecodableOption {
  /** At most so many. @default all */
  readonly limit?: number | undefined;
  /** The last in order first. @default false */
  readonly reverse?: boolean | undefined;
  /**
   * In this order, values byte by byte. Any but that of the keys reads the range whole before it gives the first, and holds
   * what it gives: all of it, or as many as `limit` says. @default 'key'
   */
  readonly orderBy?: OrderBy | undefined;
}

export interface ListOptions extends KeysOptions {}

export interface CountOptions extends SignalOptions, RevisionFilter {
  /** Stop counting there. @default count all */
  readonly limit?: number | undefined;
}

export interface PageOptions extends SignalOptions, RevisionFilter, UndecodableOption {
  /** Entries per page, from 1. @default 100 */
  readonly limit?: number | undefined;
  /** `next` of the page before; reads on at that page's revision. @default the first page */
  readonly cursor?: string | undefined;
  /** The last in order first; a cursor goes on in its own direction and order only. @default false */
  readonly reverse?: boolean | undefined;
  /** Count all entries of the range that the filters choose, too. @default false */
  readonly total?: boolean | undefined;
  /** As in `list`; in any order but that of the keys each page reads the range whole. @default 'key' */
  readonly orderBy?: OrderBy | undefined;
}

export interface HistoryOptions extends SignalOptions, UndecodableOption {
  /** First revision wanted. @default the oldest that is retained */
  readonly from?: number | undefined;
  /** Last revision wanted. @default the present */
  readonly until?: number | undefined;
  /** At most so many changes. @default all */
  readonly limit?: number | undefined;
  /** The newest change first. @default false */
  readonly reverse?: boolean | undefined;
}

/** What is pulled one by one, or taken whole. Each iteration, and each `toArray`, reads anew. */
export interface Items<T> extends AsyncIterable<T> {
  /** All of it, which must fit into memory. Errors as the iteration's. */
  toArray(): Promise<T[]>;
}
