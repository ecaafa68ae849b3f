// @ts-check
/** What is asked of a hostile BoltDB file. Calls that write work on a copy. */
import {
  closeSync,
  copyFileSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@varve/backend';
import { importSnapshot } from '@varve/backend/import';
import { memoryEngine } from '@varve/backend/memory';
import { openBolt } from '@varve/bolt';
import { file, open } from '@varve/kv';
import { bytes } from '@varve/kv';
import { run } from '../../../packages/bolt/dist/tools/cli.js';

const mostEntries = 100_000;
const mostText = 4 << 20;
const mostCopied = 64 << 20;

/** @template T @param {string} path @param {(bolt: import('@varve/bolt').Bolt) => Promise<T>} body */
async function reading(path, body) {
  const bolt = await openBolt(path, { readOnly: true, cacheBytes: 4 << 20 });
  try {
    return await body(bolt);
  } finally {
    await bolt.close();
  }
}

/** Every entry, the nested ones too, up to a bound. @param {import('@varve/bolt').ReadBucket} bucket @param {{ left: number }} budget */
function walk(bucket, budget, depth = 0) {
  const cursor = bucket.cursor();
  for (let more = cursor.first(); more && budget.left-- > 0; more = cursor.next()) {
    if (!cursor.isBucket) void cursor.valueLength;
    else if (depth < 20) {
      const nested = bucket.bucket(cursor.key);
      if (nested !== undefined) walk(nested, budget, depth + 1);
    }
  }
  for (let more = cursor.last(); more && budget.left-- > 0; more = cursor.prev()) void cursor.key;
}

/** A command of the program. What it prints is bounded as by `| head -c`. @param {string[]} args */
async function program(...args) {
  let printed = 0;
  let complaint = '';
  const code = await run(args, {
    out(text) {
      printed += text.length;
      // eslint-disable-next-line no-control-regex
      if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(text))
        throw new Error(`printed what a terminal obeys: ${JSON.stringify(text.slice(0, 200))}`);
      return printed > mostText
        ? Promise.reject(Object.assign(new Error('enough'), { code: 'EPIPE' }))
        : Promise.resolve();
    },
    error: (text) => (complaint += text),
  });
  if (code === 1 && !complaint.includes('does not fit into memory')) throw new Error(`exit code 1: ${complaint}`);
  return `exit code ${code}`;
}

/** A copy that keeps holes. @param {string} path @param {string} folder */
export function copied(path, folder) {
  const copy = join(folder, 'copy.db');
  rmSync(copy, { force: true });
  copySparse(path, copy);
  return copy;
}

/** @param {string} from @param {string} to */
function copySparse(from, to) {
  const source = openSync(from, 'r');
  try {
    const { size, blocks } = fstatSync(source);
    if (size < 2 * blocks * 512 + (64 << 20)) {
      copyFileSync(from, to, constants.COPYFILE_FICLONE);
      return;
    }
    const target = openSync(to, 'wx', 0o600);
    // Made files have what they have at their beginning.
    const head = Buffer.alloc(Math.min(size, 16 << 20));
    writeSync(target, head, 0, readSync(source, head, 0, head.length, 0), 0);
    closeSync(target);
    truncateSync(to, size);
  } finally {
    closeSync(source);
  }
}

/** @param {string} path */
export function checked(path) {
  return reading(path, async (bolt) => {
    const { problems } = await bolt.check();
    const texts = problems.map(({ rule, page, message }) => `${rule} ${page} ${message}`);
    if (new Set(texts).size < texts.length) throw new Error('check lists one finding twice');
    const inexact = problems.find(({ page }) => page !== undefined && !Number.isSafeInteger(page));
    if (inexact !== undefined) throw new Error(`check names page ${inexact.page}`);
    return problems.length === 0 ? 'clean' : 'problems';
  });
}

/** @param {string} path */
export function scannedFile(path) {
  return scanned(file(path, { readOnly: true }));
}

/** @type {Readonly<Record<string, (path: string, folder: string) => Promise<string>>>} */
export const boltCalls = {
  check: checked,
  stats: (path) => reading(path, async (bolt) => `${(await bolt.stats()).keys} keys, ${bolt.sizeInUse <= bolt.size}`),
  walk: (path) =>
    reading(path, async (bolt) => {
      const budget = { left: mostEntries };
      const tx = bolt.read();
      walk(tx.root, budget);
      tx.end();
      return `${mostEntries - budget.left} moves`;
    }),
  'varve-bolt check': (path) => program('check', path),
  'varve-bolt stats': (path) => program('stats', path),
  'varve-bolt dump': (path) => program('dump', path),
  'varve-bolt dump --json': (path) => program('dump', '--json', path),
  async compact(path, folder) {
    const target = join(folder, 'compact.db');
    rmSync(target, { force: true });
    const { sizeBefore, sizeAfter } = await reading(path, (bolt) => bolt.copyTo(target));
    const problems = await reading(target, async (bolt) => (await bolt.check()).problems);
    if (problems.length > 0) throw new Error(`compact made a bad file: ${JSON.stringify(problems[0])}`);
    if (sizeAfter > 3 * sizeBefore + (1 << 20)) throw new Error(`compact made ${sizeAfter} bytes of ${sizeBefore}`);
    rmSync(target);
    return 'compact';
  },
  copy: (path) =>
    reading(path, async (bolt) => {
      let length = 0;
      for await (const chunk of bolt.copy()) {
        length += chunk.length;
        if (length > mostCopied) return 'more than enough';
      }
      return 'whole';
    }),
  import: (path) => imported(path, true),
  'kv for reading': scannedFile,
  async write(path, folder) {
    const copy = copied(path, folder);
    const clean = await reading(copy, async (bolt) => (await bolt.check()).problems.length === 0).catch(() => false);
    const bolt = await openBolt(copy, { cacheBytes: 1 << 20 });
    try {
      for (let round = 0; round < 3; round += 1) await bolt.write((tx) => change(tx, round));
      await bolt.defrag();
    } finally {
      await bolt.close();
    }
    const after = await reading(copy, async (written) => (await written.check()).problems);
    if (clean && after.length > 0) throw new Error(`a clean file is not after writing: ${JSON.stringify(after[0])}`);
    return 'written';
  },
  'kv for writing': async (path, folder) => {
    const copy = copied(path, folder);
    const kv = await open(file(copy), { value: bytes });
    try {
      await kv.put('hostile', Buffer.from('value'));
      await kv.defrag();
    } finally {
      await kv.close();
    }
    rmSync(copy, { force: true });
    return existsSync(copy) ? 'left' : 'written';
  },
};

/** Puts and deletes in a few buckets, and drops one. @param {import('@varve/bolt').WriteTransaction} tx @param {number} round */
function change(tx, round) {
  const names = [];
  const cursor = tx.root.cursor();
  for (let more = cursor.first(); more && names.length < 4; more = cursor.next())
    if (cursor.isBucket) names.push(cursor.key);
  for (const [index, name] of names.entries()) {
    const bucket = tx.bucket(name);
    if (bucket === undefined) continue;
    if (round === 2 && index === 0) {
      tx.deleteBucket(name);
      continue;
    }
    const keys = [];
    const rows = bucket.cursor();
    for (let more = rows.first(); more && keys.length < 300; more = rows.next())
      if (!rows.isBucket) keys.push(rows.key);
    for (const [place, key] of keys.entries()) {
      if (place % 3 === round % 3) bucket.delete(key);
      else if (place % 5 === 0) bucket.put(key, `changed ${round}`);
    }
    if (round === 0) bucket.put('hostile', 'x'.repeat(2000));
  }
}

/** @param {string} path @param {boolean} skipHashCheck */
export async function imported(path, skipHashCheck) {
  const backend = await openBackend(memoryEngine());
  try {
    const { rows } = await importSnapshot(path, backend, { skipHashCheck });
    return `${rows} rows`;
  } catch (error) {
    if (backend.buckets().length > 0)
      throw new Error(`a failed import left ${backend.buckets().join()}`, { cause: error });
    throw error;
  } finally {
    await backend.close();
  }
}

/** All keys and some history. @param {import('@varve/kv').Location} location */
export async function scanned(location) {
  const kv = await open(location, { value: bytes });
  try {
    let keys = 0;
    for await (const entry of kv.list({})) {
      keys += entry.key.length > 0 ? 1 : 0;
      if (keys > mostEntries) break;
    }
    await kv.hashByRev();
    return `${keys} keys`;
  } finally {
    await kv.close();
  }
}
