import { describe, expect, test } from 'vitest';
import type { Bolt, OpenOptions, WriteTransaction } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { digestOf } from './digest.ts';
import type { DiskOp, Random } from './simulated-disk.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';

const PATH = '/disk/a.db';
const LARGE = process.env['VARVE_LARGE'] === '1';
const SEEDS = LARGE ? 400 : 12;

/** A random transaction over a few keys, buckets and value sizes. */
function change(tx: WriteTransaction, random: Random): void {
  const pick = (limit: number): number => Math.floor(random() * limit);
  const bucket = tx.createBucketIfMissing(`b${pick(2)}`);
  for (let i = pick(25); i >= 0; i--) {
    if (random() < 0.35) bucket.delete(`k${pick(60)}`);
    else bucket.put(`k${pick(60)}`, Buffer.alloc(pick(random() < 0.1 ? 1500 : 90), pick(256)));
  }
  if (random() < 0.2) bucket.createBucketIfMissing('nested').put(`n${pick(20)}`, Buffer.alloc(pick(200), 1));
  if (random() < 0.05) tx.deleteBucket(`b${pick(2)}`);
}

interface Cut {
  readonly disk: SimulatedDisk;
  readonly acknowledged: number;
  readonly during: string;
}

interface Run {
  /** Digest of each state, in order. */
  readonly states: string[];
  readonly cuts: Cut[];
}

/** A workload on a new disk, with crash images of every moment. */
async function workload(seed: number, options: OpenOptions, tearBytes: number): Promise<Run> {
  const random = seeded(seed);
  const crashes = seeded(seed + 1_000_000);
  const disk = new SimulatedDisk();
  const states: string[] = [];
  const cuts: Cut[] = [];
  disk.before = ({ kind }: DiskOp) => {
    if (kind !== 'read' && kind !== 'lock') {
      cuts.push({ disk: disk.crash(crashes, tearBytes), acknowledged: states.length - 1, during: kind });
    }
    return undefined;
  };
  const bolt = await openBoltOn(disk, PATH, options);
  states.push(digestOf(bolt));
  for (let commit = 0; commit < 10; commit++) {
    if (commit === 6) {
      await bolt.defrag();
      states.push(digestOf(bolt));
    }
    const group = Array.from({ length: 1 + Math.floor(random() * 3) }, () => bolt.write((tx) => change(tx, random)));
    // The first body of a group commits alone, the others share a commit.
    await Promise.all(group.slice(0, 1));
    states.push(digestOf(bolt));
    if (group.length === 1) continue;
    await Promise.all(group);
    states.push(digestOf(bolt));
  }
  await bolt.close();
  return { states, cuts };
}

async function recovered(disk: SimulatedDisk): Promise<{ digest: string; bolt: Bolt }> {
  const bolt = await openBoltOn(disk, PATH, { pageSize: 512 });
  return { digest: digestOf(bolt), bolt };
}

async function judge({ disk, acknowledged, during }: Cut, states: readonly string[], again: Random): Promise<void> {
  const where = `during ${during} after state ${acknowledged}`;
  const { digest, bolt } = await recovered(disk);
  const allowed = states.slice(Math.max(acknowledged, 0), acknowledged + 2);
  if (!allowed.includes(digest)) throw new Error(`${where}: contents of state ${states.indexOf(digest)}`);
  const { problems } = await bolt.check();
  if (problems.length > 0) throw new Error(`${where}: ${JSON.stringify(problems)}`);
  let second: SimulatedDisk | undefined;
  disk.before = ({ kind }) => {
    if (kind === 'sync' || kind === 'write') second = disk.crash(again, 512);
    return undefined;
  };
  await bolt.write((tx) => tx.createBucketIfMissing('b0').put('after', 'crash'));
  expect((await bolt.check()).problems).toEqual([]);
  const after = digestOf(bolt);
  await bolt.close();
  if (second === undefined) throw new Error('no write was seen');
  const twice = await recovered(second);
  expect([digest, after]).toContain(twice.digest);
  expect((await twice.bolt.check()).problems).toEqual([]);
  await twice.bolt.close();
}

describe('power cuts', () => {
  const configurations: [string, OpenOptions, number][] = [
    ['pages of 512', { pageSize: 512 }, 512],
    ['pages of 4096', { pageSize: 4096 }, 512],
    ['tears of 8 bytes', { pageSize: 1024 }, 8],
    ['free list not persisted', { pageSize: 512, freelist: 'scanned' }, 512],
    ['no page checksums', { pageSize: 512, pageChecksums: false }, 512],
  ];
  test.each(configurations)(
    'F43 B44 R21 R22 R23 R24 R51 R52 R54 R61 every moment of a workload, %s',
    async (_, options, tear) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { states, cuts } = await workload(seed, options, tear);
        const again = seeded(seed);
        expect(cuts.length).toBeGreaterThan(60);
        for (const cut of cuts)
          await judge(cut, states, again).catch((cause: unknown) => {
            throw new Error(`seed ${seed}`, { cause });
          });
      }
    },
    LARGE ? 3_600_000 : 120_000,
  );
});
