// Commits rows to a log store until it is killed; says on standard output which commit was acknowledged.
import { writeSync } from 'node:fs';
import { logEngine } from '../dist/engines/log/index.js';

const [path, seed] = process.argv.slice(2);
const bucket = { id: 1, name: 'key', appendOnly: true };
const engine = await logEngine(path, { segmentBytes: 1 << 16 });
const last = await engine.last(bucket);
let main = last === undefined ? 0 : Number(Buffer.from(last).readBigUInt64BE(0));
if (main === 0) await engine.commit([{ type: 'createBucket', bucket }]);
writeSync(1, 'ready\n');
for (let n = Number(seed); ; n++) {
  const rows = 1 + (n % 7);
  const changes = [];
  for (let i = 0; i < rows; i++) {
    const key = Buffer.alloc(17);
    key.writeBigUInt64BE(BigInt(++main));
    key[8] = 0x5f;
    changes.push({
      type: 'put',
      bucket,
      key: new Uint8Array(key),
      value: new Uint8Array((n * 37) % 900).fill(main & 0xff),
    });
    if (main % 3 === 0) changes.push({ type: 'delete', bucket, key: new Uint8Array(key) });
  }
  await engine.commit(changes);
  writeSync(1, `${main}\n`);
  if (n % 40 === 0) await engine.compact();
}
