/**
 * The greatest key of each append-only bucket, found at open without reading the bucket.
 *
 * An engine scans upwards only, so the key is built byte by byte: "is there a row at or above this prefix?" is a scan
 * of one row. Revision keys need some 40 such questions whatever the number of rows.
 */
import { type Bucket, bucketNamed, knownBucket } from './bucket.ts';
import type { EngineView } from './engine.ts';

/** By bucket name. Buckets that are known to be written in any order are left out. */
export async function floorKeys(view: EngineView, names: Iterable<string>): Promise<Map<string, Uint8Array>> {
  const floors = new Map<string, Uint8Array>();
  for (const name of names) {
    if (knownBucket(name)?.appendOnly === false) continue;
    const last = await lastKey(view, bucketNamed(name));
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
      found = key;
      low = key[place]!;
    }
  }
  return found;
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
  for await (const chunk of view.scan(bucket, { start, chunkSize: 1 })) return chunk[0]!.key;
  return undefined;
}
