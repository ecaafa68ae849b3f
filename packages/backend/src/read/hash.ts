/**
 * The hash of a committed state: CRC-32C over each bucket's name, then its rows' keys and values, buckets by name.
 *
 * HA1  It depends on contents only, not on layout, order of insertion or commits (B36).
 * HA2  Without a predicate every row counts (BD3; etcd hashes none then, BQ7).
 * HA3  The event loop is not held longer than a slice, whatever the size of a value (law 10).
 *
 * etcd: server/storage/backend/backend.go, Hash (spec backend.md section 6).
 */
import { keyBytes } from '@varve/base/order';
import { crc32c } from '@varve/base/crc32c';
import { Slice, type Turns } from '@varve/base/pace';
import { bucketNamed } from '../contract/bucket.ts';
import type { EngineView } from '../contract/engine.ts';
import { ScanOrder } from './scan-order.ts';

/** Bytes between two looks at the clock. */
const stride = 256 * 1024;

export async function hashView(
  view: EngineView,
  ignore: ((bucket: string, key: Uint8Array) => boolean) | undefined,
  signal: AbortSignal,
  clock: Turns,
): Promise<number> {
  const slice = new Slice(clock);
  let sum = 0;
  let sinceLook = 0;
  for (const name of view.buckets()) {
    sum = crc32c(keyBytes(name), sum);
    const bucket = bucketNamed(name);
    const order = new ScanOrder(bucket);
    for await (const chunk of view.scan(bucket, { signal, lent: true })) {
      order.check(chunk);
      for (const { key, value } of chunk) {
        if (ignore?.(name, key) === true) continue;
        sum = crc32c(key, sum);
        if (value.length <= stride) {
          sum = crc32c(value, sum);
        } else {
          for (let at = 0; at < value.length; at += stride) {
            sum = crc32c(value.subarray(at, at + stride), sum);
            if (slice.over) await slice.turn();
          }
        }
        sinceLook += key.length + value.length;
        if (sinceLook > stride) {
          sinceLook = 0;
          if (slice.over) await slice.turn();
        }
      }
      signal.throwIfAborted();
    }
  }
  return sum;
}
