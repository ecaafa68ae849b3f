import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytes, level, memory, open, remove, type EmbeddedKv, type Engine } from '../src/index.ts';
import { childOutput, codeOf, collect, failure, temporaryFolder } from './helpers.ts';

/** A secret that must not come out in any message (R3). */
const secret = 'hunter2';

describe('R3: wrong arguments are typed, named, and change nothing', () => {
  const rows: readonly [string, (kv: EmbeddedKv) => unknown, RegExp][] = [
    ['empty key', (kv) => kv.put('', secret), /key must not be empty/],
    ['empty key, get', (kv) => kv.get(''), /key must not be empty/],
    ['empty key, delete', (kv) => kv.delete(''), /key must not be empty/],
    ['key of a wrong type', (kv) => kv.put(7 as unknown as string, secret), /key must be a string/],
    ['key that is absent', (kv) => kv.get(undefined as unknown as string), /key must be a string/],
    [
      'key of bytes in a store of strings',
      (kv) => kv.get(Buffer.from(secret) as unknown as string),
      /must be a string/,
    ],
    ['value of a wrong type', (kv) => kv.put('a', { secret } as unknown as string), /value must be a string/],
    ['value that is absent', (kv) => kv.put('a', undefined as unknown as string), /value must be a string/],
    ['unknown option', (kv) => kv.put('a', 'b', { leese: secret } as object), /no "leese"/],
    ['options of a wrong type', (kv) => kv.put('a', 'b', secret as unknown as object), /options must be an object/],
    [
      'a signal for options',
      (kv) => kv.watch('a', new AbortController().signal as object),
      /options must be an object/,
    ],
    ['a function for options', (kv) => kv.watch('a', (() => undefined) as object), /read it with for await/],
    ['a revision of a read', (kv) => kv.get('a', { revision: 1 } as object), /no "revision".*at\(revision\) reads/],
    ['a revision of many', (kv) => kv.getMany(['a'], { revision: 1 } as object), /no "revision".*at\(revision\) reads/],
    ['a revision of a list', (kv) => kv.list({}, { revision: 1 } as object), /no "revision".*at\(revision\) reads/],
    ['a revision of a count', (kv) => kv.count({}, { revision: 1 } as object), /no "revision".*at\(revision\) reads/],
    ['a revision of a write', (kv) => kv.put('a', 'b', { revision: 1 } as object), /no "revision"; known are [^;]*$/],
    ['a map for options', (kv) => kv.put('a', 'b', new Map() as object), /options must be an object/],
    ['a promise for options', (kv) => kv.get('a', Promise.resolve() as object), /options must be an object/],
    ['a date for a transaction', (kv) => kv.txn(new Date() as object), /transaction must be an object/],
    ['a signal of a list', (kv) => kv.list({}, { signal: secret as unknown as AbortSignal }), /signal must be/],
    ['a signal of a history', (kv) => kv.history('a', { signal: {} as unknown as AbortSignal }), /signal must be/],
    ['previous of a wrong type', (kv) => kv.put('a', 'b', { previous: secret as unknown as boolean }), /previous must/],
    ['signal of a wrong type', (kv) => kv.get('a', { signal: secret as unknown as AbortSignal }), /signal must be/],
    ['a limit of -1', (kv) => kv.list({}, { limit: -1 }), /limit must be an integer from 1/],
    ['a limit of 0', (kv) => kv.page({}, { limit: 0 }), /limit must be an integer from 1/],
    ['an unknown sort', (kv) => kv.list({}, { sort: secret } as object), /no "sort"/],
    ['an unknown bound', (kv) => kv.delete({ until: secret } as unknown as string), /no "until"/],
    ['two undefined bounds', (kv) => kv.delete({ start: undefined } as unknown as string), /say \{ all: true \}/],
    ['no bounds, delete', (kv) => kv.delete({} as { all: true }), /say \{ all: true \}/],
    ['the prefix of all keys, delete', (kv) => kv.delete({ prefix: '' }), /say \{ all: true \}/],
    ['the start of all keys, delete', (kv) => kv.delete({ start: '' }), /say \{ all: true \}/],
    ['no bounds, delete in a txn', (kv) => kv.txn({ then: [remove({})] }), /say \{ all: true \}/],
    ['no bounds, delete in a section', (kv) => kv.write((s) => s.delete({} as { all: true })), /say \{ all: true \}/],
    ['not all', (kv) => kv.delete({ all: false } as unknown as { all: true }), /all must be true/],
    ['all and more', (kv) => kv.delete({ all: true, prefix: 'a' }), /no "prefix"/],
    ['all, where it is no deletion', (kv) => kv.count({ all: true } as object), /no "all"/],
    [
      'a start outside of the prefix',
      (kv) => kv.count({ prefix: 'b', start: 'a' }),
      /start must begin with the prefix/,
    ],
    ['an end outside of the prefix', (kv) => kv.count({ prefix: 'b', end: 'c' }), /end must begin with the prefix/],
    ['reverse that is no boolean', (kv) => kv.list({}, { reverse: 1 } as object), /reverse must be true or false/],
    ['reverse of a page', (kv) => kv.page({}, { reverse: 'yes' } as object), /reverse must be true or false/],
    ['an undefined prefix', (kv) => kv.delete({ prefix: undefined as unknown as string }), /prefix is undefined/],
    ['revision NaN', (kv) => kv.at(Number.NaN), /revision must be an integer/],
    ['revision -1', (kv) => kv.at(-1), /revision must be an integer/],
    ['revision 0', (kv) => kv.at(0), /revision must be an integer/],
    ['revision 1.5', (kv) => kv.at(1.5), /revision must be an integer/],
    ['revision 2^53', (kv) => kv.at(2 ** 53), /revision must be an integer/],
    ['revision of text', (kv) => kv.at('2' as unknown as number), /revision must be a number/],
    ['compaction at 0 (D5)', (kv) => kv.compact(0), /revision must be an integer/],
    ['compaction at -1 (R16)', (kv) => kv.compact(-1), /revision must be an integer/],
    ['history from -1', (kv) => kv.history('a', { from: -1 }), /from must be/],
    ['hash at -1', (kv) => kv.hashByRev(-1), /revision must be/],
    ['a body that is none', (kv) => kv.write(secret as unknown as () => void), /body of a write must be/],
    ['a name space of a wrong type', (kv) => kv.namespace(7 as unknown as string), /prefix must be a string/],
    ['an unknown option of a name space', (kv) => kv.namespace('a', { key: bytes } as object), /no "key"/],
    ['a backup to nowhere', (kv) => kv.backup(''), /path of a backup/],
    ['a backup to no path', (kv) => kv.backup('a\0b'), /path of a backup/],
  ];
  test.each(rows)('%s', async (_, call, message) => {
    await using kv = await open(memory());
    await kv.put('kept', 'x');
    const error = await failure(() => call(kv));
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(secret);
    expect(error).toMatchObject({ code: 'KV_INVALID' });
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect(kv.revision).toBe(2);
    expect(await kv.count({})).toBe(1);
  });
});

describe('R4: sizes', () => {
  test('keys and values up to the limits come back equal; one byte more is refused with the limit', async () => {
    await using kv = await open(memory(), { key: bytes, value: bytes });
    const key = new Uint8Array(32 * 1024).fill(7);
    const value = new Uint8Array(1536 * 1024).fill(9);
    await kv.put(key, value);
    await kv.put(Uint8Array.of(0), new Uint8Array(0));
    const entry = await kv.get(key);
    expect(Buffer.compare(entry?.value ?? key, value)).toBe(0);
    expect(Buffer.compare(entry?.key ?? value, key)).toBe(0);
    expect((await kv.get(Uint8Array.of(0)))?.value).toHaveLength(0);
    const longKey = await failure(() => kv.put(new Uint8Array(32 * 1024 + 1), value));
    expect(longKey).toMatchObject({ code: 'KV_TOO_LARGE', limit: 32 * 1024 });
    const longValue = await failure(() => kv.put(key, new Uint8Array(1536 * 1024 + 1)));
    expect(longValue).toMatchObject({ code: 'KV_TOO_LARGE', limit: 1536 * 1024 });
    expect(await codeOf(() => kv.write((section) => section.put(key, new Uint8Array(1536 * 1024 + 1))))).toBe(
      'KV_TOO_LARGE',
    );
    expect(kv.revision).toBe(3);
  });

  test('a key of 1 MiB and a value of 64 MiB, where the limits say so', async () => {
    const limits = { maxKeyBytes: 1024 ** 2, maxValueBytes: 64 * 1024 ** 2 };
    const folder = temporaryFolder();
    const key = new Uint8Array(limits.maxKeyBytes).fill(3);
    const value = Buffer.alloc(limits.maxValueBytes, 'sixty-four');
    {
      await using kv = await open(folder, { key: bytes, value: bytes, limits });
      await kv.put(key, value);
    }
    await using kv = await open(folder, { key: bytes, value: bytes });
    expect(Buffer.compare((await kv.get(key))?.value ?? key, value)).toBe(0);
    // Limits bind what is written: what is there can be deleted whatever they are.
    expect(await kv.delete(key)).toMatchObject({ deleted: 1 });
  });
});

/** An engine as a wrapper of one may be: with a method missing. */
function engineWithout(missing: keyof Engine): Engine {
  return new Proxy<Engine>(memory(), {
    get(target, name) {
      const member: unknown = name === missing ? undefined : Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

describe('opening', () => {
  const wrong: readonly [string, () => Promise<unknown>, RegExp][] = [
    ['unknown option', () => open(memory(), { cache: 1 } as object), /no "cache"/],
    ['unknown limit', () => open(memory(), { limits: { maxkeys: 1 } as object }), /no "maxkeys"/],
    ['null for options', () => open(memory(), null as unknown as object), /options must be an object/],
    ['null for a codec', () => open(memory(), { key: null as unknown as typeof bytes }), /key must be a codec/],
    ['null for limits', () => open(memory(), { limits: null as unknown as object }), /limits must be an object/],
    ['wrong durability', () => open(memory(), { durability: 'never' as 'commit' }), /durability must be/],
    ['wrong batchLimit', () => open(memory(), { batchLimit: 0 }), /batchLimit must be/],
    ['wrong batchIntervalMs', () => open(memory(), { batchIntervalMs: Number.NaN }), /batchIntervalMs must be/],
    ['wrong cacheBytes', () => open(memory(), { cacheBytes: -1 }), /cacheBytes must be/],
    ['wrong onProgress', () => open(memory(), { onProgress: 1 as unknown as () => void }), /onProgress must be/],
    ['wrong limit', () => open(memory(), { limits: { maxOps: 0 } }), /limits.maxOps must be/],
    ['create beside an engine', () => open(memory(), { create: true }), /goes with a path/],
    ['no location', () => open(undefined as unknown as string), /location must be/],
    ['an empty path', () => open(''), /location must not be empty/],
    [
      'a revision to retain',
      () => open(memory(), { retain: { revision: 5 } as object }),
      /no "revision"; known are [^;]*$/,
    ],
    ['the memory of SQLite', () => open(':memory:'), /a store in memory is memory\(\)/],
    ['an address', () => open('https://127.0.0.1:2379'), /name of a cluster as etcd:.*there is no https: here/],
    ['a number', () => open(7 as unknown as string), /location must be/],
    ['a promise of a number', () => open(Promise.resolve(7 as unknown as Engine)), /location must be/],
    ['a promise of nothing', () => open(Promise.resolve(undefined as unknown as Engine)), /location must be/],
    ['an engine that lacks methods', () => open(engineWithout('buckets')), /location must be/],
    ['an engine that cannot be compacted', () => open(engineWithout('compact')), /location must be/],
    ['a signal for options', () => open(memory(), new AbortController().signal as object), /options must be/],
  ];
  test.each(wrong)('%s is refused by name', async (_, opening, message) => {
    const error = await failure(opening);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'KV_INVALID' });
  });

  test('an engine that came with wrong options is closed', async () => {
    const folder = temporaryFolder();
    expect(await codeOf(() => open(level(folder), { nonsense: 1 } as object))).toBe('KV_INVALID');
    await using kv = await open(folder);
    expect(kv.revision).toBe(1);
  });

  test('what fails half-way closes what was opened', async () => {
    const folder = temporaryFolder();
    {
      await using kv = await open(folder);
      await kv.put('a', '1');
    }
    const mine = new Error('mine');
    const onProgress = () => {
      throw mine;
    };
    expect(await failure(() => open(folder, { onProgress }))).toBe(mine);
    let closed = 0;
    const engine: Engine = memory();
    const broken = new Proxy(engine, {
      get(target, name) {
        if (name === 'commit') return () => Promise.reject(mine);
        if (name === 'close') return () => (closed++, target.close());
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const caught = await failure(async () => {
      const kv = await open(broken);
      await kv.put('a', '1').finally(() => kv.close().catch(() => undefined));
    });
    expect(caught).toMatchObject({ code: 'BACKEND_FAILED', cause: mine });
    expect(closed).toBe(1);
    await using kv = await open(folder);
    expect((await kv.get('a'))?.value).toBe('1');
  });

  test('a store that is missing, when it may not be made', async () => {
    const error = await failure(() => open(temporaryFolder(), { create: false }));
    expect(error).toMatchObject({ code: 'BACKEND_NOT_FOUND' });
  });

  test('a second opening, in this process and in another', async () => {
    const folder = temporaryFolder();
    await using kv = await open(folder);
    await kv.put('a', '1');
    expect(await codeOf(() => open(folder))).toBe('BACKEND_LOCKED');
    const child = spawn(process.execPath, [join(import.meta.dirname, 'open-child.mjs'), folder]);
    expect(await childOutput(child)).toBe('BACKEND_LOCKED\n');
    await kv.put('a', '2');
    expect((await kv.get('a'))?.value).toBe('2');
  });

  test('a folder that is not a store is left as it is', async () => {
    const folder = temporaryFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, 'letter.txt'), 'dear all');
    const error = await failure(() => open(folder));
    expect(error).toMatchObject({ code: 'BACKEND_FOREIGN' });
    expect(error.message.length).toBeGreaterThan(20);
    expect(readdirSync(folder)).toEqual(['letter.txt']);
    expect(readFileSync(join(folder, 'letter.txt'), 'utf8')).toBe('dear all');
    const file = temporaryFolder('file.txt');
    writeFileSync(file, 'not a folder');
    expect(await codeOf(() => open(file))).toBe('BACKEND_FOREIGN');
    expect(readFileSync(file, 'utf8')).toBe('not a folder');
  });

  test('a folder that cannot be written', async () => {
    const folder = temporaryFolder();
    {
      await using kv = await open(folder);
      await kv.put('a', '1');
    }
    const mode = statSync(folder).mode;
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o444);
    chmodSync(folder, 0o555);
    chmodSync(dirname(folder), 0o755);
    try {
      // The superuser may write anyway: then it opens, and nothing is lost.
      const child = spawn(process.execPath, [join(import.meta.dirname, 'open-child.mjs'), folder, 'nobody']);
      expect(['BACKEND_READ_ONLY\n', 'no other user\n']).toContain(await childOutput(child));
    } finally {
      chmodSync(folder, mode);
      for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
    }
    await using kv = await open(folder);
    expect((await kv.get('a'))?.value).toBe('1');
  });
});

test('R10: every call after close says so', async () => {
  const kv = await open(memory());
  const reader = kv.at(1);
  const started = kv.list({});
  await kv.close();
  await kv.close();
  const calls: readonly (() => unknown)[] = [
    () => kv.get('a'),
    () => kv.put('a', 'b'),
    () => kv.delete('a'),
    () => kv.delete({ all: true }),
    () => kv.txn({}),
    () => kv.transaction(() => undefined),
    () => kv.write(() => undefined),
    () => collect(kv.list({})),
    () => collect(started),
    () => kv.page({}),
    () => kv.count({}),
    () => reader.get('a'),
    () => collect(kv.history('a')),
    () => kv.watch({}),
    () => kv.compact(1),
    () => kv.status(),
    () => kv.stats(),
    () => kv.revision,
    () => kv.backup('/nowhere/at/all'),
    () => kv.snapshot(),
    () => kv.defrag(),
    () => kv.hashByRev(),
    () => kv.settled(),
    () => kv.commit(),
    () => kv.namespace('a').get('a'),
  ];
  for (const call of calls) expect(await codeOf(call)).toBe('KV_CLOSED');
});
