/**
 * Revisions: which transaction, and which change inside it.
 *
 * etcd: server/storage/mvcc/revision.go (spec section 2, rows M1 to M3).
 */

/** A place in the history: transaction `main`, change `sub` of it, both counted from 0 and at most 2^53 - 1. */
export interface Revision {
  readonly main: number;
  readonly sub: number;
}

/** Negative when `a` came before `b`, positive when after, 0 when they are the same change. */
export function compareRevisions(a: Revision, b: Revision): number {
  return a.main - b.main || a.sub - b.sub;
}

/** `5.2` for people; the sub is left out when it is 0. */
export function formatRevision(revision: Revision): string {
  return revision.sub === 0 ? `${revision.main}` : `${revision.main}.${revision.sub}`;
}
