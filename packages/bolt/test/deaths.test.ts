/** The process dies between a write and its sync, somebody opens the file, and then the power goes. */
import { expect, test } from 'vitest';
import { openBoltOn } from './open-on.ts';
import type { Bolt } from '../src/index.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { DiskOp } from './simulated-disk.ts';

const path = '/store.db';
const name = Buffer.from('b');
const key = Buffer.from('k');

/** Keeps nothing that was not synced. */
const nothing = (): number => 0;

function put(bolt: Bolt, value: string): Promise<void> {
  return bolt.write((tx) => tx.createBucketIfMissing(name).put(key, Buffer.from(value)));
}

function valueIn(bolt: Bolt): string {
  const tx = bolt.read();
  try {
    return Buffer.from(tx.bucket(name)?.get(key) ?? []).toString();
  } finally {
    tx.end();
  }
}

/** Disks as the death of the process leaves them before each operation of a kind. */
async function deaths(
  disk: SimulatedDisk,
  kind: DiskOp['kind'],
  work: () => Promise<unknown>,
): Promise<SimulatedDisk[]> {
  const left: SimulatedDisk[] = [];
  disk.before = (op) => {
    if (op.kind === kind) left.push(disk.afterDeath());
    return undefined;
  };
  await work();
  disk.before = undefined;
  return left;
}

test('law 1: what an opening shows of a commit that was cut short is durable', async () => {
  const disk = new SimulatedDisk();
  const bolt = await openBoltOn(disk, path);
  await put(bolt, 'old');
  const left = await deaths(disk, 'sync', () => put(bolt, 'new'));
  expect(left.length).toBe(2);
  const shown: string[] = [];
  for (const death of left) {
    const seen = valueIn(await openBoltOn(death, path));
    shown.push(seen);
    const after = await openBoltOn(death.crash(nothing), path);
    expect(valueIn(after)).toBe(seen);
  }
  expect(shown).toEqual(['old', 'new']);
});

test.each<[string, (bolt: Bolt) => Promise<unknown>]>([
  ['making it', async () => undefined],
  ['defragmenting it', (bolt) => bolt.defrag()],
])('law 7: a name that was given to a file by %s is durable before anything is written there', async (_, work) => {
  const disk = new SimulatedDisk();
  let opened: Bolt | undefined;
  const left = await deaths(disk, 'syncDirectory', async () => {
    opened = await openBoltOn(disk, path);
    await put(opened, 'old');
    await work(opened);
  });
  expect(left.length).toBeGreaterThan(1);
  for (const death of left) {
    await put(await openBoltOn(death, path), 'acknowledged');
    const after = await openBoltOn(death.crash(nothing), path, { create: false });
    expect(valueIn(after)).toBe('acknowledged');
  }
});

test('law 1: a file that cannot be made durable is not opened for writing', async () => {
  const disk = new SimulatedDisk();
  await (await openBoltOn(disk, path)).close();
  for (const kind of ['sync', 'syncDirectory']) {
    disk.before = (op) => (op.kind === kind ? 'EIO' : undefined);
    await expect(openBoltOn(disk, path)).rejects.toMatchObject({ code: 'BOLT_FAILED', cause: { code: 'EIO' } });
    expect(disk.openFiles).toBe(0);
  }
  disk.before = (op) => (op.kind === 'syncDirectory' ? 'EACCES' : undefined);
  await (await openBoltOn(disk, path)).close();
});
