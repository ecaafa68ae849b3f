/** The contents of a state as one text. */
import { createHash } from 'node:crypto';
import type { Bolt, ReadBucket } from '../src/index.ts';

export function digestOf(bolt: Bolt): string {
  using tx = bolt.read();
  const hash = createHash('sha256');
  add(tx.root);
  return hash.digest('hex');

  function add(bucket: ReadBucket): void {
    for (const { key, value } of bucket.entries()) {
      hash.update(`${value === undefined ? 'B' : 'K'}${key.length}:`).update(key);
      if (value !== undefined) {
        hash.update(`${value.length}:`).update(value);
        continue;
      }
      const nested = bucket.bucket(key) as ReadBucket;
      hash.update(`${nested.sequence}{`);
      add(nested);
      hash.update('}');
    }
  }
}
