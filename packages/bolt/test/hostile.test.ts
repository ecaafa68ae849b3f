/** Files that a stranger made to do harm: every way to read or write one ends soon, with an answer or a code. */
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { Bolt, ReadBucket } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { run } from '../src/tools/cli.ts';
import type { Element, Shape } from './hostile-file.ts';
import { BRANCH, bucket, LEAF, listRun, oneBucket, pageRun, writeShape } from './hostile-file.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const made = (shape: Shape): string => writeShape(scratch.file(), shape);
const corrupt = (about: RegExp): Error =>
  expect.objectContaining({ code: 'BOLT_CORRUPT', message: expect.stringMatching(about) as string }) as Error;
const key = (index: number): string => `k${String(index).padStart(6, '0')}`;

async function reading<T>(path: string, body: (bolt: Bolt) => T | Promise<T>): Promise<T> {
  await using bolt = await openBolt(path, { readOnly: true, cacheBytes: 1 << 20 });
  return await body(bolt);
}

/** A command, cut off after a megabyte of output as by a closed pipe. */
async function program(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ['', ''];
  const code = await run(args, {
    out(text) {
      out += text;
      return out.length > 1 << 20
        ? Promise.reject(Object.assign(new Error('closed'), { code: 'EPIPE' }))
        : Promise.resolve();
    },
    error(text) {
      error += text;
    },
  });
  return { code, out, error };
}

type Way = (path: string) => Promise<unknown>;
const inBucket =
  (body: (bucket: ReadBucket) => unknown): Way =>
  (path) =>
    reading(path, (bolt) => {
      using tx = bolt.read();
      const found = tx.bucket('b');
      if (found === undefined) throw new Error('no bucket');
      return body(found);
    });

/** Every way to come to the pages of bucket `b`. */
const everyWay: Readonly<Record<string, Way>> = {
  get: inBucket((b) => b.get('k')),
  'cursor forward': inBucket((b) => b.cursor().first()),
  'cursor backward': inBucket((b) => b.cursor().last()),
  seek: inBucket((b) => b.cursor().seek('k')),
  entries: inBucket((b) => [...b.entries()]),
  'nested bucket': inBucket((b) => b.bucket('k')),
  stats: (path) => reading(path, (bolt) => bolt.stats()),
  compact: (path) => reading(path, (bolt) => bolt.copyTo(scratch.file())),
  async put(path) {
    await using bolt = await openBolt(path);
    await bolt.write((tx) => tx.bucket('b')?.put('k', 'v'));
  },
  async 'delete of a key'(path) {
    await using bolt = await openBolt(path);
    await bolt.write((tx) => tx.bucket('b')?.delete('k'));
  },
  async 'delete of the bucket'(path) {
    await using bolt = await openBolt(path);
    await bolt.write((tx) => tx.deleteBucket('b'));
  },
};

/** Both ends refused by check as well, with this rule. */
async function expectRefused(shape: Shape, about: RegExp, rule: string): Promise<void> {
  for (const sealed of [false, true]) {
    for (const [name, way] of Object.entries(everyWay)) {
      await expect(way(made({ ...shape, sealed })), `${name}, sealed: ${sealed}`).rejects.toEqual(corrupt(about));
    }
    const { problems } = await reading(made({ ...shape, sealed }), (bolt) => bolt.check());
    expect(problems.filter((problem) => problem.rule === rule && about.test(problem.message))).toHaveLength(1);
  }
}

describe('XE2: elements of a page', () => {
  const list = (count: number): Element[] => Array.from({ length: count }, (_, i) => ({ key: key(i), value: 'value' }));

  test('XE2: a leaf whose elements are all the same bytes is refused, on every way to it', async () => {
    const same = { at: 16 + 16 * 100, keyLength: 8, valueLength: 2000 };
    await expectRefused(
      oneBucket(
        pageRun(
          3,
          LEAF,
          Array.from({ length: 100 }, () => same),
          { pages: 1 },
        ),
      ),
      /keys 0 and 1 are not in order/,
      'C8',
    );
  });

  test('XE2: a value that reaches into the next key by one byte', async () => {
    const elements = list(5);
    elements[2] = { ...elements[2], valueLength: 6 };
    await expectRefused(oneBucket(pageRun(3, LEAF, elements)), /element 3 begins before element 2 ends/, 'C11');
  });

  test('XE2: a branch whose keys overlap', async () => {
    const elements = [
      { key: 'a', keyLength: 4, child: 4n },
      { key: 'bbbbbb', child: 5n },
    ];
    const leaf = (id: number, name: string): Buffer => pageRun(id, LEAF, [{ key: name, value: 'v' }]);
    const shape = oneBucket(pageRun(3, BRANCH, elements));
    await expectRefused(
      { ...shape, runs: { ...shape.runs, 4: leaf(4, 'a'), 5: leaf(5, 'bbbbbb') }, pages: 6 },
      /element 1 begins before element 0 ends/,
      'C11',
    );
  });

  test('XE2: an inline bucket whose elements overlap, or that holds a bucket', async () => {
    const overlap = pageRun(
      0,
      LEAF,
      [
        { key: 'a', value: 'x', valueLength: 2 },
        { key: 'b', value: 'y' },
      ],
      { exact: true },
    );
    const inner = pageRun(0, LEAF, [{ key: 'k', value: 'v' }], { exact: true });
    const outer = pageRun(0, LEAF, [bucket('in', 0, inner)], { exact: true });
    for (const [image, about, rule] of [
      [overlap, /element 1 begins/, 'C11'],
      [outer, /an inline bucket holds a bucket/, 'C12'],
    ] as const) {
      const path = made({ runs: { 2: pageRun(2, LEAF, [bucket('b', 0, image)]) }, pages: 4 });
      await expect(everyWay['get']?.(path)).rejects.toEqual(corrupt(about));
      await expect(everyWay['stats']?.(path)).rejects.toEqual(corrupt(about));
      await expect(everyWay['compact']?.(path)).rejects.toEqual(corrupt(about));
      await expect(everyWay['put']?.(path)).rejects.toEqual(corrupt(about));
      const { problems } = await reading(path, (bolt) => bolt.check());
      expect(problems).toEqual([{ rule, page: 2, message: expect.stringMatching(about) as string }]);
    }
  });

  test('XE2: a key above 32768 bytes, a value above 2^31 - 2', async () => {
    const long = pageRun(3, LEAF, [{ key: Buffer.alloc(32_769, 1), value: '' }]);
    await expectRefused(oneBucket(long), /element 0 has a key of 32769 bytes/, 'C11');
    const length = 2 ** 31 - 1;
    const pages = Math.ceil((33 + length + 8) / 4096);
    const huge = pageRun(3, LEAF, [{ key: 'k', valueLength: length }], { pages: 1, overflow: pages - 1 });
    const path = made({ ...oneBucket(huge), pages: 3 + pages });
    await expect(everyWay['get']?.(path)).rejects.toEqual(corrupt(/element 0 has a value of 2147483647 bytes/));
    await expect(everyWay['stats']?.(path)).rejects.toEqual(corrupt(/element 0 has a value of 2147483647 bytes/));
  });

  test('XE2: a key of 32768 bytes and the longer name of a bucket are read', async () => {
    const elements = [
      { key: Buffer.alloc(32_768, 1), value: 'v' },
      { ...bucket('x', 0, pageRun(0, LEAF, [], { exact: true })), key: Buffer.alloc(60_000, 2) },
    ];
    const path = made(oneBucket(pageRun(3, LEAF, elements)));
    expect((await reading(path, (bolt) => bolt.check())).problems).toEqual([]);
    expect(await everyWay['entries']?.(path)).toHaveLength(2);
  });

  test('XE2: 65,535 keys over one megabyte, each a byte longer than the one before, are not compared', async () => {
    const start = 16 + 16 * 65_535;
    const elements = Array.from({ length: 65_535 }, (_, i) => ({
      at: start,
      keyLength: (1 << 20) - 65_535 + i,
      child: 3n,
    }));
    const pages = Math.ceil((start + (1 << 20) + 8) / 4096);
    const path = made(oneBucket(pageRun(3, BRANCH, elements, { pages })));
    const before = process.cpuUsage();
    expect((await reading(path, (bolt) => bolt.check())).problems).toMatchObject([{ rule: 'C11', page: 3 }]);
    expect(process.cpuUsage(before).user).toBeLessThan(30_000_000); // microseconds; was 110 s
  });

  test('XE2: a sealed page whose keys are in the wrong order is not walked for ever', async () => {
    const leaf = pageRun(9, LEAF, [
      { key: 'z', value: '1' },
      { key: 'a', value: '2' },
    ]);
    const elements = Array.from({ length: 200 }, (_, i) => ({ key: key(i), child: 9n }));
    const shape = oneBucket(pageRun(3, BRANCH, elements), { sealed: true });
    const path = made({ ...shape, runs: { ...shape.runs, 9: leaf }, pages: 10 });
    await expect(everyWay['entries']?.(path)).rejects.toEqual(corrupt(/not in order/));
    await expect(
      inBucket((b) => {
        const at = b.cursor();
        for (let more = at.last(); more; more = at.prev());
      })(path),
    ).rejects.toEqual(corrupt(/not in order/));
  });
});

describe('XE3: pages that lead back', () => {
  /** Walks that come to every page. */
  const walks: Readonly<Record<string, Way>> = {
    compact: (path) => reading(path, (bolt) => bolt.copyTo(`${path}.compact`)),
    stats: (path) => reading(path, (bolt) => bolt.stats()),
    async 'reading once'(path) {
      await reading(path, (bolt) => {
        using tx = bolt.read({ borrow: true, once: true });
        const walk = (tree: ReadBucket): void => {
          const cursor = tree.cursor();
          for (let more = cursor.first(); more; more = cursor.next()) {
            const nested = cursor.isBucket ? tree.bucket(cursor.key) : undefined;
            if (nested !== undefined) walk(nested);
          }
        };
        walk(tx.root);
      });
    },
    'opening for writing': async (path) => (await openBolt(path, { freelist: 'scanned' })).close(),
  };
  const lattice = (levels: number, width: number): Shape => {
    const runs: Record<number, Buffer> = { 2: pageRun(2, LEAF, [bucket('b', 3)]) };
    for (let level = 0; level < levels; level++)
      runs[3 + level] = pageRun(
        3 + level,
        LEAF,
        Array.from({ length: width }, (_, i) => bucket(key(i), 4 + level)),
      );
    runs[3 + levels] = pageRun(3 + levels, LEAF, [{ key: 'k', value: 'v' }]);
    return { runs, pages: 4 + levels };
  };
  const overlapping = (): Shape => {
    const runs: Record<number, Buffer> = {};
    const names: Element[] = [];
    for (let i = 0; i < 60; i++) {
      runs[3 + i] = pageRun(3 + i, LEAF, [{ key: 'k', valueLength: (60 - i) * 4096 - 33 - 8 }], {
        pages: 1,
        overflow: 59 - i,
      });
      names.push(bucket(key(i), 3 + i));
    }
    return { runs: { ...runs, 2: pageRun(2, LEAF, names) }, pages: 63 };
  };
  const shapes: Readonly<Record<string, Shape>> = {
    'a bucket that is its own root': oneBucket(pageRun(3, LEAF, [bucket('again', 3), { key: 'k', value: 'v' }])),
    'a bucket that is the root bucket': { runs: { 2: pageRun(2, LEAF, [bucket('b', 2)]) }, pages: 4 },
    'a lattice of buckets': lattice(40, 8),
    'two buckets that are one tree': {
      runs: { 2: pageRun(2, LEAF, [bucket('a', 3), bucket('b', 3)]), 3: pageRun(3, LEAF, [{ key: 'k', value: 'v' }]) },
      pages: 4,
    },
    'a branch with one child twice': {
      ...oneBucket(
        pageRun(3, BRANCH, [
          { key: 'a', child: 4n },
          { key: 'b', child: 4n },
        ]),
      ),
      runs: {
        2: pageRun(2, LEAF, [bucket('b', 3)]),
        3: pageRun(3, BRANCH, [
          { key: 'a', child: 4n },
          { key: 'b', child: 4n },
        ]),
        4: pageRun(4, LEAF, [
          { key: 'a', value: '' },
          { key: 'c', value: '' },
        ]),
      },
      pages: 5,
    },
    'leaves inside of each other': overlapping(),
  };

  test.each(Object.keys(shapes))('XE3: %s: every walk ends with the page that is met twice', async (name) => {
    const shape = shapes[name] as Shape;
    for (const [walk, way] of Object.entries(walks)) {
      const path = made(shape);
      await expect(way(path), walk).rejects.toMatchObject({ code: 'BOLT_CORRUPT', page: expect.any(Number) as number });
      expect(existsSync(`${path}.compact`)).toBe(false);
    }
    const path = made(shape);
    for (const args of [
      ['dump', path],
      ['dump', '--json', path],
      ['stats', path],
    ]) {
      const { code, error } = await program(...args);
      expect([args[0], code, error.split('\n').length]).toEqual([args[0], 5, 2]);
    }
    const { problems } = await reading(path, (bolt) => bolt.check());
    expect(problems.some(({ rule }) => rule === 'C4' || rule === 'C9')).toBe(true);
  });

  test('XE3: buckets in buckets for three thousand levels are walked, and printed in no more than their size', async () => {
    const runs: Record<number, Buffer> = {};
    const levels = 3000;
    for (let level = 0; level < levels; level++) runs[2 + level] = pageRun(2 + level, LEAF, [bucket('b', 3 + level)]);
    runs[2 + levels] = pageRun(2 + levels, LEAF, [{ key: 'k', value: 'v' }]);
    const path = made({ runs, pages: 3 + levels });
    expect((await reading(path, (bolt) => bolt.stats())).buckets).toBe(levels);
    const { code, out } = await program('dump', path);
    expect(code).toBe(0);
    expect(out.length).toBeLessThan(levels * 120); // was the square of the depth
  });
});

describe('XE5: branches', () => {
  test('XE5: a branch of 65,535 children that are all itself', async () => {
    const run = pageRun(
      3,
      BRANCH,
      Array.from({ length: 65_535 }, (_, i) => ({ key: key(i), child: 3n })),
    );
    const path = made(oneBucket(run));
    await expect(everyWay['stats']?.(path)).rejects.toEqual(corrupt(/page 3: is referred to twice/));
    await expect(everyWay['delete of the bucket']?.(path)).rejects.toEqual(corrupt(/page 3: /));
    await expect(everyWay['put']?.(path)).rejects.toEqual(corrupt(/page 3: /));
    const { problems } = await reading(path, (bolt) => bolt.check());
    expect(problems.filter(({ rule }) => rule === 'C4')).toEqual([
      { rule: 'C4', page: 3, message: 'is referred to twice' },
    ]);
  });

  test('XE5: with right checksums, where opening walks nothing: writes end with the code, and nothing is changed', async () => {
    const list = pageRun(5, 16, []);
    const leaf = pageRun(4, LEAF, [
      { key: 'a', value: '1' },
      { key: 'c', value: '2' },
    ]);
    const branch = pageRun(3, BRANCH, [
      { key: 'a', child: 4n },
      { key: 'b', child: 4n },
    ]);
    const shape = {
      runs: { 2: pageRun(2, LEAF, [bucket('b', 3)]), 3: branch, 4: leaf, 5: list },
      pages: 6,
      freelist: 5,
      sealed: true,
    };
    for (const way of ['put', 'delete of the bucket'] as const)
      await expect(everyWay[way]?.(made(shape))).rejects.toEqual(corrupt(/page 4: is referred to twice/));
    await using bolt = await openBolt(made(shape));
    await expect(bolt.write((tx) => tx.bucket('b')?.delete('a'))).rejects.toEqual(corrupt(/is referred to twice/));
    expect(bolt.txid).toBe(3);
    const own = { ...shape, runs: { ...shape.runs, 3: pageRun(3, BRANCH, [{ key: 'a', child: 3n }]) } };
    await expect(everyWay['delete of a key']?.(made(own))).rejects.toEqual(corrupt(/page 3: /));
  });
});

describe('XE4: free lists', () => {
  const pages = 65_536;
  const sparse = (): Shape => ({
    runs: { 2: pageRun(2, LEAF, []), 3: listRun(3, pages, pages * 512 - 3) },
    pages: pages + 100_000,
    freelist: 3,
  });

  test('XE4: 256 MB of zeros: check lists a thousand wrong ids, says how many it did not look at, and needs no memory for them', async () => {
    const path = made(sparse());
    const before = process.memoryUsage.rss();
    const { problems } = await reading(path, (bolt) => bolt.check());
    expect(process.memoryUsage.rss() - before).toBeLessThan(300 << 20); // was gigabytes
    expect(problems.length).toBeLessThan(1100);
    expect(problems).toContainEqual({ rule: 'C2', page: 3, message: 'page 0 cannot be free' });
    expect(problems).toContainEqual({
      rule: 'C2',
      page: 3,
      message: 'so many ids are wrong that 33553429 more were not looked at',
    });
  });

  test('XE4: opening for writing stops at the first of them', async () => {
    const path = made(sparse());
    const before = process.cpuUsage();
    await expect(openBolt(path)).rejects.toMatchObject({ code: 'BOLT_FREELIST', page: 3 });
    expect(process.cpuUsage(before).user).toBeLessThan(14_000_000); // microseconds; was 28 s
  });

  test('XE4: counts that no run holds, and runs that no count needs', async () => {
    const shape = (list: Buffer): Shape => ({
      runs: { 2: pageRun(2, LEAF, []), 3: list },
      pages: pages + 10,
      freelist: 3,
    });
    for (const list of [
      listRun(3, 1, 2 ** 40),
      listRun(3, pages, 5),
      listRun(3, 2 ** 32, 2 ** 41),
      listRun(3, 2 ** 31, 2 ** 38),
    ]) {
      const path = made(shape(list));
      await expect(openBolt(path)).rejects.toMatchObject({ code: 'BOLT_FREELIST', page: 3 });
      expect((await reading(path, (bolt) => bolt.check())).problems).toMatchObject([{ page: 3 }]);
      expect((await program('dump', '--json', path)).code).not.toBe(1);
    }
  });

  test('XE4: a long list out of order is sorted in slices', async () => {
    const count = 300_000;
    const listPages = Math.ceil((24 + 8 * count) / 4096);
    const list = Buffer.alloc(listPages * 4096);
    listRun(3, listPages, count).copy(list);
    for (let i = 0; i < count; i++) list.writeBigUInt64LE(BigInt(3 + listPages + ((i * 7919) % count)), 24 + 8 * i);
    const path = made({ runs: { 2: pageRun(2, LEAF, []), 3: list }, pages: 3 + listPages + count, freelist: 3 });
    expect((await reading(path, (bolt) => bolt.check())).problems).toEqual([]);
    await using bolt = await openBolt(path);
    expect(bolt.sizeInUse).toBe((3 + listPages) * 4096);
  });

  test('XE4: the record before may claim what it likes', async () => {
    const shape = {
      runs: { 2: pageRun(2, LEAF, [bucket('b', 3)]), 3: pageRun(3, LEAF, []), 4: pageRun(4, 16, []) },
      pages: 5,
      freelist: 4,
    };
    for (const older of [
      { highWater: 2 ** 50 },
      { highWater: 2 ** 34, freelist: undefined as unknown as number },
      { freelist: 2 ** 52 },
    ]) {
      await using bolt = await openBolt(made({ ...shape, older }));
      await bolt.write((tx) => tx.bucket('b')?.put('k', 'v'));
      expect((await bolt.check()).problems).toEqual([]);
    }
  });
});

describe('XE8: giants', () => {
  test.each([
    [
      'a continuation that its elements do not fill',
      1000,
      /page 3: 1000 overflow pages, but its elements end in the first 1 pages/,
    ],
    ['four gigabytes of it', 2 ** 20 + 5, /page 3: 1048581 overflow pages, but its/],
    ['sixteen terabytes of it', 2 ** 32 - 1, /page 3: 4294967295 overflow pages end past the high-water mark/],
  ])('XE8: %s', async (_, overflow, about) => {
    const run_ = pageRun(3, LEAF, [{ key: 'k', value: 'v' }], { pages: 1, overflow });
    const path = made({ ...oneBucket(run_), pages: 2 ** 21 });
    for (const way of Object.values(everyWay)) await expect(way(path)).rejects.toEqual(corrupt(about));
    for (const args of [
      ['dump', path],
      ['dump', '--json', path],
      ['stats', path],
    ])
      expect(await program(...args)).toMatchObject({
        code: 5,
        error: expect.stringMatching(/^varve-bolt: page 3: [^\n]+\n$/) as string,
      });
    expect(await program('check', path)).toMatchObject({ code: 5, error: '' });
  });

  test('XE8: values that no memory holds: the code, the page and the place in the file', async () => {
    const each = 2 ** 31 - 2;
    const elements = [0, 1].map((i) => ({ at: 48 + i * (each + 1), keyLength: 1, valueLength: each }));
    const pages = Math.ceil((48 + 2 * (each + 1) + 8) / 4096) + 1;
    const run_ = pageRun(3, LEAF, elements, { pages: 1, overflow: pages - 1 });
    run_.write('k', 48);
    const path = made({ ...oneBucket(run_), pages: 3 + pages });
    const about = expect.stringMatching(
      /page 3: its run of 42949\d+ bytes from byte 12288 on does not fit into memory/,
    ) as string;
    await expect(everyWay['get']?.(path)).rejects.toMatchObject({ code: 'BOLT_FAILED', page: 3, message: about });
    await expect(everyWay['stats']?.(path)).rejects.toMatchObject({ code: 'BOLT_FAILED', page: 3, message: about });
  });

  test('XE8: a value longer than any text is printed piece by piece', async () => {
    const length = 300 << 20;
    const pages = Math.ceil((33 + length + 8) / 4096);
    const path = made({
      ...oneBucket(pageRun(3, LEAF, [{ key: 'k', valueLength: length }], { pages: 1, overflow: pages - 1 })),
      pages: 3 + pages,
    });
    const { code, out, error } = await program('dump', path);
    expect([code, error, out.slice(0, 60)]).toEqual([
      141,
      '',
      `"b"/ sequence 0\n  "k" = 0x${'0'.repeat(35)}`.slice(0, 60),
    ]);
  });

  test('XE8: a file of a terabyte, nearly all of it holes', async () => {
    const shape = {
      runs: {
        2: pageRun(2, LEAF, [bucket('b', 3)]),
        3: pageRun(3, LEAF, [{ key: 'k', value: 'v' }]),
        4: pageRun(4, 16, []),
      },
      pages: 2 ** 28,
    };
    const path = made(shape);
    const listed = made({ ...shape, freelist: 4 });
    const before = process.memoryUsage.rss();
    await expect(openBolt(path)).rejects.toMatchObject({
      code: 'BOLT_FREELIST',
      message: expect.stringContaining('268435452 pages are free') as string,
    });
    expect((await reading(listed, (bolt) => bolt.check())).problems).toEqual([
      { rule: 'C7', page: 5, message: 'and all up to 268435455: neither used nor free' },
    ]);
    const { code, out } = await program('dump', '--json', listed);
    expect([code, (JSON.parse(out) as { pageCounts: object }).pageCounts]).toEqual([
      0,
      { free: 2 ** 28 - 5, freelist: 1, leaf: 2, meta: 2, overflow: 0, pastHighWater: 0 },
    ]);
    expect(await everyWay['stats']?.(listed)).toMatchObject({ keys: 1 });
    await using bolt = await openBolt(listed);
    await bolt.write((tx) => tx.bucket('b')?.put('k', 'w'));
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
  });

  test('XE8: a transaction number with none behind it is read, and not written', async () => {
    const shape = oneBucket(pageRun(3, LEAF, [{ key: 'k', value: 'v' }]), { txid: Number.MAX_SAFE_INTEGER });
    const path = made(shape);
    expect(await everyWay['entries']?.(path)).toHaveLength(1);
    await expect(openBolt(path)).rejects.toEqual(corrupt(/no transaction number is left after 9007199254740991/));
  });

  test('XE8: what a terminal obeys is not printed', async () => {
    const leaf = pageRun(3, LEAF, [
      { key: '\u001b]0;title\u0007', value: '\u001b[2J' },
      { key: '\u009b2J', value: 'é' },
    ]);
    const path = made({ runs: { 2: pageRun(2, LEAF, [bucket('\u001b[31m', 3)]), 3: leaf }, pages: 4 });
    const plain = /^[\x20-\x7e\n]*$/;
    for (const args of [
      ['dump', path],
      ['dump', '--json', path],
      ['check', path],
    ])
      expect((await program(...args)).out).toMatch(plain);
    const { code, error } = await program('check', `${path}\u001b[31m\u202e`);
    expect([code, error]).toEqual([4, expect.stringMatching(/\\u\{1b\}\[31m\\u\{202e\}/)]);
    expect(error).toMatch(plain);
  });
});

describe('XC8: page ids above 2^53', () => {
  test.each([2n ** 53n + 1n, 2n ** 63n + 3n, 2n ** 64n - 1n])(
    'XC8: page ids above 2^53 keep their digits in messages: %s',
    async (id) => {
      const branch = made(oneBucket(pageRun(3, BRANCH, [{ key: 'a', child: id }])));
      await expect(everyWay['get']?.(branch)).rejects.toEqual(
        corrupt(new RegExp(`page 3: element 0 refers to page ${id}$`)),
      );
      const root = made({ runs: { 2: pageRun(2, LEAF, [bucket('b', id)]) }, pages: 4 });
      await expect(everyWay['get']?.(root)).rejects.toEqual(corrupt(new RegExp(`a bucket with root page ${id}$`)));
      const header = pageRun(3, LEAF, []);
      header.writeBigUInt64LE(id, 0);
      await expect(everyWay['get']?.(made(oneBucket(header)))).rejects.toEqual(
        corrupt(new RegExp(`the header names page ${id}$`)),
      );
      const list = listRun(4, 1, 2);
      list.writeBigUInt64LE(id, 24);
      list.writeBigUInt64LE(id - 1n, 32);
      const path = made({
        ...oneBucket(pageRun(3, LEAF, [])),
        runs: { 2: pageRun(2, LEAF, [bucket('b', 3)]), 3: pageRun(3, LEAF, []), 4: list },
        pages: 5,
        freelist: 4,
      });
      const { problems } = await reading(path, (bolt) => bolt.check());
      expect(problems.map(({ message }) => message)).toEqual([
        `page ${id} cannot be free`,
        `page ${id - 1n} cannot be free`,
      ]);
    },
  );

  test('XC8: check prints one finding once, however often it is met', async () => {
    const elements = Array.from({ length: 50 }, (_, i) => ({ key: key(i), child: i % 2 === 0 ? 4n : 2n ** 40n }));
    const path = made({
      ...oneBucket(pageRun(3, BRANCH, elements)),
      runs: {
        2: pageRun(2, LEAF, [bucket('b', 3), bucket('c', 3)]),
        3: pageRun(3, BRANCH, elements),
        4: pageRun(4, LEAF, [{ key: 'x', value: '' }]),
      },
      pages: 5,
    });
    const lines = (await program('check', path)).out.split('\n');
    expect(lines).toEqual([...new Set(lines)]);
    expect(lines.filter((line) => line.includes('page 4: is referred to twice'))).toHaveLength(1);
  });
});
