/**
 * What happens in the source comes into the inbox.
 *
 * MLI1  What a watch tells is complete if the revision before it can still be read once the present has come: a compaction may have taken
 *       deletions without a word, on an etcd that is asked for the very next revision (decisions/0035). Else the whole is compared.
 * MLI2  A watch is of one cluster as long as it lasts (MSO1): which one is asked once, before the first change comes in.
 */
import { KvError, type Range } from '@varve/api';
import { onAbort } from '@varve/base/abort';
import { byteKey } from '@varve/base/order';
import { batchOf } from './apply.ts';
import type { ByteKv } from './contract.ts';
import type { Inbox } from './inbox.ts';
import type { Source } from './source.ts';

/** How often the source is heard of while nothing happens. */
const progressMs = 250;

export interface Listening {
  readonly from: ByteKv;
  readonly source: Source;
  readonly range: Range<Uint8Array>;
  readonly fenceKey: Uint8Array;
  /** What the target has. */
  readonly known: number;
  /** The source's revision of now. */
  readonly present: number;
  readonly inbox: Inbox;
  /** Each of them ends it: the first one is the mirror's. */
  readonly signals: readonly [AbortSignal, AbortSignal];
  /** The source has come so far. */
  readonly onHeard: (revision: number) => void;
}

/** Puts what happens behind `known` into the inbox, until it is told to stop; the inbox then has why it ended. */
export async function listen(listening: Listening): Promise<void> {
  const { from, range, fenceKey, known, inbox, signals } = listening;
  const letGo: (() => void)[] = [];
  const isOver = (): boolean => signals.some(({ aborted }) => aborted);
  try {
    const watch = from.watch({ any: [range, fenceKey] }, { from: known + 1, progressIntervalMs: progressMs });
    const close = (): void => void watch.close();
    for (const signal of signals) letGo.push(onAbort(signal, close));
    letGo.push(close);
    if (isOver()) close();
    await hear(watch.batches(), listening);
    inbox.end(isOver() ? undefined : { error: new KvError('KV_CLOSED', 'the source was closed') });
  } catch (error) {
    inbox.end({ error });
  } finally {
    for (const release of letGo) release();
  }
}

async function hear(batches: ReturnType<ReturnType<ByteKv['watch']>['batches']>, listening: Listening): Promise<void> {
  const { from, source, fenceKey, known, present, inbox, signals, onHeard } = listening;
  const fence = byteKey(fenceKey);
  const readable = (): Promise<unknown> => from.at(known).get(fenceKey, { signal: signals[0] });
  await readable();
  let [isNew, isKnown] = [false, false];
  for await (const { revision, events } of batches) {
    // A member that is behind may tell of what is known.
    if (revision <= known) continue;
    if (!isKnown) {
      await source.askAgain(known);
      isKnown = true;
    }
    onHeard(revision);
    if (!isNew && revision >= present) {
      await readable();
      isNew = true;
    }
    await inbox.add(batchOf(revision, events, fence));
  }
}
