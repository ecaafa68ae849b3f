/** The greatest key of a bucket: one step of LevelDB's iterator, from the end. */
import type { Committed } from './committed.ts';
import { SLOT_BYTES, bound, boundAfter, decodeValue } from './rows.ts';

/** @throws BackendError as reads do */
export async function lastKey(state: Committed, bucket: string): Promise<Uint8Array | undefined> {
  const slot = state.directory.get(bucket);
  if (slot === undefined) return undefined;
  const held = state.hold();
  const range = { gte: bound(slot, undefined), lt: boundAfter(slot), reverse: true, limit: 1 };
  const iterator = held.level.iterator({ ...range, snapshot: held.fix().snapshot, fillCache: false });
  try {
    const row = await iterator.next().catch((error: unknown) => {
      throw held.readError(error, slot);
    });
    if (row === undefined) return undefined;
    const key = new Uint8Array(row[0].subarray(SLOT_BYTES));
    if (decodeValue(slot, key, 0, row[1]) === undefined) throw held.damaged(slot, key);
    return key;
  } finally {
    await iterator.close();
    held.release();
  }
}
