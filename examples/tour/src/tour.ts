/**
 * The tour: replay a history, follow it live, travel in time, compact, reopen. Every claim it prints it has checked.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { Commit, CommitHistory } from './commits.ts';
import { utf8 } from './git.ts';
import { commitPrefix, filesAt, openNotebook, treePrefix, writeCommit, type Notebook } from './notebook.ts';
import { bytes, Checks, count, dim, heading, line, seconds } from './print.ts';
import { progress } from './progress.ts';

export interface TourOptions {
  /** Folder of the store; made by the tour. */
  readonly folder: string;
  /** Commits to compare with their trees. @default 12 */
  readonly samples?: number | undefined;
}

/** A commit and the revision it became. */
interface Step {
  readonly id: string;
  readonly subject: string;
  readonly revision: number;
}

interface Replayed {
  readonly steps: readonly Step[];
  /** How often each file changed. */
  readonly changesOf: ReadonlyMap<string, number>;
}

/** Writers that may wait for a commit together. */
const inFlight = 64;

export async function tour(history: CommitHistory, options: TourOptions): Promise<Checks> {
  const checks = new Checks();
  let notebook = await openNotebook(options.folder);
  try {
    const replayed = await replay(notebook, history, checks);
    await travel(notebook, history, replayed, options.samples ?? 12, checks);
    await followOneFile(notebook, replayed, checks);
    await turnPages(notebook, replayed, checks);
    await compactHistory(notebook, replayed, checks);
    const before = await notebook.hashByRev();
    await notebook.close();
    notebook = await reopen(options.folder, history, replayed, before.hash, checks);
  } finally {
    await notebook.close();
  }
  return checks;
}

async function replay(notebook: Notebook, history: CommitHistory, checks: Checks): Promise<Replayed> {
  heading(`Replay ${history.title}`);
  line(dim('one commit = one transaction = one revision; a watcher follows live'));
  const live = follow(notebook);
  const bar = progress('commits', history.count);
  const steps: Step[] = [];
  const changesOf = new Map<string, number>();
  let changes = 0;
  const started = performance.now();
  const waiting: Promise<void>[] = [];
  for await (const commit of history.commits()) {
    changes += commit.changes.length + 1;
    for (const { path } of commit.changes) changesOf.set(path, (changesOf.get(path) ?? 0) + 1);
    waiting.push(write(notebook, commit, steps));
    if (waiting.length >= inFlight) await Promise.all(waiting.splice(0));
    bar.update(steps.length, `${count(changes)} changes`);
  }
  await Promise.all(waiting);
  const took = performance.now() - started;
  bar.end(`${count(steps.length)}, ${count(changes)} changes, in ${seconds(took)}; every one synced to disk`);
  const { events, revisions } = await live.upTo(notebook.revision);
  checks.check(
    events === changes && revisions === steps.length,
    `the watcher saw ${count(events)} of ${count(changes)} changes in ${count(revisions)} of ${count(steps.length)} revisions, in order`,
  );
  return { steps, changesOf };
}

async function write(notebook: Notebook, commit: Commit, steps: Step[]): Promise<void> {
  // Transactions run in the order of the calls, so the steps come in the order of the commits.
  const revision = await writeCommit(notebook, commit);
  steps.push({ id: commit.id, subject: commit.subject, revision });
}

interface Seen {
  readonly events: number;
  readonly revisions: number;
}

/** Counts what a watcher gets, from now on. */
function follow(notebook: Notebook): { upTo(revision: number): Promise<Seen> } {
  const watch = notebook.watch({});
  let events = 0;
  let revisions = 0;
  let last = 0;
  let inOrder = true;
  const reading = (async () => {
    for await (const batch of watch.batches()) {
      inOrder &&= batch.revision > last;
      last = batch.revision;
      events += batch.events.length;
      revisions++;
    }
  })();
  return {
    async upTo(revision) {
      // The last event may still be on its way to the loop above.
      for (let turn = 0; last < revision && turn < 5000; turn++) await delay(1);
      await watch.close();
      await reading;
      return { events: inOrder ? events : -1, revisions };
    },
  };
}

async function travel(
  notebook: Notebook,
  history: CommitHistory,
  replayed: Replayed,
  samples: number,
  checks: Checks,
): Promise<void> {
  heading('Travel in time');
  line(dim('all files at a past revision, compared with the tree of that commit'));
  for (const step of spread(replayed.steps, samples)) {
    const [stored, expected] = await Promise.all([filesAt(notebook, step.revision), history.tree(step.id)]);
    checks.check(
      sameFiles(stored, expected),
      `revision ${step.revision} = ${step.id.slice(0, 10)}: ${count(stored.size)} files ${dim(shorten(utf8(step.subject), 44))}`,
    );
  }
}

async function followOneFile(notebook: Notebook, { changesOf }: Replayed, checks: Checks): Promise<void> {
  const [path, changes] = [...changesOf].reduce((most, one) => (one[1] > most[1] ? one : most));
  heading(`History of the file that changed most: ${utf8(path)}`);
  const versions: string[] = [];
  for await (const event of notebook.history(treePrefix + path)) {
    const what =
      event.type === 'put' && 'blob' in event.value
        ? `${event.value.blob.slice(0, 10)}  ${bytes(event.value.size)}`
        : 'deleted';
    versions.push(`revision ${String(event.revision).padStart(6)}  ${what}`);
  }
  for (const version of versions.slice(0, 2)) line(version);
  if (versions.length > 4) line(dim(`… ${count(versions.length - 4)} more`));
  for (const version of versions.slice(Math.max(2, versions.length - 2))) line(version);
  checks.check(
    versions.length === changes,
    `${count(versions.length)} versions kept of ${count(changes)} changes made`,
  );
}

async function turnPages(notebook: Notebook, { steps }: Replayed, checks: Checks): Promise<void> {
  heading('Pages through a prefix');
  const all = await notebook.count({ prefix: commitPrefix });
  const limit = Math.max(1, Math.ceil(all / 5));
  let cursor: string | undefined;
  let seen = 0;
  let pages = 0;
  do {
    const page = await notebook.page({ prefix: commitPrefix }, { limit, ...(cursor === undefined ? {} : { cursor }) });
    seen += page.entries.length;
    pages++;
    cursor = page.next;
  } while (cursor !== undefined);
  checks.check(
    seen === steps.length,
    `${count(seen)} commits in ${pages} pages of ${count(limit)}, all at one revision`,
  );
}

async function compactHistory(notebook: Notebook, { steps }: Replayed, checks: Checks): Promise<void> {
  heading('Compact all but the last tenth');
  const keepFrom = steps[Math.floor((steps.length - 1) * 0.9)];
  const first = steps[0];
  if (keepFrom === undefined || first === undefined || keepFrom === first) return;
  const filesThen = await filesAt(notebook, keepFrom.revision);
  await notebook.defrag();
  const before = notebook.stats().size;
  await notebook.compact(keepFrom.revision, { physical: true });
  await notebook.defrag();
  const after = notebook.stats().size;
  line(`${bytes(before)} before, ${bytes(after)} after`);
  const gone = await filesAt(notebook, first.revision).then(
    () => 'still there',
    (error: { code?: string }) => error.code,
  );
  checks.check(gone === 'MVCC_COMPACTED', `revision ${first.revision} now answers ${gone}`);
  checks.check(
    sameFiles(await filesAt(notebook, keepFrom.revision), filesThen),
    `revision ${keepFrom.revision} still reads the same: ${count(filesThen.size)} files`,
  );
}

async function reopen(
  folder: string,
  history: CommitHistory,
  { steps }: Replayed,
  hash: number,
  checks: Checks,
): Promise<Notebook> {
  heading('Close and open again');
  const started = performance.now();
  const notebook = await openNotebook(folder);
  const took = performance.now() - started;
  const last = steps.at(-1);
  checks.check(notebook.revision === last?.revision, `open in ${seconds(took)}, at revision ${notebook.revision}`);
  checks.check((await notebook.hashByRev()).hash === hash, `the hash of the whole history is the same: ${hash}`);
  if (last !== undefined) {
    const files = await filesAt(notebook, last.revision);
    checks.check(
      sameFiles(files, await history.tree(last.id)),
      `and so are the ${count(files.size)} files of the newest commit`,
    );
  }
  return notebook;
}

export function summary(checks: Checks, folder: string, kept: boolean): void {
  heading('That was varve');
  if (checks.failed.length === 0) line(styleText('green', `${checks.passed} checks, all of them hold`));
  else line(styleText('red', `${checks.failed.length} of ${checks.passed + checks.failed.length} checks failed`));
  for (const failed of checks.failed) line(styleText('red', `✗ ${failed}`));
  line(
    kept
      ? `The store is in ${folder}`
      : dim('The store was in a temporary folder and is gone; keep one with --data FOLDER'),
  );
  line('');
  line('Next:');
  line('  npm start -- --repo PATH     the same with another repository');
  line('  npm test                     everything that is tested');
  line('  packages/kv/README.md        your first own store, in 15 lines');
}

function spread<T>(items: readonly T[], wanted: number): T[] {
  if (items.length <= wanted) return [...items];
  return Array.from({ length: wanted }, (_, i) => items[Math.round((i * (items.length - 1)) / (wanted - 1))] as T);
}

function sameFiles(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [path, blob] of a) if (b.get(path) !== blob) return false;
  return true;
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
