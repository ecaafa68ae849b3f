/**
 * The store the tour works on: the files of a commit under `tree/`, the commits themselves under `commit/`.
 *
 * Values are JSON; keys are paths, one character a byte, because git's paths need not be UTF-8.
 */
import { json, open, type EmbeddedKv, type KeyCodec } from '@varve/kv';
import type { Commit } from './commits.ts';

export const treePrefix = 'tree/';
export const commitPrefix = 'commit/';

/** What is stored of a file, or of a commit. */
export type Note =
  | { readonly blob: string; readonly size: number }
  | { readonly subject: string; readonly time: number; readonly files: number };

export type Notebook = EmbeddedKv<string, Note>;

const bytePath: KeyCodec<string> = {
  encode: (path) => Buffer.from(path, 'latin1'),
  decode: (bytes) => Buffer.from(bytes).toString('latin1'),
};

export function openNotebook(folder: string): Promise<Notebook> {
  return open<string, Note>(folder, { key: bytePath, value: json<Note>() });
}

/** One commit, one transaction; returns the revision that holds its tree. */
export async function writeCommit(notebook: Notebook, commit: Commit): Promise<number> {
  const { revision } = await notebook.write((section) => {
    for (const change of commit.changes) {
      const key = treePrefix + change.path;
      if (change.type === 'put') section.put(key, { blob: change.blob, size: change.size });
      else section.delete(key);
    }
    section.put(commitPrefix + commit.id, {
      subject: commit.subject,
      time: commit.time,
      files: commit.changes.length,
    });
  });
  return revision;
}

/** The files at one revision as `path -> blob`. */
export async function filesAt(notebook: Notebook, revision: number): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { key, value } of notebook.at(revision).list({ prefix: treePrefix })) {
    if ('blob' in value) files.set(key.slice(treePrefix.length), value.blob);
  }
  return files;
}
