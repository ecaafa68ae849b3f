/**
 * What the store tells to whoever listens on `node:diagnostics_channel`; it costs nothing while nobody does.
 *
 * - `tracing:varve.mvcc.restore`, `.compaction`, `.checkpoint`, `.hash`: tracing channels (`start`, `end`, `asyncStart`, `asyncEnd`,
 *   `error`) around the long work of the store
 * - `varve.mvcc.slow-section`: `{ milliseconds, changes, revision }` of a write section beyond one slice (law 10)
 * - `varve.mvcc.background-error`: `{ work, error }` of something that nobody awaited (R15)
 */
import { channel, tracingChannel, type Channel, type TracingChannel } from '@varve/base/host';
import { SLICE_MS } from '@varve/base/pace';

const slowSection: Channel = channel('varve.mvcc.slow-section');
const background: Channel = channel('varve.mvcc.background-error');

type LongWork = 'restore' | 'compaction' | 'checkpoint' | 'hash';

const channels: Readonly<Record<LongWork, TracingChannel>> = {
  restore: tracingChannel('varve.mvcc.restore'),
  compaction: tracingChannel('varve.mvcc.compaction'),
  checkpoint: tracingChannel('varve.mvcc.checkpoint'),
  hash: tracingChannel('varve.mvcc.hash'),
};

/** Runs `work` inside the named tracing channel. */
export function traced<T>(name: LongWork, context: object, work: () => Promise<T>): Promise<T> {
  return channels[name].tracePromise(work, context);
}

/** Whether sections need to be timed at all. */
export function sectionsWatched(): boolean {
  return slowSection.hasSubscribers;
}

export function sectionTook(milliseconds: number, changes: number, revision: number): void {
  if (milliseconds > SLICE_MS) slowSection.publish({ milliseconds, changes, revision });
}

export function backgroundError(work: string, error: unknown): void {
  if (background.hasSubscribers) background.publish({ work, error });
}
