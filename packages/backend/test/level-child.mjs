// The LevelDB engine in a process of its own, for tests that kill it or let LevelDB abort. Uses the built package.
//   write DIR FROM     commits until killed; one line `ack N` after each, N counting on
//   read               for each line `DIR VERIFY` on standard input one line of JSON: what a fresh open shows
//   hold DIR           opens, prints `held` and stays, or prints the error's code
//   fill DIR KEYS KIB  commits until one fails, where no file may be larger than that; prints one line of JSON about
//                      it. KEYS `old` is the history above, `new` adds rows only, so that compactions grow
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { levelEngine } from '../dist/level/index.js';

export const rowsBucket = { id: 1, name: 'key', appendOnly: false };
export const countBucket = { id: 2, name: 'meta', appendOnly: false };
const SMALL = 1 << 16;

/** What commit number n does: a pure function, so that any state can be computed. */
export function changesOf(n) {
  const changes = n === 1 ? [rowsBucket, countBucket].map((bucket) => ({ type: 'createBucket', bucket })) : [];
  for (let row = 0; row < 1 + (n % 7) * 5; row++) {
    const key = Buffer.from(`k${String((n * 31 + row * 17) % 199).padStart(3, '0')}`);
    if ((n + row) % 6 === 0) changes.push({ type: 'delete', bucket: rowsBucket, key });
    else changes.push({ type: 'put', bucket: rowsBucket, key, value: valueOf(n, row) });
  }
  changes.push({ type: 'put', bucket: countBucket, key: Buffer.from('n'), value: Buffer.from(String(n)) });
  return changes;
}

function valueOf(n, row) {
  const digest = createHash('sha256').update(`${n} ${row}`).digest();
  return Buffer.concat(Array.from({ length: 1 + ((n * row) % 12) }, () => digest)).subarray(1);
}

/** Digest of a state given as sorted `[bucket, key, value]` rows. */
export function digestOf(rows) {
  const hash = createHash('sha256');
  for (const [bucket, key, value] of rows) hash.update(`${bucket} ${Buffer.from(key).toString('hex')} `).update(value);
  return hash.digest('hex');
}

const history = new Set();
let historyEnd = 0;

/** Whether one of the first commits put this row. */
function isOfHistory([, key, value]) {
  while (historyEnd < 500) {
    for (const change of changesOf(++historyEnd))
      if (change.type === 'put') history.add(nameOf(change.key, change.value));
  }
  return history.has(nameOf(key, value));
}

function nameOf(key, value) {
  return `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`;
}

async function everything(engine) {
  const rows = [];
  for (const name of engine.buckets()) {
    for await (const chunk of engine.scan({ id: 0, name, appendOnly: false })) {
      for (const { key, value } of chunk) rows.push([name, key, value]);
    }
  }
  return rows;
}

async function show(directory, verify) {
  let engine;
  try {
    engine = await levelEngine(directory, { createIfMissing: false, verify, writeBufferSize: SMALL });
    const rows = await everything(engine);
    const got = rows.map(([name, key]) => [name, key, engine.get({ id: 0, name, appendOnly: false }, key)]);
    const different = got.filter(([, , value], i) => value === undefined || Buffer.compare(value, rows[i][2]) !== 0);
    const shown = [...rows, ...different.filter(([, , value]) => value !== undefined)];
    const invented = shown.filter((row) => row[0] === rowsBucket.name && !isOfHistory(row)).length;
    return { digest: digestOf(rows), different: different.length, invented, warnings: engine.warnings };
  } catch (error) {
    return { code: error.code ?? 'UNTYPED', message: error.stack };
  } finally {
    await engine?.close();
  }
}

async function write(directory, from) {
  const engine = await levelEngine(directory, { writeBufferSize: SMALL });
  for (let n = from; ; n++) {
    await engine.commit(changesOf(n));
    writeSync(1, `ack ${n}\n`);
    if (n % 40 === 0) await engine.compact();
  }
}

async function fill(directory, changesOf) {
  const engine = await levelEngine(directory, { writeBufferSize: SMALL });
  let acked = 0;
  const failures = [];
  for (let n = 1; failures.length < 2; n++) {
    try {
      await engine.commit(changesOf(n));
      acked = n;
    } catch (error) {
      failures.push(error.code ?? String(error));
    }
  }
  const seen = Number(Buffer.from(engine.get(countBucket, Buffer.from('n'))).toString());
  const digest = digestOf(await everything(engine));
  await engine.close();
  writeSync(1, `${JSON.stringify({ acked, seen, digest, failures })}\n`);
}

const newKeys = (n) => [
  ...(n === 1 ? changesOf(1) : []),
  ...Array.from({ length: 20 }, (_, row) => {
    const key = Buffer.from(`${(n * 7919 + row * 104_729) % 1_000_003}`);
    return { type: 'put', bucket: rowsBucket, key, value: valueOf(n, row) };
  }),
  { type: 'put', bucket: countBucket, key: Buffer.from('n'), value: Buffer.from(String(n)) },
];

const [, file, mode, directory, from, limit] = process.argv;
if (file?.endsWith('level-child.mjs')) {
  if (mode === 'write') await write(directory, Number(from));
  if (mode === 'fill' && process.env.LIMITED === undefined) {
    // The shell lowers the limit for the process it turns into.
    const again = [process.execPath, file, mode, directory, from].map((word) => `'${word}'`).join(' ');
    const stdio = ['ignore', 'inherit', 'inherit'];
    spawnSync('bash', ['-c', `ulimit -f ${limit}; exec ${again}`], { stdio, env: { ...process.env, LIMITED: 'yes' } });
  } else if (mode === 'fill') await fill(directory, from === 'new' ? newKeys : changesOf);
  if (mode === 'hold') {
    try {
      await levelEngine(directory);
      writeSync(1, 'held\n');
      setInterval(() => undefined, 1 << 30);
    } catch (error) {
      writeSync(1, `${error.code}\n`);
    }
  }
  if (mode === 'read') {
    for await (const line of createInterface({ input: process.stdin })) {
      const [asked, verify] = line.split('\t');
      writeSync(1, `${JSON.stringify(await show(asked, verify === 'true'))}\n`);
    }
  }
}
