/**
 * Copying a state's contents, densely packed, into a new file.
 *
 * BC1  Contents and sequences at every nesting depth are kept, free space is not. One pass, page after page; memory does not
 *     depend on the size.
 * BC2  The new file gets its name when it is whole and durable (R61).
 * BC3  A page that is met twice, or keys out of order, end it: what is written is bounded by what is read (see `once-tree.ts`).
 *
 * bbolt: compact.go. Departs: written once, front to back, instead of in transactions.
 */
import { Slice } from '@varve/base/pace';
import type { World } from '@varve/base/world';
import type { CompactOptions } from '../bolt.ts';
import { createWhole } from '../open/create.ts';
import { corrupt } from '../errors.ts';
import { encodeMeta, olderRecord } from '../format/meta.ts';
import { walkEntries } from './entry-walk.ts';
import type { PinnedState } from '../commit/read-transaction.ts';
import { stampOf } from '../format/seal.ts';
import { TreeBuilder } from './tree-builder.ts';

const DEFAULT_FILL = 0.9;
const WRITE_BYTES = 1 << 20;

/** Where the copy goes and what it is like. */
export interface CompactTarget extends CompactOptions {
  /** The file's name until it is whole. */
  readonly temporary: string;
  readonly txid: number;
  readonly pageChecksums: boolean;
}

/** Resolves with the bytes of the new file, once it is durable under its name. */
export async function compactState(
  world: World,
  state: PinnedState,
  path: string,
  target: CompactTarget,
): Promise<number> {
  const { pageSize } = state.meta;
  const slice = new Slice(world.clock, { signal: target.signal });
  let size = 0;
  await createWhole(world, path, target.temporary, async (append, patch) => {
    let ready: Buffer[] = [Buffer.alloc(2 * pageSize)];
    let readyBytes = 2 * pageSize;
    const options = {
      pageSize,
      fillPercent: target.fillPercent ?? DEFAULT_FILL,
      txid: target.txid,
      pageChecksums: target.pageChecksums,
      stamp: stampOf(world.random.unique(), target.txid),
      measuring: false,
    };
    const builder = new TreeBuilder(options, (pages, fill) => {
      const run = Buffer.alloc(pages * pageSize);
      fill(run);
      ready.push(run);
      readyBytes += run.length;
    });
    const flush = async (): Promise<void> => {
      const buffers = ready;
      size += readyBytes;
      ready = [];
      readyBytes = 0;
      await append(buffers);
      target.onProgress?.(size);
    };
    for (const _ of feed(builder, state)) {
      if (readyBytes >= WRITE_BYTES) await flush();
      if (slice.due()) await slice.turn();
    }
    const meta = { ...builder.finish(), sequence: state.meta.sequence };
    await flush();
    const metas = Buffer.alloc(2 * pageSize);
    const newer = meta.txid % 2;
    encodeMeta(metas.subarray(newer * pageSize, (newer + 1) * pageSize), newer, meta);
    encodeMeta(metas.subarray((1 - newer) * pageSize, (2 - newer) * pageSize), 1 - newer, olderRecord(meta));
    await patch(metas);
  });
  return size;
}

/** Feeds all entries of a state to the builder; yields after each so that the caller can pause. */
function* feed(builder: TreeBuilder, { pages, meta }: PinnedState): IterableIterator<void> {
  for (const step of walkEntries(pages, meta)) {
    if (step.kind === 'end') builder.endBucket();
    else if (step.kind === 'begin') builder.beginBucket(step.key, step.tree.header.sequence);
    else if (step.depth === 0) throw corrupt(meta.root, 'an entry of the root bucket is no bucket', 'C14');
    else builder.put(step.key, step.value);
    yield;
  }
}
