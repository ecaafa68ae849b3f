/**
 * History that is thrown away by itself: what is older than a time, or than a number of revisions.
 *
 *     periodic  revisions are noted ten times a period (of an hour at most); the newest that is older than a period is compacted at
 *     revision  every five minutes: all but so many of the newest revisions
 *
 * EAC1  As etcd: nothing is compacted before one whole period has passed, and a period longer than an hour is looked at every hour.
 * EAC2  What fails is tried again with the next look, and never ends the server; there is no look after `stop`.
 *
 * etcd: etcdserver/api/v3compactor/periodic.go, revision.go; embed/etcd.go, parseCompactionRetention.
 */
import { durationMs } from '../duration.ts';
import { UsageError } from '../failures.ts';
import type { EtcdLog } from './etcd-log.ts';

export interface Retention {
  readonly mode: 'periodic' | 'revision';
  /** Milliseconds, or revisions; 0: all history is kept. */
  readonly amount: number;
}

const HOUR_MS = 3_600_000;
const LOOKS = 10;
const REVISION_LOOK_MS = 5 * 60_000;

/** @throws UsageError */
export function readRetention(mode: string, text: string): Retention {
  if (mode !== 'periodic' && mode !== 'revision') throw new UsageError(`unknown auto-compaction-mode "${mode}"`);
  const wrong = new UsageError(`--auto-compaction-retention ${text}: a count, or a duration in the mode 'periodic'`);
  if (/^\d{1,15}$/.test(text)) {
    const count = Number(text);
    return { mode, amount: mode === 'periodic' ? count * HOUR_MS : count };
  }
  const amount = mode === 'periodic' ? durationMs(text) : undefined;
  if (amount === undefined || amount < 0) throw wrong;
  return { mode, amount };
}

/** What is compacted, and the clock. */
export interface CompactionWorld {
  /** The newest revision that can be seen. */
  rev(): number;
  /** Rejects with the code `MVCC_COMPACTED` where that was done before. */
  compact(revision: number): Promise<unknown>;
  nowMs(): number;
  /** Calls `tick` every so often until the function it returns is called. */
  every(everyMs: number, tick: () => void): () => void;
}

/** @returns what stops it */
export function startAutoCompaction({ mode, amount }: Retention, world: CompactionWorld, log: EtcdLog): () => void {
  if (amount === 0) return () => undefined;
  const compact = compactor(world, log);
  return mode === 'periodic' ? periodic(amount, world, compact) : byRevision(amount, world, compact);
}

type Compact = (revision: number) => Promise<boolean>;

function periodic(periodMs: number, world: CompactionWorld, compact: Compact): () => void {
  const intervalMs = Math.min(periodMs, HOUR_MS);
  const lookMs = intervalMs / LOOKS;
  const kept = Math.floor(periodMs / lookMs) + 1;
  const noted = [world.rev()];
  let last = world.nowMs();
  let wait = periodMs;
  let isBusy = false;
  return world.every(lookMs, () => {
    const due = world.nowMs() - last >= wait;
    const oldest = noted[0]!;
    noted.push(world.rev());
    if (noted.length > kept) noted.shift();
    if (!due || isBusy) return;
    wait = intervalMs;
    isBusy = true;
    void compact(oldest).then((isDone) => {
      isBusy = false;
      if (isDone) last = world.nowMs();
    });
  });
}

function byRevision(retention: number, world: CompactionWorld, compact: Compact): () => void {
  let done = 0;
  let isBusy = false;
  return world.every(REVISION_LOOK_MS, () => {
    const revision = world.rev() - retention;
    if (revision <= 0 || revision === done || isBusy) return;
    isBusy = true;
    void compact(revision).then((isDone) => {
      isBusy = false;
      if (isDone) done = revision;
    });
  });
}

function compactor(world: CompactionWorld, log: EtcdLog): Compact {
  return async (revision) => {
    log.say('notice', 'compactor', `Starting auto-compaction at revision ${revision}`, { revision });
    try {
      await world.compact(revision);
    } catch (error) {
      const wasBefore = error instanceof Error && 'code' in error && error.code === 'MVCC_COMPACTED';
      if (!wasBefore) {
        const why = error instanceof Error ? error.message : String(error);
        log.say('notice', 'compactor', `Failed auto-compaction at revision ${revision} (${why})`, { revision });
        return false;
      }
    }
    log.say('notice', 'compactor', `Finished auto-compaction at revision ${revision}`, { revision });
    return true;
  };
}
