/**
 * The greatest key of each append-only bucket, which the next put must be above.
 *
 * FK1  An engine tells (`Engine.last`). Of one that does not, the bucket is read through: nothing cleverer is worth its lines,
 *      for every engine that keeps many rows can tell.
 * FK2  What it tells is believed only if a scan finds no key behind it: puts would go below rows that are there.
 */
import { Slice, type Turns } from '@varve/base/pace';
import { type Bucket, bucketNamed, knownBucket } from '../contract/bucket.ts';
import type { Engine } from '../contract/engine.ts';
import { corrupt, ScanOrder, shown } from './scan-order.ts';

type Asked = Pick<Engine, 'scan' | 'last'>;

/** By bucket name. Buckets that are known to be written in any order are left out. */
export async function floorKeys(
  engine: Asked,
  names: Iterable<string>,
  clock: Turns,
): Promise<Map<string, Uint8Array>> {
  const floors = new Map<string, Uint8Array>();
  const slice = new Slice(clock);
  for (const name of names) {
    if (slice.over) await slice.turn();
    if (knownBucket(name)?.appendOnly === false) continue;
    const bucket = bucketNamed(name);
    const told = await engine.last?.(bucket);
    const last = (await lastKey(engine, bucket, told, clock)) ?? told;
    if (engine.last !== undefined && last !== told) {
      throw corrupt(
        bucket,
        `its last key is not ${told === undefined ? 'absent' : shown(told)}: there is ${shown(last!)}`,
      );
    }
    if (last !== undefined) floors.set(name, new Uint8Array(last));
  }
  return floors;
}

/** The last key that a scan from behind `after` on gives. */
async function lastKey(
  engine: Asked,
  bucket: Bucket,
  after: Uint8Array | undefined,
  clock: Turns,
): Promise<Uint8Array | undefined> {
  let last: Uint8Array | undefined;
  const start = after && Uint8Array.of(...after, 0);
  const order = new ScanOrder(bucket, start);
  const slice = new Slice(clock);
  for await (const rows of engine.scan(bucket, { start })) {
    order.check(rows);
    last = rows[rows.length - 1]!.key;
    if (slice.over) await slice.turn();
  }
  return last;
}
