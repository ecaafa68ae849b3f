/** Runs the recipes of `tools/vectors/bolt/recipes` against our own implementation. */
import { createHash } from 'node:crypto';
import type { Bolt, OpenOptions, ReadTransaction, WriteBucket, WriteTransaction } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { readJson } from './vectors.ts';

type KeySpec = string | { prefix?: string; width?: number; be64?: boolean; rev?: boolean; hash?: number; pad?: number };
type ValueSpec = string | { len: number; lenMax?: number; byte?: string; stream?: string; index?: boolean } | undefined;

interface Op {
  readonly op: string;
  readonly path: readonly string[];
  readonly key?: KeySpec;
  readonly value?: ValueSpec;
  readonly count?: number;
  readonly start?: number;
  readonly step?: number;
  readonly order?: 'asc' | 'desc' | 'shuffle';
  readonly number?: string | number;
}

interface RecipeTx {
  readonly ops?: readonly Op[];
  readonly end?: 'commit' | 'rollback';
  readonly repeat?: number;
  readonly reopen?: boolean;
  readonly noFreelistSync?: boolean;
  readonly openReader?: string;
  readonly closeReader?: string;
}

interface Recipe {
  readonly pageSize?: number;
  readonly noFreelistSync?: boolean;
  readonly txs: readonly RecipeTx[];
}

const ROLLBACK = new Error('rollback');

/** Replays a recipe into a new file; `afterCommit` sees the open file after each transaction. */
export async function replay(
  name: string,
  path: string,
  options: OpenOptions = {},
  afterCommit?: (bolt: Bolt) => Promise<void>,
): Promise<void> {
  const recipe = readJson(`recipes/${name}.json`) as Recipe;
  let unsynced = recipe.noFreelistSync === true;
  const open = (): Promise<Bolt> =>
    openBolt(path, { pageSize: recipe.pageSize, freelist: unsynced ? 'scanned' : 'persisted', ...options });
  let bolt = await open();
  const readers = new Map<string, ReadTransaction>();
  for (const tx of recipe.txs) {
    if (tx.reopen === true) {
      await bolt.close();
      unsynced = tx.noFreelistSync ?? unsynced;
      bolt = await open();
    }
    if (tx.openReader !== undefined) readers.set(tx.openReader, bolt.read());
    if (tx.closeReader !== undefined) readers.get(tx.closeReader)?.end();
    if (tx.ops === undefined) continue;
    for (let round = 0; round < (tx.repeat ?? 1); round++) {
      await commit(bolt, tx, round);
      await afterCommit?.(bolt);
    }
  }
  await bolt.close();
}

async function commit(bolt: Bolt, tx: RecipeTx, round: number): Promise<void> {
  try {
    await bolt.write((write) => {
      for (const op of tx.ops ?? []) apply(write, op, round);
      if (tx.end === 'rollback') throw ROLLBACK;
    });
  } catch (error) {
    if (error !== ROLLBACK) throw error;
  }
}

function apply(tx: WriteTransaction, op: Op, round: number): void {
  const bucket = find(tx, op.path);
  const indexes = ordered(op);
  switch (op.op) {
    case 'mkbucket':
      find(tx, op.path.slice(0, -1)).createBucket(text(op.path.at(-1) ?? ''));
      return;
    case 'rmbucket':
      find(tx, op.path.slice(0, -1)).deleteBucket(text(op.path.at(-1) ?? ''));
      return;
    case 'fillbuckets':
      for (const i of indexes) bucket.createBucket(keyOf(op.key, i));
      return;
    case 'put':
      bucket.put(keyOf(op.key, round), valueOf(op.value, round));
      return;
    case 'del':
      bucket.delete(keyOf(op.key, round));
      return;
    case 'fill':
      for (const i of indexes) bucket.put(keyOf(op.key, i), valueOf(op.value, i));
      return;
    case 'delfill':
      for (const i of indexes) bucket.delete(keyOf(op.key, i));
      return;
    case 'setsequence':
      bucket.setSequence(BigInt(op.number ?? 0));
      return;
    case 'nextsequence':
      bucket.nextSequence();
      return;
    case 'fillpercent':
      bucket.fillPercent = Number(op.number);
      return;
    default:
      throw new Error(`unknown operation ${op.op}`);
  }
}

function find(tx: WriteTransaction, path: readonly string[]): WriteBucket {
  let bucket = tx.root;
  for (const name of path) bucket = bucket.bucket(text(name)) ?? bucket;
  return bucket;
}

function ordered(op: Op): number[] {
  const { count = 0, start = 0, step = 1 } = op;
  const indexes = Array.from({ length: count }, (_, i) => start + i * step);
  if (op.order === 'desc') return indexes.toReversed();
  if (op.order !== 'shuffle') return indexes;
  const hashed = indexes.map((index) => ({ index, hash: sha256(`shuffle:${index}`) }));
  return hashed.toSorted((a, b) => Buffer.compare(a.hash, b.hash)).map(({ index }) => index);
}

function text(value: string): Buffer {
  return value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : Buffer.from(value);
}

function sha256(...parts: (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function keyOf(spec: KeySpec | undefined, i: number): Buffer {
  if (spec === undefined) throw new Error('a key is missing');
  if (typeof spec === 'string') return text(spec);
  const prefix = text(spec.prefix ?? '');
  let key = prefix;
  if (spec.rev === true) key = Buffer.concat([u64(i), Buffer.from('_'), u64(0)]);
  else if (spec.be64 === true) key = Buffer.concat([prefix, u64(i)]);
  else if (spec.hash !== undefined) key = sha256(`${spec.prefix ?? ''}:${i}`).subarray(0, spec.hash);
  else key = Buffer.concat([prefix, Buffer.from(String(i).padStart(spec.width ?? 0, '0'))]);
  return Buffer.concat([key, Buffer.alloc(Math.max(0, (spec.pad ?? 0) - key.length), '.')]);
}

function valueOf(spec: ValueSpec, i: number): Buffer {
  if (spec === undefined) return Buffer.alloc(0);
  if (typeof spec === 'string') return text(spec);
  const { stream = '', lenMax } = spec;
  const extra = lenMax === undefined ? 0 : sha256(`${stream}:len:${i}`).readUInt32BE() % (lenMax - spec.len + 1);
  const length = spec.len + extra;
  if (spec.index === true) {
    const digits = Buffer.from(String(i));
    return Buffer.concat([
      digits,
      Buffer.alloc(Math.max(0, length - digits.length), Buffer.from(spec.byte ?? '20', 'hex')),
    ]);
  }
  if (spec.stream === undefined) return Buffer.alloc(length, Buffer.from(spec.byte ?? '00', 'hex'));
  const blocks: Buffer[] = [];
  for (let counter = 0; counter * 32 < length; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    blocks.push(sha256(`${stream}:${i}`, number));
  }
  return Buffer.concat(blocks).subarray(0, length);
}
