/**
 * What the tour replays: commits in order, each with what it changed, and for any commit the whole tree it left.
 *
 * TC1  The commits are one line of history: each one's changes lead from the tree before it to its own.
 * TC2  `tree(id)` comes from another source than the changes, so that comparing with it proves something.
 */

/** A file as a commit left it. Paths are bytes, as in git; here one character a byte. */
export interface FileVersion {
  /** Path, one character a byte (latin1). */
  readonly path: string;
  /** Object id of its content. */
  readonly blob: string;
  /** Bytes of its content; 0 for a submodule, which has none here. */
  readonly size: number;
}

export type FileChange = ({ readonly type: 'put' } & FileVersion) | { readonly type: 'delete'; readonly path: string };

export interface Commit {
  readonly id: string;
  readonly subject: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly changes: readonly FileChange[];
}

export interface CommitHistory {
  /** Where it comes from, for people. */
  readonly title: string;
  /** Commits there are in all. */
  readonly count: number;
  commits(): AsyncIterable<Commit>;
  /** The files of one commit as `path -> blob`. */
  tree(id: string): Promise<ReadonlyMap<string, string>>;
}
