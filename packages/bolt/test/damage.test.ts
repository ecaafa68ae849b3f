import { describe, expect, test } from 'vitest';
import type { Bolt, Problem } from '../src/index.ts';
import { BoltError } from '../src/index.ts';
import { openBoltOn } from './open-on.ts';
import { digestOf } from './digest.ts';
import type { Random } from './simulated-disk.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';
import { chooseMeta } from '../src/open/choose-meta.ts';
import { usedPages } from './used-pages.ts';
import { vectorBytes, vectorNames } from './vectors.ts';

const PATH = '/disk/d.db';
const LARGE = process.env['VARVE_LARGE'] === '1';

async function opened(bytes: Buffer, readOnly: boolean): Promise<Bolt> {
  return openBoltOn(SimulatedDisk.holding(new Map([[PATH, bytes]])), PATH, { readOnly });
}

/** Digests of the two newest states of a file that we wrote, and its bytes. */
async function ours(): Promise<{ bytes: Buffer; digests: string[] }> {
  const disk = new SimulatedDisk();
  const bolt = await openBoltOn(disk, PATH, { pageSize: 512 });
  const digests: string[] = [];
  for (let i = 0; i < 12; i++) {
    await bolt.write((tx) => {
      const bucket = tx.createBucketIfMissing('tree');
      for (let j = 0; j < 12; j++) bucket.put(`k${(i * 7 + j) % 40}`, Buffer.alloc(20 + j * 3, i));
      tx.createBucketIfMissing('inline').put('k', `${i}`);
    });
    digests.push(digestOf(bolt));
  }
  await bolt.close();
  return { bytes: disk.files().get(PATH) as Buffer, digests: digests.slice(-2) };
}

type Outcome = 'same' | 'previous' | 'error';

async function look(bytes: Buffer, digests: readonly string[]): Promise<Outcome> {
  let warnings: readonly Problem[] = [];
  try {
    await using bolt = await opened(bytes, true);
    ({ warnings } = bolt);
    const digest = digestOf(bolt);
    if (digest === digests[1]) return 'same';
    if (digest === digests[0] && warnings.length > 0) return 'previous';
  } catch (error) {
    if (error instanceof BoltError && error.code !== 'BOLT_FAILED') return 'error';
    throw error;
  }
  throw new Error('wrong contents without an error');
}

/** What kinds of pages are not what they were. */
function placeOf(bytes: Buffer, damaged: Buffer, used: ReadonlySet<number>): string {
  if (damaged.length !== bytes.length) return damaged.length < bytes.length ? 'shorter' : 'longer';
  const kinds = new Set<string>();
  for (let at = 0; at < bytes.length; at += 512) {
    if (damaged.subarray(at, at + 512).equals(bytes.subarray(at, at + 512))) continue;
    kinds.add(at < 1024 ? 'meta' : used.has(at / 512) ? 'used' : 'free');
  }
  return [...kinds].toSorted().join(' and ') || 'nothing';
}

function harm(bytes: Buffer, random: Random): Buffer {
  const at = (limit: number): number => Math.floor(random() * limit);
  const copy = Buffer.from(bytes);
  const kind = at(6);
  if (kind === 0) copy[at(copy.length)] = (copy[at(copy.length)] as number) ^ (1 << at(8));
  else if (kind === 1) copy.writeUInt32LE(at(2 ** 32), at(copy.length - 4));
  else if (kind === 2) copy.fill(at(256), at(copy.length), Math.min(copy.length, at(copy.length) + at(700)));
  else if (kind === 3) {
    const [one, two] = [at(copy.length / 512) * 512, at(copy.length / 512) * 512];
    bytes.copy(copy, one, two, two + 512);
    bytes.copy(copy, two, one, one + 512);
  } else if (kind === 4) return copy.subarray(0, at(copy.length));
  else return Buffer.concat([copy, Buffer.alloc(at(3000), at(256))]);
  return copy;
}

describe('R43 R49 R55 to R57 damage to files that we wrote', () => {
  test('every bit of every byte: same contents, the last commit with a warning, or an error', async () => {
    const { bytes, digests } = await ours();
    const seen = { same: 0, previous: 0, error: 0 };
    for (let at = 0; at < bytes.length; at += LARGE ? 1 : 7) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      seen[await look(damaged, digests)]++;
    }
    expect(seen.error).toBeGreaterThan(0);
    expect(seen.previous).toBeGreaterThan(0);
    expect(seen.same).toBeGreaterThan(0);
  }, 600_000);

  test('random damages: 3000, or 200,000', async () => {
    const { bytes, digests } = await ours();
    const disk = SimulatedDisk.holding(new Map([[PATH, bytes]]));
    const used = await usedPages(disk, PATH);
    // Only who writes reads the list of free pages.
    used.delete(chooseMeta(await disk.open(PATH, 'read'), PATH).active.freelist ?? 0);
    const random = seeded(99);
    const seen = new Map<string, number>();
    const rounds = LARGE ? 200_000 : 3000;
    for (let i = 0; i < rounds; i++) {
      const damaged = harm(bytes, random);
      const outcome = `${await look(damaged, digests)}: ${placeOf(bytes, damaged, used)}`;
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    if (LARGE)
      console.log([`bolt, ${rounds} damages`, ...[...seen].toSorted().map((line) => line.join(' '))].join('\n'));
    // No page that a tree uses can be damaged without being missed; only what nobody reads can.
    expect([...seen.keys()].filter((outcome) => /^same: .*used/.test(outcome))).toEqual([]);
  }, 3_600_000);
});

describe('R49 R55 damage to files that bbolt wrote: nothing but typed errors, in bounded time', () => {
  const names = vectorNames().filter((name) =>
    /inline-edge|nested|damage-base|mixed-ps1024|writeto-nofreelist|overflow$/.test(name),
  );
  test.each(names)(
    '%s',
    async (name) => {
      const bytes = vectorBytes(name);
      const random = seeded(name.length);
      for (let i = 0; i < (LARGE ? 5000 : 150); i++) {
        const damaged = harm(bytes, random);
        for (const readOnly of [true, false]) {
          try {
            await using bolt = await opened(Buffer.from(damaged), readOnly);
            await bolt.check();
            digestOf(bolt);
            if (readOnly) continue;
            await bolt.write((tx) => {
              for (const { key, value } of tx.root.entries()) {
                const bucket = value === undefined ? tx.bucket(key) : undefined;
                bucket?.put('new', 'pair');
                for (const entry of bucket?.entries() ?? []) if (entry.value !== undefined) bucket?.delete(entry.key);
              }
            });
          } catch (error) {
            if (!(error instanceof BoltError)) throw error;
          }
        }
      }
    },
    600_000,
  );
});
