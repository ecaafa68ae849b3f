/** A history of everything a store can do, the same for the same seed. */
import { buckets } from '@varve/backend';
import type { Store } from '@varve/mvcc';
import { randomOf } from '../../run/random.mjs';

/** Runs `steps` transactions; compacts twice on the way. */
export async function grow(store: Store, steps: number, seed: number): Promise<void> {
  const random = randomOf(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const key = (): Uint8Array => Buffer.from(`${'abc'[below(3)]}/${below(60)}`);
  const value = (): Uint8Array => Buffer.alloc([0, 7, 90, 2000, 20_000][below(5)] as number, below(256));
  /** Leases that exist; 0n stands for none. */
  const leases = [0n];
  store.write((txn) => txn.rows.createBucket(buckets.lease));
  for (let step = 1; step <= steps; step += 1) {
    const kind = below(20);
    if (kind === 0) {
      const id = BigInt(below(2 ** 30)) * 2n ** 33n + 1n;
      store.write((txn) => txn.rows.put(buckets.lease, leaseKey(id), leaseRow(id, 100_000n + BigInt(step))));
      leases.push(id);
    } else if (kind === 1 && leases.length > 3) {
      const [id = 0n] = leases.splice(1 + below(leases.length - 1), 1);
      store.write((txn) => {
        const { kvs } = txn.range(Uint8Array.of(0), new Uint8Array(0));
        for (const kv of kvs) if (kv.lease === id) txn.deleteRange(kv.key);
        txn.rows.delete(buckets.lease, leaseKey(id));
      });
    } else if (kind < 5) {
      store.write((txn) => txn.deleteRange(key(), kind === 4 ? Buffer.from(`${'abcd'[below(4)]}/`) : undefined));
    } else if (kind < 9) {
      // Each key once: etcd refuses a transaction that puts one twice.
      const keys = new Set(Array.from({ length: 1 + below(6) }, () => Buffer.from(key()).toString()));
      store.write((txn) => {
        txn.deleteRange(Buffer.from(`d/${below(9)}`));
        for (const one of keys) txn.put(Buffer.from(one), value(), leases[below(leases.length)]);
        txn.put(Buffer.from(`d/${below(9)}`), value());
      });
    } else {
      store.write((txn) => txn.put(key(), value(), leases[below(leases.length)]));
    }
    if (step % 50 === 0) await store.settled();
    if (step === Math.floor(steps / 3) || step === Math.floor((steps * 2) / 3)) {
      await store.settled();
      const compaction = await store.compact(store.rev() - 20);
      await compaction.finished();
    }
  }
  await store.settled();
}

function leaseKey(id: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(id);
  return bytes;
}

/** The message `Lease`: id and seconds, each a varint. */
function leaseRow(id: bigint, ttl: bigint): Uint8Array {
  return Buffer.from([0x08, ...varint(id), 0x10, ...varint(ttl)]);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}
