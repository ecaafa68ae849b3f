/**
 * What the store hands out and the caller keeps: snapshots and compactions under way. They may outlive the store; then they
 * say so in this package's word.
 */
import type { Compaction, Snapshot } from '@varve/watch';
import type { Core } from './core.ts';

/** A snapshot whose chunks leave others a turn, and whose end by `close` is `KV_CLOSED`. */
export function handedOutSnapshot(core: Core, snapshot: Snapshot): Snapshot {
  return {
    size: snapshot.size,
    [Symbol.asyncIterator]: () => chunks(core, snapshot),
    close: () => snapshot.close(),
    [Symbol.asyncDispose]: () => snapshot.close(),
  };
}

/** A compaction whose `finished` ends with `KV_CLOSED` when the store is closed first. */
export function handedOutCompaction(core: Core, compaction: Compaction): Compaction {
  return {
    revision: compaction.revision,
    get progress() {
      return compaction.progress;
    },
    finished() {
      const finished = ended(core, compaction);
      // Reopening finishes it: whoever does not listen need not know (R15).
      finished.catch(() => undefined);
      return finished;
    },
  };
}

async function ended(core: Core, compaction: Compaction): Promise<void> {
  try {
    await compaction.finished();
  } catch (error) {
    throw core.inOwnWords(error);
  } finally {
    if (core.world.slice.over()) await core.world.slice.next();
  }
}

async function* chunks(core: Core, snapshot: Snapshot): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of snapshot) {
      if (core.world.slice.over()) await core.world.slice.next();
      core.check();
      yield chunk;
    }
  } catch (error) {
    throw core.inOwnWords(error);
  }
}
