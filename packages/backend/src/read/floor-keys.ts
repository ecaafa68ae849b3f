/**
 * The greatest key of each append-only bucket, found at open without reading the bucket.
 *
 * Many engines scan upwards only, so there the key is built byte by byte: "is there a row at or above this prefix?" is a scan
 * of one row. Revision keys need some 40 such questions whatever the number of rows.
 *
 * FK1  Each answer must fit all before it. One that does not is damage that the engine did not see (`scan-order.ts`):
 *      taken as it is, the search would not come to an end.
 */
import { Slice, type Turns } from '@varve/base/pace';
import { type Bucket, bucketNamed, knownBucket } from '../contract/bucket.ts';
import type { EngineView } from '../contract/engine.ts';
import { longestKey } from '../contract/limits.ts';
import { corrupt, ScanOrder, shown } from './scan-order.ts';

/** By bucket name. Buckets that are known to be written in any order are left out. */
export async function floorKeys(
  view: EngineView,
  names: Iterable<string>,
  clock: Turns,
): Promise<Map<string, Uint8Array>> {
  const floors = new Map<string, Uint8Array>();
  const slice = new Slice(clock);
  for (const name of names) {
    if (slice.over) await slice.turn();
    if (knownBucket(name)?.appendOnly === false) continue;
    const bucket = bucketNamed(name);
    const last = view.lastKey === undefined ? await lastKey(view, bucket) : view.lastKey(bucket);
    if (last !== undefined) floors.set(name, last);
  }
  return floors;
}

export async function lastKey(view: EngineView, bucket: Bucket): Promise<Uint8Array | undefined> {
  let last = await firstKey(view, bucket, undefined);
  if (last === undefined) return undefined;
  // No key lies above all that start with the first `fixed` bytes of `last`.
  for (let fixed = 0; ; fixed += 1) {
    const beyond = await firstKey(view, bucket, extended(last, last.length, 0));
    if (beyond === undefined) return last.slice();
    if (fixed >= longestKey) throw corrupt(bucket, 'its keys have no end: there is always one more');
    checkPrefix(bucket, beyond, last, fixed);
    // An engine that always knows one more is found out here, and not after as many bytes as a key can have.
    if (view.get(bucket, beyond) === undefined)
      throw corrupt(bucket, `a scan gave key ${shown(beyond)}, which is not there`);
    last = await greatestByte(view, bucket, beyond, fixed);
  }
}

/** A key with the greatest byte that any key has at `place`, among those that share the bytes before it. */
async function greatestByte(view: EngineView, bucket: Bucket, known: Uint8Array, place: number): Promise<Uint8Array> {
  let found = known;
  let low = known[place]!;
  let high = 255;
  // Mostly the byte is the greatest already: ask for the next one first, then halve.
  for (let probe = low + 1; low < high; probe = (low + high + 1) >>> 1) {
    const key = await firstKey(view, bucket, extended(found, place, probe));
    if (key === undefined) {
      high = probe - 1;
    } else {
      checkPrefix(bucket, key, found, place);
      found = key;
      low = key[place]!;
    }
  }
  return found;
}

/** @throws BackendError `BACKEND_CORRUPT` unless the key has the first `length` bytes of the other, and one more */
function checkPrefix(bucket: Bucket, key: Uint8Array, known: Uint8Array, length: number): void {
  let same = 0;
  while (same < length && key[same] === known[same]) same += 1;
  if (same < length || key.length <= length) {
    throw corrupt(bucket, `key ${shown(key)} was not there when key ${shown(known)} was found to be the last`);
  }
}

/** The first `length` bytes of `key`, then `byte`. */
function extended(key: Uint8Array, length: number, byte: number): Uint8Array {
  const made = new Uint8Array(length + 1);
  made.set(key.subarray(0, length));
  made[length] = byte;
  return made;
}

async function firstKey(
  view: EngineView,
  bucket: Bucket,
  start: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  for await (const chunk of view.scan(bucket, { start, chunkSize: 1 })) {
    new ScanOrder(bucket, start).check(chunk);
    return chunk[0]!.key;
  }
  return undefined;
}
