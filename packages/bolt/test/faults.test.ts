import { describe, expect, test } from 'vitest';
import type { Bolt, BoltErrorCode, WriteTransaction } from '../src/index.ts';
import { BoltError } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { digestOf } from './digest.ts';
import type { DiskOp, Fault } from './simulated-disk.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { usedPages } from './used-pages.ts';

const PATH = '/disk/a.db';
const SMALL = { pageSize: 512 } as const;

function fill(round: number): (tx: WriteTransaction) => void {
  return (tx) => {
    const bucket = tx.createBucketIfMissing('b');
    for (let i = 0; i < 12; i++) bucket.put(`k${(i * 7 + round * 5) % 40}`, Buffer.alloc(60 + i, round));
    bucket.delete(`k${round}`);
  };
}

/** What happened to one step of the workload. */
interface Outcome {
  readonly step: string;
  readonly error: unknown;
}

interface Result {
  readonly outcomes: Outcome[];
  /** Digests that a reopening may show. */
  readonly allowed: Set<string>;
}

/** Opens, writes, copies, compacts, defragments, writes, closes; goes on after each failure. */
async function workload(disk: SimulatedDisk): Promise<Result> {
  const outcomes: Outcome[] = [];
  let allowed = new Set<string>(['nothing']);
  let bolt: Bolt | undefined;
  const attempt = async (step: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      outcomes.push({ step, error });
      return false;
    }
  };
  const write = async (round: number): Promise<void> => {
    if (bolt === undefined) return;
    const before = await shadow(bolt);
    const want = await expected(before, round);
    const done = await attempt('write', async () => (bolt as Bolt).write(fill(round)));
    if (done) allowed = new Set([want]);
    else allowed.add(want);
  };
  await attempt('open', async () => {
    bolt = await openBoltOn(disk, PATH, SMALL);
    allowed = new Set([digestOf(bolt)]);
  });
  for (let round = 0; round < 4; round++) await write(round);
  await attempt('copy', async () => {
    for await (const _ of bolt?.copy() ?? []);
  });
  await attempt('compact', async () => bolt?.copyTo(`${PATH}.compact`));
  await attempt('defragment', async () => bolt?.defrag());
  await write(9);
  await attempt('close', async () => bolt?.close());
  return { outcomes, allowed };
}

/** The state of a handle, on a disk without faults. */
async function shadow(bolt: Bolt): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of bolt.copy()) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

async function expected(state: Buffer | undefined, round: number): Promise<string> {
  if (state === undefined) return 'unknown';
  await using bolt = await openBoltOn(SimulatedDisk.holding(new Map([[PATH, state]])), PATH);
  await bolt.write(fill(round));
  return digestOf(bolt);
}

const CODES: ReadonlySet<BoltErrorCode> = new Set([
  'BOLT_FAILED',
  'BOLT_READ_ONLY',
  'BOLT_NOT_FOUND',
  'BOLT_CORRUPT',
  'BOLT_FREELIST',
]);
const CHANGING = new Set(['write', 'truncate', 'sync']);

async function nthFailure(n: number, fault: Fault, forGood: boolean): Promise<boolean> {
  const disk = new SimulatedDisk();
  let seen = 0;
  let failed: DiskOp | undefined;
  let syncFailed = false;
  disk.before = (op) => {
    const counts = op.kind !== 'close' && (fault !== 'short' || op.kind === 'write');
    if (!counts) return undefined;
    seen++;
    if (syncFailed && op.kind === 'sync' && failed?.kind === 'sync') return undefined;
    if (seen === n || (forGood && seen > n)) {
      failed ??= op;
      if (op.kind === 'sync') syncFailed = true;
      return fault;
    }
    return undefined;
  };
  const { outcomes, allowed } = await workload(disk);
  const context = `operation ${n} (${failed?.kind}) ${fault}`;
  for (const { step, error } of outcomes) {
    if (!(error instanceof BoltError) || !CODES.has(error.code))
      throw new Error(`${context}, ${step}: not typed`, { cause: error });
  }
  expect(disk.openFiles, `${context}: descriptors`).toBe(0);
  if (failed !== undefined && CHANGING.has(failed.kind)) {
    const first = outcomes.findIndex(({ step }) => step === 'write');
    const inWrite = outcomes[0]?.step === 'write';
    // A commit failed: every later write is refused with the same cause, none is acknowledged (R25).
    if (inWrite)
      for (const { step, error } of outcomes.slice(first))
        if (step === 'write') expect((error as BoltError).code).toBe('BOLT_FAILED');
  }
  disk.before = undefined;
  for (const after of [disk, disk.crash(() => 0)]) {
    await using bolt = await openBoltOn(after, PATH, SMALL);
    const { problems } = await bolt.check();
    expect(problems, context).toEqual([]);
    if (!allowed.has('unknown') && !allowed.has('nothing')) expect([...allowed], context).toContain(digestOf(bolt));
    await bolt.write(fill(5));
    expect(
      after.names().filter((name) => name.startsWith(`${PATH}.varve-`)),
      `${context}: leftovers`,
    ).toEqual([]);
  }
  return failed !== undefined;
}

describe('R25 to R36, F40, F41, F82: the Nth operation fails', () => {
  const kinds: [Fault, boolean][] = [
    ['EIO', false],
    ['EIO', true],
    ['ENOSPC', false],
    ['EMFILE', false],
    ['short', false],
  ];
  test.each(kinds)('%s, for good: %s', async (fault, forGood) => {
    let n = 1;
    while (await nthFailure(n, fault, forGood)) n++;
    expect(n).toBeGreaterThan(fault === 'short' ? 12 : 60);
  });
});

async function failing(
  kind: DiskOp['kind'],
  fault: string,
  nth = 1,
): Promise<{ bolt: Bolt; disk: SimulatedDisk; syncs: () => number }> {
  const disk = new SimulatedDisk();
  const bolt = await openBoltOn(disk, PATH, SMALL);
  await bolt.write(fill(1));
  let seen = 0;
  let syncs = 0;
  disk.before = (op) => {
    if (op.kind === 'sync') syncs++;
    return op.kind === kind && ++seen === nth ? fault : undefined;
  };
  return { bolt, disk, syncs: () => syncs };
}

describe('a failed commit ends the writer', () => {
  test.each([
    ['write', 1],
    ['sync', 1],
    ['sync', 2],
  ] as const)('R25 R54 F40 F41 law 8: %s number %i fails', async (kind, nth) => {
    const { bolt, syncs, disk } = await failing(kind, 'EIO', nth);
    const before = digestOf(bolt);
    const results = await Promise.allSettled([bolt.write(fill(2)), bolt.write(fill(3)), bolt.write(fill(4))]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'BOLT_FAILED', cause: { code: 'EIO' } } });
    }
    const after = syncs();
    await expect(bolt.write(() => undefined)).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await expect(bolt.defrag()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    expect(syncs()).toBe(after);
    expect(digestOf(bolt)).toBe(before);
    await bolt.close();
    await using again = await openBoltOn(disk, PATH);
    await again.write(fill(7));
    expect((await again.check()).problems).toEqual([]);
  });

  test('R26 a failed sync, then a power cut: nothing acknowledged is missing', async () => {
    const { bolt, disk } = await failing('sync', 'EIO', 2);
    const before = digestOf(bolt);
    await expect(bolt.write(fill(2))).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await using again = await openBoltOn(
      disk.crash(() => 0),
      PATH,
    );
    expect(digestOf(again)).toBe(before);
  });

  test('R28 a short write is written on', async () => {
    const disk = new SimulatedDisk();
    disk.before = ({ kind, bytes = 0 }) => (kind === 'write' && bytes > 100 ? 'short' : undefined);
    await using bolt = await openBoltOn(disk, PATH, SMALL);
    await bolt.write(fill(1));
    expect((await bolt.check()).problems).toEqual([]);
  });

  test('R33 a page that cannot be read is an error, never an empty answer', async () => {
    const disk = new SimulatedDisk();
    await using bolt = await openBoltOn(disk, PATH, { ...SMALL, cacheBytes: 0 });
    await bolt.write(fill(1));
    disk.before = ({ kind }) => (kind === 'read' ? 'EIO' : undefined);
    using tx = bolt.read();
    expect(() => tx.bucket('b')).toThrow(
      expect.objectContaining({
        code: 'BOLT_FAILED',
        cause: expect.objectContaining({ code: 'EIO' }) as unknown,
      }) as Error,
    );
    await expect(bolt.write(fill(2))).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    disk.before = undefined;
    await bolt.write(fill(2)); // nothing was written by the failed attempt, so writing goes on
  });

  test.each([
    ['replaced', (disk: SimulatedDisk) => disk.replace(PATH, Buffer.alloc(8192))],
    ['deleted', (disk: SimulatedDisk) => disk.replace(PATH, undefined)],
    ['cut', (disk: SimulatedDisk) => disk.cut(PATH, 2048)],
  ])('R60 a file that was %s by somebody else takes no commit', async (_, harm) => {
    const disk = new SimulatedDisk();
    const bolt = await openBoltOn(disk, PATH, SMALL);
    await bolt.write(fill(1));
    harm(disk);
    await expect(bolt.write(fill(2))).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await bolt.close();
  });

  test('R60 replaced while the commit is under way: not acknowledged', async () => {
    const disk = new SimulatedDisk();
    const bolt = await openBoltOn(disk, PATH, SMALL);
    let syncs = 0;
    disk.before = ({ kind }) => {
      if (kind === 'sync' && ++syncs === 2) disk.replace(PATH, Buffer.alloc(8192));
      return undefined;
    };
    await expect(bolt.write(fill(2))).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await bolt.close();
  });
});

describe('a failed defragmentation', () => {
  test.each([
    ['create', 'ENOSPC'],
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
    ['syncDirectory', 'EIO'],
    ['open', 'EMFILE'],
    ['rename', 'EACCES'],
    ['rename', 'EIO'],
  ] as const)('B42: when its %s fails (%s) the file goes on, and a second one works', async (kind, fault) => {
    const { bolt, disk } = await failing(kind, fault, kind === 'rename' ? 2 : 1);
    const before = digestOf(bolt);
    await expect(bolt.defrag()).rejects.toMatchObject({ code: 'BOLT_FAILED', cause: { code: fault } });
    expect(digestOf(bolt)).toBe(before);
    expect(disk.names()).toEqual([PATH]);
    await bolt.write(fill(2));
    const written = digestOf(bolt);
    await bolt.defrag();
    await bolt.write(fill(3));
    expect(digestOf(bolt)).not.toBe(written);
    expect((await bolt.check()).problems).toEqual([]);
    await bolt.close();
    expect(disk.openFiles).toBe(0);
  });

  test('B42: when its name cannot be made durable, writing ends: which file a power cut leaves cannot be told', async () => {
    const { bolt } = await failing('syncDirectory', 'EIO', 2);
    await expect(bolt.defrag()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await expect(bolt.write(fill(2))).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await bolt.close();
  });
});

describe('order of writing', () => {
  test('F42 F34 R52 R53 pages, sync, one meta page, sync; no page of the two newest states or of a reader is written', async () => {
    const disk = new SimulatedDisk();
    await using bolt = await openBoltOn(disk, PATH, SMALL);
    let log: DiskOp[] = [];
    disk.before = (op) => {
      if (CHANGING.has(op.kind)) log.push(op);
      return undefined;
    };
    let states: Set<number>[] = [await usedPages(disk, PATH)];
    for (let round = 0; round < 60; round++) {
      using _reader = round % 7 === 3 ? bolt.read() : undefined;
      log = [];
      await bolt.write(fill(round % 9));
      const writes = log.filter(({ kind }) => kind === 'write');
      const order = log.map(({ kind }) => kind).join(' ');
      expect(order).toMatch(/^(truncate )?(write )+sync write sync$/);
      const meta = writes.pop() as DiskOp;
      expect([meta.position, meta.bytes]).toEqual([(bolt.txid % 2) * 512, 512]);
      for (const { position = 0, bytes = 0 } of writes) {
        for (let page = position / 512; page < (position + bytes) / 512; page++) {
          for (const used of states.slice(-2)) expect(used.has(page), `page ${page}`).toBe(false);
        }
      }
      states = [...states.slice(-1), await usedPages(disk, PATH)];
    }
  });

  test('F77 many concurrent writes share few syncs, and one that throws harms none', async () => {
    const disk = new SimulatedDisk();
    await using bolt = await openBoltOn(disk, PATH, SMALL);
    let syncs = 0;
    disk.before = ({ kind }) => {
      if (kind === 'sync') syncs++;
      return undefined;
    };
    const wrong = new Error('mine');
    const order: number[] = [];
    const writes = Array.from({ length: 200 }, (_, i) =>
      bolt.write((tx) => {
        const bucket = tx.createBucketIfMissing('b');
        bucket.put(`k${i}`, `${i}`);
        if (i % 10 === 7) {
          tx.createBucketIfMissing('trace').put('x', 'x');
          bucket.delete('k1');
          throw wrong;
        }
        order.push(i);
        return i;
      }),
    );
    const results = await Promise.allSettled(writes);
    results.forEach((result, i) => {
      if (i % 10 === 7) expect(result).toEqual({ status: 'rejected', reason: wrong });
      else expect(result).toEqual({ status: 'fulfilled', value: i });
    });
    expect(syncs).toBe(4);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    using tx = bolt.read();
    expect(tx.bucket('trace')).toBe(undefined);
    expect([...(tx.bucket('b')?.entries() ?? [])].length).toBe(180);
    expect((await bolt.check()).problems).toEqual([]);
  });
});
