/**
 * Reads a repository through the `git` program: the first-parent line of HEAD, oldest commit first.
 *
 * Changes come from `git log --raw` against the first parent, trees from `git ls-tree`: two walks of git's own that
 * share nothing but the objects.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import type { Commit, CommitHistory, FileChange } from './commits.ts';

const submodule = '160000';
const zeroId = /^0+$/;

/** The history of the repository around `folder`, or `undefined` where there is none (no git, no repository, no commit). */
export async function gitHistory(folder: string): Promise<CommitHistory | undefined> {
  const root = (await findRoot(folder)).trimEnd();
  if (root === '') return undefined;
  const count = Number((await run(root, ['rev-list', '--first-parent', '--count', 'HEAD']).catch(() => '0')).trim());
  if (count === 0) return undefined;
  return {
    title: `the git history of ${root}`,
    count,
    commits: () => readCommits(root),
    tree: (id) => readTree(root, id),
  };
}

/** The work tree, or the repository itself where it is a bare one; empty without one. */
async function findRoot(folder: string): Promise<string> {
  const none = (): string => '';
  return (
    (await run(folder, ['rev-parse', '--show-toplevel']).catch(none)) ||
    (await run(folder, ['rev-parse', '--absolute-git-dir']).catch(none))
  );
}

async function* readCommits(root: string): AsyncGenerator<Commit> {
  const sizes = new BlobSizes(root);
  const log = git(root, [
    'log',
    '--first-parent',
    '-m',
    '--root',
    '--reverse',
    '--raw',
    '-z',
    '--no-renames',
    '--no-abbrev',
    '--format=%x01%H%x02%ct%x02%s',
  ]);
  try {
    let current:
      | { id: string; time: number; subject: string; raw: { path: string; blob: string; mode: string }[] }
      | undefined;
    let meta: string[] | undefined;
    for await (const field of fields(log, '\0')) {
      if (meta !== undefined) {
        // Second half of a raw line: the path that belongs to ":mode mode id id status".
        current?.raw.push({ path: field, blob: meta[3] ?? '', mode: meta[1] ?? '' });
        meta = undefined;
        continue;
      }
      // With -z the header of a commit and its first raw line share a field, separated by a line break.
      for (const part of field.split('\n')) {
        if (part.startsWith('\x01')) {
          if (current !== undefined) yield await complete(current, sizes);
          const [id = '', time = '0', ...subject] = part.slice(1).split('\x02');
          current = { id, time: Number(time), subject: utf8(subject.join(' ')), raw: [] };
        } else if (part.startsWith(':')) {
          meta = part.slice(1).split(' ');
        }
      }
    }
    if (current !== undefined) yield await complete(current, sizes);
  } finally {
    log.kill();
    sizes.close();
  }
}

async function complete(
  commit: { id: string; time: number; subject: string; raw: { path: string; blob: string; mode: string }[] },
  sizes: BlobSizes,
): Promise<Commit> {
  const known = await sizes.of(commit.raw.filter((file) => hasContent(file)).map((file) => file.blob));
  const changes = commit.raw.map((file): FileChange => {
    const { path, blob } = file;
    if (zeroId.test(blob)) return { type: 'delete', path };
    return { type: 'put', path, blob, size: known.get(blob) ?? 0 };
  });
  return { id: commit.id, time: commit.time, subject: commit.subject, changes };
}

function hasContent(file: { readonly blob: string; readonly mode: string }): boolean {
  return file.mode !== submodule && !zeroId.test(file.blob);
}

async function readTree(root: string, id: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for await (const line of fields(git(root, ['ls-tree', '-r', '-z', '--full-tree', id]), '\0')) {
    const tab = line.indexOf('\t');
    const [, , blob = ''] = line.slice(0, tab).split(' ');
    if (tab > 0) files.set(line.slice(tab + 1), blob);
  }
  return files;
}

/** Sizes of blobs, asked of one long-running `git cat-file`, which answers in the order of the questions. */
class BlobSizes {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(root: string) {
    this.#child = git(root, ['cat-file', '--batch-check=%(objectsize)']);
    this.#lines = fields(this.#child, '\n')[Symbol.asyncIterator]();
  }

  async of(blobs: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    // Few questions at a time: git stops reading while its own output is full.
    for (let from = 0; from < blobs.length; from += 256) {
      const asked = blobs.slice(from, from + 256);
      this.#child.stdin.write(`${asked.join('\n')}\n`);
      for (const blob of asked) {
        const size = Number((await this.#lines.next()).value);
        // A partial clone may lack the blob: git says "<id> missing".
        sizes.set(blob, Number.isInteger(size) ? size : 0);
      }
    }
    return sizes;
  }

  close(): void {
    this.#child.kill();
  }
}

function git(root: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn('git', ['-C', root, '-c', 'core.quotePath=false', ...args], { stdio: 'pipe' });
}

async function run(folder: string, args: readonly string[]): Promise<string> {
  const child = git(folder, args);
  child.stdin.end();
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  let text = '';
  const read = (async () => {
    for await (const chunk of child.stdout) text += String(chunk);
    const code = child.exitCode ?? ((await once(child, 'close'))[0] as number);
    if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}`);
  })();
  await Promise.race([read, failed]);
  return text;
}

/** The output of a program, cut at `separator`, one character a byte. */
async function* fields(child: ChildProcessWithoutNullStreams, separator: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of child.stdout) {
    const parts = (rest + (chunk as Buffer).toString('latin1')).split(separator);
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

/** Text that was read one character a byte. */
export function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
