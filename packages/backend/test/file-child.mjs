// The file engine in a process of its own, for tests that stop or kill it or take the medium away. Uses the built package.
//   hold PATH          opens, prints `held` and stays, or prints the error's code; `share` does it for reading only
//   full PATH ACCESS   opens where no file may grow or be made, reads, and tries to write; prints one line of JSON
//   fill PATH BYTES    commits rows of a KiB until one fails, where no file may be larger than that; prints one line of JSON
//   defrag PATH        the same for a rewrite of the file, which is then tried again without the limit
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { fileEngine } from '../dist/engines/file/index.js';

const rows = { id: 1, name: 'key', appendOnly: true };
const bytes = (text) => new Uint8Array(Buffer.from(text));
const kilobyte = new Uint8Array(1024).fill(120);

function limitFiles(size) {
  spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:unlimited`], { stdio: 'inherit' });
}

async function count(engine) {
  let n = 0;
  for await (const chunk of engine.scan(rows)) n += chunk.length;
  return n;
}

async function fill(path, limit) {
  const engine = await fileEngine(path);
  await engine.commit([{ type: 'createBucket', bucket: rows }]);
  limitFiles(limit);
  let acked = 0;
  const failures = [];
  while (failures.length < 2) {
    try {
      const key = bytes(String(acked + 1).padStart(8, '0'));
      await engine.commit([{ type: 'put', bucket: rows, key, value: kilobyte }]);
      acked += 1;
    } catch (error) {
      failures.push([error.code, error.cause?.code]);
    }
  }
  const seen = await count(engine);
  limitFiles('unlimited');
  await engine.close();
  return { acked, seen, failures };
}

async function defrag(path) {
  const engine = await fileEngine(path);
  const before = await count(engine);
  limitFiles(16_384);
  const [failure] = await Promise.allSettled([engine.compact()]);
  limitFiles('unlimited');
  await engine.commit([{ type: 'put', bucket: rows, key: bytes('z'), value: kilobyte }]);
  const sizes = [engine.size];
  await engine.compact();
  sizes.push(engine.size);
  const after = await count(engine);
  await engine.close();
  return { failure: [failure.reason?.code, failure.reason?.cause?.code], before, after, sizes };
}

async function full(path, readOnly) {
  limitFiles(0);
  const engine = await fileEngine(path, { readOnly });
  const seen = await count(engine);
  const [written] = await Promise.allSettled([
    engine.commit([{ type: 'createBucket', bucket: { ...rows, name: 'x' } }]),
  ]);
  const seenAfter = await count(engine);
  await engine.close();
  return { seen, failure: [written.reason?.code, written.reason?.cause?.code], seenAfter };
}

const [, , mode, path, limit] = process.argv;
if (mode === 'hold' || mode === 'share') {
  try {
    await fileEngine(path, { readOnly: mode === 'share' });
    writeSync(1, 'held\n');
    setInterval(() => undefined, 1 << 30);
  } catch (error) {
    writeSync(1, `${error.code}\n`);
  }
}
if (mode === 'full') writeSync(1, `${JSON.stringify(await full(path, limit === 'readOnly'))}\n`);
if (mode === 'fill') writeSync(1, `${JSON.stringify(await fill(path, limit))}\n`);
if (mode === 'defrag') writeSync(1, `${JSON.stringify(await defrag(path))}\n`);
