/**
 * An index checkpoint in pieces, written beside the writers (G30).
 *
 * IXW1  It is of the revision that was the newest finished one when it began: what is finished meanwhile is left out of the index. A
 *     lease may be seen to have got or lost a key since: that change is behind the revision, and is read again at open.
 * IXW2  Its last piece is given once everything that was finished before is durable, so what it tells of is never taken back. Until
 *     then nobody sees any of it (`Aside.replace`).
 * IXW3  For as long as a piece of work takes, others have the loop, as far as they want it (`Pace`).
 */
import { newBlock } from '@varve/base/block';
import type { Clock } from '@varve/base/clock';
import { STEP_MS } from '@varve/base/pace';
import { saveTreeIndex, type TreeIndex } from '@varve/index';
import { Pace } from '../pace.ts';
import type { LeaseAttachment } from '../store.ts';
import { BlockFramer } from './blocks.ts';
import { jsonBytes, type CheckpointHead } from './head.ts';
import { leaseBytes } from './leases.ts';

/** Bytes of a piece. */
const PIECE_BYTES = 1 << 18;
const LEASE_BLOCK_BYTES = 1 << 15;

export interface CheckpointContent {
  readonly clock: Clock;
  readonly head: CheckpointHead;
  readonly index: TreeIndex;
  readonly leases: Iterable<LeaseAttachment>;
  /** Resolves when everything finished before the call is durable. */
  readonly durable: () => Promise<void>;
  /** Called after each turn in which others ran; what it throws ends the work. */
  readonly check: () => void;
}

export async function* checkpointPieces(content: CheckpointContent): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, check } = content;
  const pace = new Pace(clock);
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  pace.enter();
  let end = clock.now() + STEP_MS;
  for (const block of blocks(content)) {
    if (block !== undefined) {
      waiting.push(block);
      bytes += block.length;
    }
    if (bytes >= PIECE_BYTES) {
      pace.leave();
      yield joined(waiting);
      check();
      pace.enter();
      waiting = [];
      bytes = 0;
    }
    if (clock.now() < end) continue;
    pace.leave();
    await pace.rest();
    check();
    pace.enter();
    end = clock.now() + STEP_MS;
  }
  pace.leave();
  await content.durable();
  check();
  yield joined(waiting);
}

/** Undefined after a piece of work that has not filled one. */
function* blocks({ head, index, leases }: CheckpointContent): Generator<Uint8Array | undefined, void, undefined> {
  const framer = new BlockFramer();
  yield framer.frame('HEAD', jsonBytes(head));
  const saving = saveTreeIndex(index, head.revision);
  let step = saving.next();
  for (; step.done !== true; step = saving.next()) {
    yield step.value === undefined ? undefined : framer.frame('KEYS', step.value);
  }
  let leaseN = 0;
  let rows: Uint8Array[] = [];
  let bytes = 0;
  for (const attachment of leases) {
    const row = leaseBytes(attachment);
    rows.push(row);
    bytes += row.length;
    leaseN++;
    if (bytes < LEASE_BLOCK_BYTES) continue;
    yield framer.frame('LEAS', joined(rows));
    rows = [];
    bytes = 0;
  }
  if (bytes > 0) yield framer.frame('LEAS', joined(rows));
  yield framer.frame('LAST', jsonBytes({ keys: step.value, leases: leaseN }));
}

/** The parts one after another, in an array of their own. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = newBlock(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
