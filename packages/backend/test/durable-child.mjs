// A store in a process of its own, for tests that kill it or take its descriptors away. Uses the built package.
//   finish KIND PATH    commits a row, finishes a section with another, says `finished` and stays
//   starve KIND PATH    commits and compacts until that fails for want of descriptors; prints one line of JSON
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { buckets, openBackend } from '../dist/index.js';
import { fileEngine } from '../dist/engines/file/index.js';
import { levelEngine } from '../dist/engines/level/index.js';

const [, , mode, kind, path] = process.argv;
const open = () => (kind === 'file' ? fileEngine(path) : levelEngine(path, { writeBufferBytes: 1 << 16 }));
const bytes = (text) => new Uint8Array(Buffer.from(text));
const descriptors = () => readdirSync('/proc/self/fd').length;
const put = (tx, name, value) => tx.put(buckets.test, bytes(name), bytes(value));

async function finish() {
  const backend = await openBackend(await open(), { batchIntervalMs: 2 ** 30 });
  backend.batchTx((tx) => {
    tx.createBucket(buckets.test);
    put(tx, 'committed', '1');
  });
  await backend.forceCommit();
  backend.batchTx((tx) => put(tx, 'finished', '1'));
  writeSync(1, 'finished\n');
  setInterval(() => undefined, 1 << 30);
}

/** Takes every descriptor there is. */
function takeAll() {
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    return taken;
  }
}

async function starve() {
  spawnSync('prlimit', ['--pid', String(process.pid), '--nofile=200:1000'], { stdio: 'inherit' });
  await (await open()).close(); // from its first socket on, libuv keeps a descriptor in reserve
  const atFirst = descriptors();
  const backend = await openBackend(await open(), { batchIntervalMs: 2 ** 30 });
  backend.batchTx((tx) => tx.createBucket(buckets.test));
  let acked = 0;
  const failures = [];
  const attempt = async (what, work) => {
    try {
      await work();
      return true;
    } catch (error) {
      failures.push([what, error.code, error.cause?.code]);
      return false;
    }
  };
  const commit = async () => {
    const write = async () => {
      backend.batchTx((tx) => put(tx, String(acked).padStart(8, '0'), 'v'.repeat(3000)));
      await backend.forceCommit();
    };
    if (await attempt('commit', write)) acked += 1;
  };
  for (let i = 0; i < 50; i += 1) await commit();
  const taken = takeAll();
  for (let i = 0; i < 60 && failures.length === 0; i += 1) {
    await commit();
    if (i % 10 === 9) await attempt('defrag', () => backend.defrag());
  }
  let seen = 0;
  const reader = backend.concurrentReadTx();
  for await (const chunk of reader.scan(buckets.test)) seen += chunk.length;
  reader[Symbol.dispose]();
  for (const descriptor of taken) closeSync(descriptor);
  const starved = [...failures];
  const ackedThen = acked;
  failures.length = 0;
  await commit();
  await attempt('defrag', () => backend.defrag());
  await backend.close();
  const left = descriptors() - atFirst;
  writeSync(1, `${JSON.stringify({ starved, seen, ackedThen, later: failures, acked, left })}\n`);
}

if (mode === 'finish') await finish();
if (mode === 'starve') await starve();
