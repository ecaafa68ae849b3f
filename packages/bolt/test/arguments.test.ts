/** Wrong arguments of every entry point, refused before anything happens (XA14, XB6, R3). */
import fs from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../src/tools/cli.ts';
import type { BuildOptions, BuildSource, OpenOptions } from '../src/index.ts';
import { buildBolt, openBolt } from '../src/index.ts';
import { Scratch } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const NO_OBJECTS: readonly unknown[] = [null, 7, 'text', true, [], () => undefined, new AbortController().signal];
const flags = [0, 1, 'no', 'true', null, {}];
const signals = [null, {}, 'abort', new AbortController(), { aborted: false }];
const worlds = [null, {}, 'world', { clock: {} }];
const callbacks = [null, {}, 'f', 1];
const fills = [Number.NaN, 0, 0.05, 1.1, -1, '0.5', null];
const chunks = [Number.NaN, 0, -1, 1.5, Number.POSITIVE_INFINITY, '9', null];
const pageSizes = [Number.NaN, 0, 1000, 256, 131_072, -4096, 4096.5, '4096', null, 4096n];

const openings: Readonly<Record<keyof OpenOptions, readonly unknown[]>> = {
  readOnly: flags,
  create: flags,
  pageSize: pageSizes,
  freelist: ['bogus', '', 'toString', null, 1, true, ['scanned']],
  pageChecksums: flags,
  cacheBytes: [Number.NaN, -1, '0', null, 1n],
  lockTimeoutMs: [Number.NaN, -1, Number.NEGATIVE_INFINITY, '5', null, 5n],
  signal: signals,
  world: worlds,
};

function cases(values: Readonly<Record<string, readonly unknown[]>>): (readonly [name: string, options: object])[] {
  return Object.entries(values).flatMap(([name, wrong]) => wrong.map((value) => [name, { [name]: value }] as const));
}

async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A TypeError or RangeError without a code of ours that names what is wrong. */
async function expectRefused(name: string, call: () => unknown): Promise<void> {
  const failure = await failureOf(call);
  expect(failure instanceof TypeError || failure instanceof RangeError, String(failure)).toBe(true);
  expect((failure as Error).message).toContain(name);
}

describe('XB6: openBolt', () => {
  test.each(cases(openings))('%s: %o', async (name, options) => {
    const file = scratch.file();
    await expectRefused(name, () => openBolt(file, options));
    expect(fs.existsSync(file)).toBe(false);
  });

  test('a path that is none, options that are none, a name that nobody knows', async () => {
    for (const path of ['', 'a\0b', undefined, null, 7, Buffer.from('a'), new URL('file:///a')]) {
      await expectRefused('path', () => openBolt(path as string));
    }
    for (const options of NO_OBJECTS) await expectRefused('options', () => openBolt(scratch.file(), options as object));
    await expectRefused('readonly', () => openBolt(scratch.file(), { readonly: true } as object));
  });

  test('what is undefined is absent; no bound for waiting or memory is allowed', async () => {
    const undefinedOnes = Object.fromEntries(Object.keys(openings).map((name) => [name, undefined]));
    await (await openBolt(scratch.file(), undefinedOnes)).close();
    const endless = { lockTimeoutMs: Number.POSITIVE_INFINITY, cacheBytes: Number.POSITIVE_INFINITY };
    await (await openBolt(scratch.file(), endless)).close();
  });
});

test('XB6: an open file: options of each call', async () => {
  await using bolt = await openBolt(scratch.file());
  const target = scratch.file();
  const calls: readonly (readonly [
    call: (options: object) => unknown,
    wrong: Readonly<Record<string, readonly unknown[]>>,
  ])[] = [
    [(options) => bolt.read(options), { borrow: flags }],
    [(options) => bolt.check(options), { signal: signals, onProgress: callbacks }],
    [(options) => bolt.stats(options), { signal: signals }],
    [(options) => bolt.copy(options), { signal: signals, chunkBytes: chunks }],
    [(options) => bolt.copyTo(target, options), { signal: signals, fillPercent: fills, onProgress: callbacks }],
    [(options) => bolt.defrag(options), { signal: signals, fillPercent: fills, onProgress: callbacks }],
  ];
  for (const [call, wrong] of calls) {
    for (const [name, options] of cases({ ...wrong, nobodyKnows: [1] })) await expectRefused(name, () => call(options));
    for (const options of NO_OBJECTS) await expectRefused('options', () => call(options as object));
  }
  for (const path of ['', 'a\0b', undefined, null, 7]) await expectRefused('target', () => bolt.copyTo(path as string));
  for (const body of [undefined, null, 7, {}]) {
    await expectRefused('body', () => bolt.write(body as () => void));
    await expectRefused('body', () => bolt.writeInSteps(body as never));
  }
  expect([bolt.openReads, bolt.txid, fs.existsSync(target)]).toEqual([0, 1, false]);
});

test('XB6: buildBolt', async () => {
  const source: BuildSource = { rows: () => [] };
  const wrong: Readonly<Record<keyof BuildOptions, readonly unknown[]>> = {
    pageSize: pageSizes,
    fillPercent: fills,
    txid: [0, -1, 1.5, Number.NaN, '2', 2n],
    sequence: [-1n, 2n ** 64n, 1, '1'],
    pageChecksums: flags,
    chunkBytes: chunks,
    signal: signals,
    world: worlds,
  };
  for (const [name, options] of cases({ ...wrong, nobodyKnows: [1] })) {
    await expectRefused(name, () => buildBolt(source, options));
  }
  for (const none of [undefined, null, 7, {}, { rows: 1 }])
    await expectRefused('source', () => buildBolt(none as never));
  await expectRefused('lengths', () => buildBolt({ ...source, lengths: 1 } as never));
  await expectRefused('buckets', () => buildBolt({ ...source, buckets: 'key' } as never));
});

test('XB6: the program: a file without a name is wrong usage', async () => {
  for (const args of [
    ['check', ''],
    ['dump', ''],
    ['stats', ''],
    ['compact', '', 'x'],
    ['compact', 'x', ''],
  ]) {
    expect(await run(args, { out: () => Promise.resolve(), error: () => undefined }), args.join(' ')).toBe(2);
  }
});

describe('XA14: text that UTF-8 cannot hold', () => {
  test.each(['\uD800', '\uDBFF', '\uDC00', 'a\uD800b', '\uDC00\uD800'])(
    '%j is refused wherever text may stand',
    async (text) => {
      await using bolt = await openBolt(scratch.file());
      await bolt.write((tx) => {
        const bucket = tx.createBucket('b');
        const calls: readonly (() => unknown)[] = [
          () => bucket.put(text, 'v'),
          () => bucket.put('k', text),
          () => bucket.get(text),
          () => bucket.delete(text),
          () => bucket.bucket(text),
          () => bucket.createBucket(text),
          () => bucket.createBucketIfMissing(text),
          () => bucket.deleteBucket(text),
          () => bucket.cursor().seek(text),
          () => [...bucket.entries({ start: text })],
          () => [...bucket.entries({ end: text })],
          () => tx.bucket(text),
          () => tx.createBucket(text),
        ];
        for (const call of calls) expect(call).toThrow(TypeError);
        bucket.put('\uFFFD', 'the replacement character is a text like any other');
        bucket.put('\u{10FFFF}', 'and so is a whole pair');
      });
      using tx = bolt.read();
      expect([...(tx.bucket('b')?.entries() ?? [])]).toHaveLength(2);
      expect(() => tx.bucket('b')?.get(text)).toThrow(TypeError);
      expect(() => tx.bucket(text)).toThrow(TypeError);
      const row = { bucket: text, key: Buffer.from('k'), value: Buffer.from('v') };
      await expect(buildBolt({ rows: () => [[row]] })).rejects.toThrow(TypeError);
      await expect(buildBolt({ rows: () => [], buckets: [text] })).rejects.toThrow(TypeError);
    },
  );
});
