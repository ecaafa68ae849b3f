import { expect, test } from 'vitest';
import { readRetention, startAutoCompaction } from '../../src/etcd/auto-compaction.ts';

/** A store of which each minute writes one revision, and the clock of it. */
class Minutes {
  revision = 1;
  now = 0;
  everyMs = 0;
  tick: () => void = () => undefined;
  readonly compacted: [minute: number, revision: number][] = [];
  failing = false;

  start(mode: string, retention: string): () => void {
    const log = { say: () => undefined };
    const world = {
      rev: () => this.revision,
      compact: async (revision: number) => {
        if (this.failing) throw new Error('the disk is full');
        this.compacted.push([this.now / 60_000, revision]);
      },
      nowMs: () => this.now,
      every: (everyMs: number, tick: () => void) => {
        this.everyMs = everyMs;
        this.tick = tick;
        return () => {
          this.tick = () => undefined;
        };
      },
    };
    return startAutoCompaction(readRetention(mode, retention), world, log);
  }

  /** Goes on for so many minutes. */
  async pass(minutes: number): Promise<void> {
    const end = this.now + minutes * 60_000;
    while (this.now < end) {
      this.now += this.everyMs;
      this.revision = 1 + this.now / 60_000;
      this.tick();
      await Promise.resolve().then(() => undefined);
      await Promise.resolve().then(() => undefined);
    }
  }
}

test('decisions/0041: periodic, an hour: from then on each hour, up to the newest that is more than an hour old', async () => {
  const minutes = new Minutes();
  minutes.start('periodic', '1');
  await minutes.pass(54);
  expect(minutes.compacted).toEqual([]);
  await minutes.pass(135);
  expect(minutes.compacted).toEqual([
    [60, 1],
    [120, 55],
    [180, 115],
  ]);
});

test('decisions/0041: periodic, five hours: each hour, up to the newest that is more than five hours old', async () => {
  const minutes = new Minutes();
  minutes.start('periodic', '5h');
  await minutes.pass(7 * 60);
  expect(minutes.compacted).toEqual([
    [300, 1],
    [360, 55],
    [420, 115],
  ]);
});

test('decisions/0041: revision: each five minutes, all but the newest so many', async () => {
  const minutes = new Minutes();
  minutes.start('revision', '7');
  await minutes.pass(15);
  expect(minutes.compacted).toEqual([
    [10, 4],
    [15, 9],
  ]);
});

test('decisions/0041: what failed is tried again, and nothing happens after the end', async () => {
  const minutes = new Minutes();
  const stop = minutes.start('periodic', '10m');
  minutes.failing = true;
  await minutes.pass(12);
  minutes.failing = false;
  await minutes.pass(1);
  expect(minutes.compacted).toEqual([[13, 3]]);
  stop();
  await minutes.pass(60);
  expect(minutes.compacted.length).toBe(1);
});

test('decisions/0041: 0 keeps all', async () => {
  const minutes = new Minutes();
  minutes.start('periodic', '0');
  expect(minutes.everyMs).toBe(0);
});

test.each([
  ['periodic', '5', 18_000_000],
  ['periodic', '5m', 300_000],
  ['revision', '5', 5],
])('decisions/0041: %s %s', (mode, text, amount) => {
  expect(readRetention(mode, text)).toEqual({ mode, amount });
});
