/** A small made-up history for machines without git: the notebook of a lake core, 72 commits. */
import { readFile } from 'node:fs/promises';
import type { Commit, CommitHistory } from './commits.ts';

interface StoredCommit {
  readonly id: string;
  readonly time: number;
  readonly subject: string;
  /** Without a blob: deleted. */
  readonly changes: readonly { readonly path: string; readonly blob?: string; readonly size?: number }[];
}

export async function bundledHistory(): Promise<CommitHistory> {
  const file = new URL('../history/lake-core.json', import.meta.url);
  const stored = JSON.parse(await readFile(file, 'utf8')) as readonly StoredCommit[];
  const commits = stored.map(({ id, time, subject, changes }): Commit => ({
    id,
    time,
    subject,
    changes: changes.map(({ path, blob, size }) =>
      blob === undefined ? { type: 'delete', path } : { type: 'put', path, blob, size: size ?? 0 },
    ),
  }));
  return {
    title: 'the bundled history (no git repository here)',
    count: commits.length,
    async *commits() {
      yield* commits;
    },
    tree: async (id) => replay(commits, id),
  };
}

function replay(commits: readonly Commit[], id: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const commit of commits) {
    for (const change of commit.changes) {
      if (change.type === 'put') files.set(change.path, change.blob);
      else files.delete(change.path);
    }
    if (commit.id === id) break;
  }
  return files;
}
