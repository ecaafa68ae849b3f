// The LevelDB engine in a process of its own, for tests that kill it or let LevelDB abort. Uses the built package.
//   write DIR FROM FORM    commits until killed; one line `ack N` after each, N counting on. FORM is `own` for commits
//                          that end in a row of their own, `carried` for such that mostly end in an append
//   read                   for each line `DIR VERIFY TABLES` on standard input one line of JSON: what a fresh open shows
//   hold DIR               opens, prints `held` and stays, or prints the error's code
//   made DIR               opens, commits once, and closes
//   full DIR               fills the file system of DIR, makes room until it opens again with as much as it asks for, and
//                          prints one line of JSON about it
//   forget DIR             opens, commits, scans a little, forgets all of it, and prints `forgotten` and the warnings of
//                          Node once the garbage collector has been there
//   fill DIR FORM KIB      commits until one fails, where no file may be larger than that; prints one line of JSON about
//                          it. FORM `own` and `carried` are as above; `new` adds rows only, so that compactions grow,
//                          and `appended` adds them at the end
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { loadDriver } from '../dist/engines/level/driver.js';
import { nodeFiles } from '../dist/engines/level/files.js';
import { levelEngine } from '../dist/engines/level/index.js';
import { openLevel } from '../dist/engines/level/opening/open-level.js';

export const rowsBucket = { id: 1, name: 'key', appendOnly: false };
export const countBucket = { id: 2, name: 'meta', appendOnly: false };
export const logBucket = { id: 3, name: 'log', appendOnly: true };
export const auditBucket = { id: 4, name: 'audit', appendOnly: true };
const SMALL = 1 << 16;

/**
 * What commit number n does: a pure function, so that any state can be computed. With `appends` most of them end in an append.
 */
export function changesOf(n, appends = false) {
  const changes = n === 1 ? [rowsBucket, countBucket].map((bucket) => ({ type: 'createBucket', bucket })) : [];
  for (let row = 0; row < 1 + (n % 7) * 5; row++) {
    const key = Buffer.from(`k${String((n * 31 + row * 17) % 199).padStart(3, '0')}`);
    if ((n + row) % 6 === 0) changes.push({ type: 'delete', bucket: rowsBucket, key });
    else changes.push({ type: 'put', bucket: rowsBucket, key, value: valueOf(n, row) });
  }
  changes.push({ type: 'put', bucket: countBucket, key: Buffer.from('n'), value: Buffer.from(String(n)) });
  return appends ? [...changes, ...appendsOf(n)] : changes;
}

/** Every way in which a commit may end that has to do with appends, in turns. */
function appendsOf(n) {
  const made = (bucket) => ({ type: 'createBucket', bucket });
  const append = (bucket, part = 0) => ({ type: 'put', bucket, key: keyOf(n, part), value: valueOf(n, 30 + part) });
  const drop = (bucket, of) => ({ type: 'delete', bucket, key: keyOf(of, 0) });
  if (n === 1) return [made(logBucket), made(auditBucket), append(logBucket)];
  switch (n % 8) {
    case 0: // no append: a row of the commit's own, after one that was carried
      return [];
    case 1:
      return [append(logBucket), append(auditBucket)];
    case 2: // two buckets end in a row that carries; what carried the commit before stays
      return [append(auditBucket), append(logBucket)];
    case 3: // the row that carried the commit before goes, and another one carries
      return [drop(logBucket, n - 1), append(auditBucket)];
    case 4: // it goes, and no other comes
      return [append(logBucket), drop(auditBucket, n - 1)];
    case 5: // the bucket of the row that carries is made anew
      return [{ type: 'deleteBucket', bucket: auditBucket }, made(auditBucket), append(auditBucket)];
    case 6: // the bucket whose row carried goes with it, after rows that are never written
      return [append(auditBucket), { type: 'deleteBucket', bucket: auditBucket }, made(auditBucket), append(logBucket)];
    default:
      return [append(logBucket, 0), append(logBucket, 1), append(logBucket, 2)];
  }
}

const keyOf = (n, part) => Buffer.from(`${String(n).padStart(6, '0')}-${part}`);

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
    for (const change of changesOf(++historyEnd, true))
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
    for await (const chunk of engine.scan({ id: 0, name, appendOnly: false }, { chunkSize: 8 })) {
      for (const { key, value } of chunk) rows.push([name, key, value]);
    }
  }
  return rows;
}

async function show(directory, verify, inTables) {
  let engine;
  try {
    engine = await openLevel(await loadDriver(), nodeFiles, directory, {
      create: false,
      verify,
      cacheBytes: 1 << 20,
      writeBufferBytes: SMALL,
      longScan: inTables ? { rows: 1, bytes: 0, bytesToWrite: 0 } : { rows: 1e9, bytes: 0, bytesToWrite: 0 },
    });
    const rows = await everything(engine);
    const got = rows.map(([name, key]) => [name, key, engine.get({ id: 0, name, appendOnly: false }, key)]);
    const different = got.filter(([, , value], i) => value === undefined || Buffer.compare(value, rows[i][2]) !== 0);
    const shown = [...rows, ...different.filter(([, , value]) => value !== undefined)];
    const invented = shown.filter((row) => row[0] !== countBucket.name && !isOfHistory(row)).length;
    return { digest: digestOf(rows), different: different.length, invented, warnings: engine.warnings };
  } catch (error) {
    return { code: error.code ?? 'UNTYPED', message: error.stack };
  } finally {
    await engine?.close();
  }
}

async function write(directory, from, appends) {
  // A clock that runs and a limit that is reached soon: LevelDB is opened again all the time.
  const files = { ...nodeFiles, steadyMs: () => 1000 * performance.now() };
  const engine = await openLevel(await loadDriver(), files, directory, {
    create: true,
    verify: true,
    cacheBytes: 1 << 20,
    writeBufferBytes: SMALL,
    longScan: { rows: 1024, bytes: 1 << 22, bytesToWrite: SMALL },
    eventBytes: 2000,
  });
  for (let n = from; ; n++) {
    await engine.commit(changesOf(n, appends));
    writeSync(1, `ack ${n}\n`);
    if (n % 40 === 0) await engine.compact();
  }
}

async function made(directory) {
  const engine = await levelEngine(directory);
  await engine.commit(changesOf(1));
  await engine.close();
}

async function full(directory) {
  const [path, pad] = [`${directory}/store`, `${directory}/pad`];
  writeFileSync(pad, Buffer.alloc(12 << 20));
  const engine = await levelEngine(path);
  await engine.commit([{ type: 'createBucket', bucket: rowsBucket }]);
  const value = Buffer.alloc(1 << 18);
  let acked = 0;
  for (let isFull = false; !isFull;) {
    const put = { type: 'put', bucket: rowsBucket, key: Buffer.from(String(acked).padStart(4, '0')), value };
    isFull = await engine.commit([put]).then(
      () => ((acked += 1), false),
      () => true,
    );
  }
  await engine.close().catch(() => undefined);
  truncateSync(pad, 11 << 20);
  const error = await levelEngine(path).catch((refused) => refused);
  const [, needed, free] = /about (\d+) bytes .* (\d+) are free/.exec(error.message).map(Number);
  truncateSync(pad, statSync(pad).size - (needed - free));
  const again = await levelEngine(path);
  const rows = (await everything(again)).length;
  await again.close();
  writeSync(1, `${JSON.stringify({ refused: error.code, needed, free, rows, acked })}\n`);
}

async function openAndForget(directory) {
  const engine = await levelEngine(directory, { writeBufferBytes: SMALL });
  for (let n = 1; n <= 20; n++) await engine.commit(changesOf(n));
  await engine.compact();
  await engine.scan(rowsBucket, { chunkSize: 1 })[Symbol.asyncIterator]().next();
}

async function forget(directory) {
  const warnings = [];
  process.on('warning', ({ message }) => warnings.push(message));
  await openAndForget(directory);
  for (let round = 0; round < 30; round++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  writeSync(1, `forgotten ${JSON.stringify(warnings)}\n`);
  setInterval(() => undefined, 1 << 30);
}

async function fill(directory, changesOf) {
  const engine = await levelEngine(directory, { writeBufferBytes: SMALL });
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

const appended = (n) => [
  ...(n === 1 ? changesOf(1, true) : []),
  { type: 'put', bucket: countBucket, key: Buffer.from('n'), value: Buffer.from(String(n)) },
  ...Array.from({ length: n === 1 ? 0 : 20 }, (_, row) => ({
    type: 'put',
    bucket: logBucket,
    key: keyOf(n, 10 + row),
    value: valueOf(n, row),
  })),
];

const forms = {
  own: (n) => changesOf(n),
  carried: (n) => changesOf(n, true),
  new: newKeys,
  appended: (n) => appended(n),
};
const [, file, mode, directory, from, limit] = process.argv;
if (file?.endsWith('level-child.mjs')) {
  if (mode === 'write') await write(directory, Number(from), limit === 'carried');
  if (mode === 'fill' && process.env.LIMITED === undefined) {
    // The shell lowers the limit for the process it turns into.
    const again = [process.execPath, file, mode, directory, from].map((word) => `'${word}'`).join(' ');
    const stdio = ['ignore', 'inherit', 'inherit'];
    spawnSync('bash', ['-c', `ulimit -f ${limit}; exec ${again}`], { stdio, env: { ...process.env, LIMITED: 'yes' } });
  } else if (mode === 'fill') await fill(directory, forms[from]);
  if (mode === 'hold') {
    try {
      await levelEngine(directory);
      writeSync(1, 'held\n');
      setInterval(() => undefined, 1 << 30);
    } catch (error) {
      writeSync(1, `${error.code}\n`);
    }
  }
  if (mode === 'made') await made(directory);
  if (mode === 'full') await full(directory);
  if (mode === 'forget') await forget(directory);
  if (mode === 'read') {
    for await (const line of createInterface({ input: process.stdin })) {
      const [asked, verify, inTables] = line.split('\t');
      writeSync(1, `${JSON.stringify(await show(asked, verify === 'true', inTables === 'true'))}\n`);
    }
  }
}
