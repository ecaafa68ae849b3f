/** What the world does to a store: slow media, little memory, clocks that jump, older copies, exits (R8, R20, R31, R44, R48, R76, R90). */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { file, level, log, memory, open, type EmbeddedKv, type Engine } from '../src/index.ts';
import { childOutput, codeOf, collect, temporaryFolder } from './helpers.ts';

const large = process.env.VARVE_LARGE === '1';
const kinds = ['file', 'level', 'log'] as const;
type Kind = (typeof kinds)[number];

const makers = { file, level, log };
const place = (kind: Kind, path: string): Promise<Engine> => makers[kind](path);

async function run(nodeOptions: readonly string[], ...args: string[]): Promise<string> {
  return childOutput(spawn(process.execPath, [...nodeOptions, ...args]));
}

/** A program of the built package, in a folder where nothing else is. */
async function runIn(folder: string, program: string): Promise<string> {
  const args = ['--input-type=module', '-e', program];
  const env = { ...process.env, TMPDIR: folder };
  return childOutput(spawn(process.execPath, args, { cwd: import.meta.dirname, env }));
}

/** An engine whose commits wait at a gate, as behind a sync that takes its time. */
function gated(): { readonly engine: Engine; shut(): void; open(): void; readonly waiting: boolean } {
  const inner = memory();
  let gate: Promise<void> | undefined;
  let lift: (() => void) | undefined;
  let waiting = false;
  const commit: Engine['commit'] = async (changes) => {
    if (gate !== undefined) {
      waiting = true;
      await gate;
      waiting = false;
    }
    await inner.commit(changes);
  };
  const engine = new Proxy<Engine>(inner, {
    get(target, name) {
      if (name === 'commit') return commit;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
  return {
    engine,
    shut: () => void (gate = new Promise((resolve) => (lift = resolve))),
    open: () => {
      gate = undefined;
      lift?.();
    },
    get waiting() {
      return waiting;
    },
  };
}

test('R31, R88: behind a sync that takes its time writers wait, in bounded number; readers, watchers and timers do not', async () => {
  const medium = gated();
  const batchLimit = 100;
  await using kv = await open(medium.engine, { batchLimit });
  for (let i = 0; i < 50; i++) await kv.put(`k${i}`, 'before');
  medium.shut();
  let answered = 0;
  const writes: Promise<unknown>[] = [];
  try {
    for (let i = 0; i < 3000; i++) writes.push(kv.put(`new${i}`, 'x').then(() => answered++));
    while (!medium.waiting) await new Promise(setImmediate);
    for (let turn = 0; turn < 200; turn++) {
      await new Promise(setImmediate);
      expect((await kv.get('k7'))?.value).toBe('before');
    }
    expect([answered, kv.revision]).toEqual([0, 51]);
    expect(await kv.count({})).toBe(50);
    expect(await collect(kv.watch({}, { from: 2 }), 50)).toHaveLength(50);
    expect(await codeOf(() => kv.at(52).get('new0'))).toBe('MVCC_FUTURE_REVISION');
    // What has got in without an answer: the commit under way, and as much again as commits may lag behind by.
    expect(kv.stats().metrics['put_total']).toBeLessThanOrEqual(50 + 2 * batchLimit * 4);
    expect(await new Promise((resolve) => setTimeout(() => resolve('on time'), 1))).toBe('on time');
    expect(answered).toBe(0);
  } finally {
    medium.open();
  }
  await Promise.all(writes);
  expect(await kv.count({ prefix: 'new' })).toBe(3000);
});

describe.each(kinds)('%s', (kind) => {
  test('R20: a store many times the heap opens and is read within bounded memory', async () => {
    const path = temporaryFolder(kind === 'file' ? 'store.db' : 'data');
    const mib = large ? 1024 : 256;
    const child = join(import.meta.dirname, 'low-memory-child.mjs');
    await run([], child, 'fill', kind, path, String(mib));
    const heap = ['--max-old-space-size=64'];
    const { found, peak, n } = JSON.parse(await run(heap, child, 'read', kind, path, String(mib))) as Record<
      string,
      number
    >;
    expect(found).toBe(n);
    // The engine's pages, the record cache of 8 MiB, and what waits to be collected.
    expect(peak).toBeLessThan(224 << 20);
  }, 600_000);

  test('R44: an older copy of the whole store is a valid store; what it does not have is in the future', async () => {
    const path = temporaryFolder(kind === 'file' ? 'store.db' : 'data');
    const copy = `${path}-copy`;
    let kv = await open(place(kind, path));
    await kv.put('a', 'old');
    await kv.close();
    fs.cpSync(path, copy, { recursive: true });
    kv = await open(place(kind, path));
    for (let i = 0; i < 20; i++) await kv.put('a', `${i}`);
    const { revision } = kv;
    await kv.close();
    fs.rmSync(path, { recursive: true });
    fs.renameSync(copy, path);
    await using older = await open(place(kind, path));
    expect(older.stats().warnings).toEqual([]);
    expect([older.revision, (await older.get('a'))?.value]).toEqual([2, 'old']);
    expect(await codeOf(() => older.at(revision).get('a'))).toBe('MVCC_FUTURE_REVISION');
    await older.put('a', 'new');
    expect((await older.at(3).get('a'))?.value).toBe('new');
  });

  test('R48: a wall clock that jumps changes nothing that is stored', async () => {
    const history = async (kv: EmbeddedKv): Promise<unknown> => {
      for (let i = 0; i < 30; i++) await kv.put(`k${i % 4}`, `${i}`);
      await (await kv.compact(12)).finished();
      return kv.hashByRev();
    };
    const path = temporaryFolder(kind === 'file' ? 'store.db' : 'data');
    await using steady = await open(memory());
    const want = await history(steady);
    let call = 0;
    const jumps = [0, 3.6e6, -3.6e6, 3.2e11, -3.2e11, Number.MAX_SAFE_INTEGER];
    const real = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + jumps[call++ % jumps.length]!);
    try {
      let kv = await open(place(kind, path));
      expect(await history(kv)).toEqual(want);
      await kv.close();
      kv = await open(place(kind, path));
      expect(await kv.hashByRev()).toEqual(want);
      await kv.close();
    } finally {
      clock.mockRestore();
    }
  });

  test('R8: a process that ends without awaiting or closing anything leaves a prefix, and a store that opens at once', async () => {
    const path = temporaryFolder(kind === 'file' ? 'store.db' : 'data');
    for (const end of ['', 'process.exit(0)', 'throw new Error("mine")']) {
      const program = `
        import { file, level, log, open } from '@varve/kv';
        process.on('uncaughtException', () => process.exit(0));
        const kv = await open({ file, level, log }[${JSON.stringify(kind)}](${JSON.stringify(path)}));
        const first = await kv.put('awaited', String(kv.revision));
        console.log(first.revision);
        for (let i = 0; i < 50; i++) void kv.put('not awaited', String(i));
        ${end}`;
      const revision = Number(await runIn(dirname(path), program));
      await using kv = await open(place(kind, path));
      expect(kv.stats().warnings).toEqual([]);
      expect(kv.revision).toBeGreaterThanOrEqual(revision);
      expect(Number((await kv.get('awaited'))?.value)).toBe(revision - 1);
      const late = (await kv.get('not awaited'))?.value;
      if (kv.revision > revision) expect(late).toBe(String(kv.revision - revision - 1));
    }
  });

  test(
    'R90: mixed load with compaction and defrags keeps descriptors, disk and memory where they were',
    async () => {
      const path = temporaryFolder(kind === 'file' ? 'store.db' : 'data');
      const kv = await open(place(kind, path));
      const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;
      const round = async (seed: number): Promise<void> => {
        const work = Array.from({ length: 200 }, async (_, i) => {
          const key = `k${(seed * 31 + i * 7) % 300}`;
          if (i % 9 === 0) await kv.delete(key);
          else if (i % 4 === 0) await kv.get(key);
          else await kv.put(key, 'v'.repeat(200 + (i % 50)));
        });
        await Promise.all(work);
        expect(await collect(kv.watch({}, { from: kv.revision - 5 }), 5)).toHaveLength(5);
        await (await kv.compact(kv.revision - 20)).finished();
        if (seed % 10 === 9) await kv.defrag();
      };
      const minutes = large ? 10 : 0;
      const least = 60;
      for (let seed = 0; seed < least / 2; seed++) await round(seed);
      await kv.defrag();
      const before = { descriptors: descriptors(), size: kv.stats().size, rss: process.memoryUsage.rss() };
      const began = performance.now();
      let rounds = 0;
      while (rounds < least || performance.now() - began < minutes * 60_000) await round(rounds++);
      await kv.defrag();
      const taken = (performance.now() - began) / 60_000;
      const after = { descriptors: descriptors(), size: kv.stats().size, rss: process.memoryUsage.rss() };
      expect(kv.stats()).toMatchObject({ openReads: 0, watch: { streams: 0, watchers: 0 } });
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2); // LevelDB's tables come and go
      expect(after.size).toBeLessThan(before.size * 2 + (1 << 20));
      // A mebibyte a minute is the row; what the engine of the language itself comes and goes by is on top of it.
      expect(after.rss - before.rss).toBeLessThan((64 + taken) * (1 << 20));
      await kv.close();
    },
    large ? 900_000 : 60_000,
  );
});

test('R76: a store in memory leaves nothing when its process ends', async () => {
  const folder = dirname(temporaryFolder());
  const program = `
    import { memory, open } from '@varve/kv';
    const kv = await open(memory());
    for (let i = 0; i < 100; i++) await kv.put('k' + i, 'v');
    await kv.commit();
    await kv.compact(50);
    console.log(kv.stats().durable, kv.revision);`;
  expect(await runIn(folder, program)).toBe('false 101\n');
  expect(fs.readdirSync(folder)).toEqual([]);
});
