/**
 * Loads an index checkpoint, if there is one that fits the records (G31). Whatever is wrong with it, the answer is that there is none.
 *
 * IXR1  It is this store's, no compaction is ahead of it, and the records by which it knows the history are there: only then is it
 *     loaded. What compaction has done since to records is done to the index before anybody sees it.
 */
import { Slice } from '@varve/base/pace';
import { indexAside, type Backend } from '@varve/backend';
import type { Clock } from '@varve/base/clock';
import { loadTreeIndex, type TreeIndex } from '@varve/index';
import { blocksOf, Unusable } from './blocks.ts';
import { checkWitnesses, readEnd, readHead, type CheckpointHead } from './head.ts';
import { readLeases } from './leases.ts';

export interface LoadedCheckpoint {
  readonly revision: number;
  readonly index: TreeIndex;
  /** By key, as latin1. */
  readonly leases: Map<string, bigint>;
}

/**
 * @param compacted the newest compaction that was accepted, 0 for none
 * @param check called after every turn in which others ran; what it throws ends the work
 * @returns why it is not used, where it is not
 */
export async function readCheckpoint(
  backend: Backend,
  clock: Clock,
  compacted: number,
  check: () => void = () => undefined,
): Promise<LoadedCheckpoint | string> {
  const { aside } = backend;
  if (aside === undefined) return 'the engine keeps none';
  try {
    return await load(backend, aside.id, aside.read(indexAside), new Slice(clock, { check }), compacted);
  } catch (error) {
    check();
    return error instanceof Error ? error.message : String(error);
  }
}

async function load(
  backend: Backend,
  id: string,
  pieces: AsyncIterable<Uint8Array>,
  slice: Slice,
  compacted: number,
): Promise<LoadedCheckpoint> {
  const loading = loadTreeIndex();
  const leases = new Map<string, bigint>();
  let head: CheckpointHead | undefined;
  let isWhole = false;
  for await (const { kind, body } of blocksOf(pieces)) {
    if ((head === undefined) !== (kind === 'HEAD')) throw new Unusable('its blocks are out of order');
    if (kind === 'HEAD') {
      const found = readHead(body);
      if (found.id !== id) throw new Unusable("it is another store's");
      if (compacted > found.revision) throw new Unusable('a compaction has overtaken it');
      backend.readTx((tx) => {
        checkWitnesses(tx, found, compacted);
      });
      head = found;
    } else if (kind === 'KEYS') loading.add(body);
    else if (kind === 'LEAS') readLeases(body, leases);
    else {
      const end = readEnd(body);
      isWhole = end.keys === loading.keys && end.leases >= leases.size;
    }
    if (slice.over) await slice.turn();
  }
  if (head === undefined || !isWhole) throw new Unusable('something of it is missing');
  // The tree is made in one go.
  await slice.turn();
  const index = loading.end();
  if (compacted > head.compacted) await slice.runLong(index.compact(compacted));
  return { revision: head.revision, index, leases };
}
