/** B8: what is long is done in slices; what must be one section is bounded, and there is a way in parts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  compare,
  exists,
  json,
  memory,
  missing,
  nested,
  open,
  put,
  range,
  remove,
  type EmbeddedKv,
  type OpenOptions,
} from '../src/index.ts';
import { codeOf, collect, engines, failure } from './helpers.ts';

const many = 50_000;
const key = (i: number): string => `k${String(i).padStart(6, '0')}`;

async function filled(
  place: (typeof engines)[number][1],
  count = many,
  options: OpenOptions<string, string> = {},
): Promise<EmbeddedKv> {
  const kv = await open(place(), options);
  for (let from = 0; from < count; from += 10_000) {
    await kv.write((section) => {
      for (let i = from; i < Math.min(count, from + 10_000); i++) section.put(key(i), 'x');
    });
  }
  return kv;
}

/** Processor time of `work`, and of the longest turn of the event loop in it, in milliseconds. */
async function turnsOf(work: () => Promise<unknown>): Promise<{ readonly total: number; readonly longest: number }> {
  const spent = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  let running = true;
  let [total, longest] = [0, 0];
  const beat = (async () => {
    for (let last = spent(); running;) {
      await new Promise(setImmediate);
      const now = spent();
      total += now - last;
      longest = Math.max(longest, now - last);
      last = now;
    }
  })();
  await work();
  running = false;
  await beat;
  return { total, longest };
}

/** Something else changes, so that what was read has to be compared. */
const meddle = (kv: EmbeddedKv): Promise<unknown> => kv.put('other', String(kv.revision));

describe.each(engines)('XB8: on %s', (_engine, place) => {
  const long: readonly [string, (kv: EmbeddedKv) => Promise<unknown>][] = [
    [
      'the commit of a transaction that listed everything',
      (kv) =>
        kv.transaction(async (tx) => {
          await tx.list({ prefix: 'k' });
          await meddle(kv);
          tx.put('mine', 'x');
        }),
    ],
    [
      'the commit of a transaction that got many keys',
      (kv) =>
        kv.transaction(async (tx) => {
          for (let i = 0; i < many; i++) await tx.get(key(i));
          await meddle(kv);
          tx.put('mine', 'x');
        }),
    ],
    [
      'a list beside many own writes',
      (kv) =>
        kv
          .transaction(async (tx) => {
            for (let i = 0; i < 20_000; i++) {
              tx.put(key(i * 3 + 1), 'own');
              if (i % 100 === 0) await new Promise(setImmediate);
            }
            expect(await tx.list({ prefix: 'k' })).toHaveLength(many);
            throw new Error('nothing is to be written');
          })
          .catch(() => undefined),
    ],
    ['a condition on a long range', (kv) => kv.txn({ if: [exists({ prefix: 'k' })], then: [put('mine', 'x')] })],
    [
      'a condition on the values of a long range',
      (kv) => kv.txn({ if: [compare({ prefix: 'k' }, { value: { equals: 'x' } })], then: [put('mine', 'x')] }),
    ],
    [
      'a nested condition on a long range',
      (kv) => kv.txn({ then: [nested({ if: [exists({ prefix: 'k' })], then: [put('mine', 'x')] })] }),
    ],
  ];
  // Shared: all that these change is a key beside the many.
  let kv: EmbeddedKv;
  beforeAll(async () => {
    kv = await filled(place);
  });
  afterAll(() => kv.close());

  test.each(long)('%s leaves turns to others', async (_, work) => {
    await work(kv); // what comes first is slower
    // The collector stops everybody now and then: a section that is not sliced is long each time.
    const shares: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { total, longest } = await turnsOf(() => work(kv));
      shares.push(longest / Math.max(30, total / 4));
    }
    expect(Math.min(...shares)).toBeLessThan(1);
  });

  test('what was compared in slices is what the section finds: writers wait in line meanwhile, and none is lost', async () => {
    await using kv = await filled(place, 5000);
    const condition = compare({ prefix: 'k' }, { value: { equals: 'x' } });
    const calls = [
      kv.put('a', '1'),
      kv.txn({ if: [condition], then: [put('held', 'yes')], else: [put('held', 'no')] }),
      kv.put(key(3), 'changed'),
      kv.txn({ if: [condition], then: [put('held again', 'yes')], else: [put('held again', 'no')] }),
      kv.delete({ prefix: 'k' }),
      kv.txn({ if: [missing({ prefix: 'k' })], then: [put('gone', 'yes')] }),
    ];
    expect((await Promise.all(calls)).map(({ revision }) => revision)).toEqual([3, 4, 5, 6, 7, 8]);
    const rest = (await collect(kv.list({}))).map((entry) => `${entry.key} ${entry.value} ${entry.modRevision}`);
    expect(rest).toEqual(['a 1 3', 'gone yes 8', 'held yes 4', 'held again no 6']);
  });

  test('a transaction that read much conflicts with what changed while it was compared, and with nothing else', async () => {
    await using kv = await filled(place, 3000);
    let runs = 0;
    const counting = kv.transaction(async (tx) => {
      const entries = await tx.list({ prefix: 'k' });
      if (++runs === 1) void kv.put('elsewhere', 'x');
      if (runs === 1) void kv.put(key(2999), 'changed');
      if (runs === 2) void kv.put('elsewhere', 'y');
      tx.put('changed', String(entries.filter((entry) => entry.value === 'changed').length));
    });
    expect(await counting).toMatchObject({ attempts: 2 });
    expect((await kv.get('changed'))?.value).toBe('1');
  });

  test('an abort ends the comparison, and those behind it go on', async () => {
    await using kv = await filled(place, 5000);
    const controller = new AbortController();
    const { signal } = controller;
    const long = kv.txn({ if: [exists({ prefix: 'k' })], then: [put('mine', 'x')] }, { signal });
    const behind = kv.put('behind', 'x');
    controller.abort(new Error('enough'));
    await expect(long).rejects.toThrow('enough');
    await behind;
    expect(await kv.get('mine')).toBeUndefined();
  });
});

describe.each(engines)('XB8: deletions on %s', (_engine, place) => {
  test('a range of more keys than the limit is refused before anything changes, whichever call deletes it', async () => {
    await using kv = await open(place(), { limits: { maxDeletes: 100 } });
    await kv.write((section) => {
      for (let i = 0; i < 101; i++) section.put(key(i), 'x');
    });
    const { revision } = kv;
    const watch = kv.watch({});
    const wide = { prefix: 'k' };
    const calls: readonly (() => unknown)[] = [
      () => kv.delete(wide),
      () => kv.delete({ all: true }),
      () => kv.delete(wide, { previous: true }),
      () => kv.txn({ then: [put('a', 'x'), remove(wide)] }),
      () => kv.txn({ then: [remove({ end: key(60) }), remove({ start: key(60) })] }),
      () => kv.txn({ then: [nested({ then: [remove(wide)] })] }),
      () => kv.write((section) => section.delete(wide)),
      () => kv.write((section) => section.delete({ end: key(60) }) + section.delete({ start: key(60) })),
      () => kv.namespace('k').delete({ all: true }),
    ];
    for (const call of calls) {
      const error = await failure(call);
      expect(error).toMatchObject({ name: 'KvError', code: 'KV_TOO_LARGE', limit: 100 });
      expect(error.message).toMatch(/delete\(range, \{ limit \}\)/);
    }
    expect([kv.revision, await kv.count({})]).toEqual([revision, 101]);
    await kv.delete(key(100));
    expect((await collect(watch, 1))[0]).toMatchObject({ type: 'delete', revision: revision + 1 });
    expect(await kv.delete(wide)).toEqual({ revision: revision + 2, deleted: 100 });
  });

  test('in parts: the first keys go, and whether there are more is told', async () => {
    await using kv = await open(place(), { limits: { maxDeletes: 100 } });
    await kv.put('kept', 'x');
    await kv.write((section) => {
      for (let i = 0; i < 250; i++) section.put(key(i), 'x');
    });
    const first = await kv.delete({ start: key(0), end: key(999) }, { limit: 2, previous: true });
    expect(first).toMatchObject({ deleted: 2, more: true, previous: [{ key: key(0) }, { key: key(1) }] });
    expect(first.previous).toHaveLength(2);
    const parts: [number, boolean | undefined][] = [];
    for (let more: boolean | undefined = true; more;) {
      const part = await kv.delete({ start: key(0), end: key(999) }, { limit: 62 });
      parts.push([part.deleted, part.more]);
      more = part.more;
    }
    expect(parts).toEqual([
      [62, true],
      [62, true],
      [62, true],
      [62, false],
    ]);
    expect((await kv.delete({ prefix: 'k0' }, { limit: 5 })).more).toBe(false);
    expect((await collect(kv.list({}))).map((entry) => entry.key)).toEqual(['kept']);
    for (const limit of [0, -1, 1.5, Number.NaN, 101, '1' as unknown as number]) {
      expect(await codeOf(() => kv.delete({ all: true }, { limit }))).toBe('KV_INVALID');
    }
    expect(await codeOf(() => kv.delete('kept', { limit: 1 }))).toBe('KV_INVALID');
  });

  test('25,000 keys: refused whole by default, done in parts, done at once where the limit is raised', async () => {
    const count = 25_000;
    await using kv = await filled(place, count);
    const wide = { prefix: 'k' };
    const { revision } = kv;
    const whole: readonly (() => unknown)[] = [
      () => kv.delete(wide),
      () => kv.delete(wide, { previous: true }),
      () => kv.txn({ then: [remove(wide)] }),
      () => kv.write((section) => section.delete(wide)),
      () => kv.namespace('k').delete({ all: true }),
    ];
    for (const call of whole) {
      expect(await failure(call)).toMatchObject({ name: 'KvError', code: 'KV_TOO_LARGE', limit: 20_000 });
    }
    expect([kv.revision, await kv.count({})]).toEqual([revision, count]);
    const parts: number[] = [];
    for (let more: boolean | undefined = true; more;) {
      const part = await kv.delete(wide, { limit: 10_000 });
      parts.push(part.deleted);
      more = part.more;
    }
    expect([parts, await kv.count({})]).toEqual([[10_000, 10_000, 5000], 0]);
  });

  const raised: readonly (readonly [string, (kv: EmbeddedKv) => Promise<number>])[] = [
    ['delete', async (kv) => (await kv.delete({ all: true })).deleted],
    ['delete with limit', async (kv) => (await kv.delete({ all: true }, { limit: 25_000 })).deleted],
    ['delete with previous', async (kv) => (await kv.delete({ all: true }, { previous: true })).previous!.length],
    ['txn', async (kv) => (await kv.txn({ then: [remove({ all: true })] })).results[0]!.deleted],
    ['write', async (kv) => (await kv.write((section) => section.delete({ all: true }))).value],
  ];
  test.each(raised)('a raised limits.maxDeletes holds for %s', async (_, work) => {
    await using kv = await filled(place, 25_000, { limits: { maxDeletes: 25_000 } });
    const { revision } = kv;
    expect([await work(kv), kv.revision, await kv.count({})]).toEqual([25_000, revision + 1, 0]);
  });

  test('a section that caught the refusal goes on, with what it may still delete', async () => {
    await using kv = await open(place(), { limits: { maxDeletes: 10 } });
    await kv.write((section) => {
      for (let i = 0; i < 20; i++) section.put(key(i), 'x');
    });
    const { value } = await kv.write((section) => {
      const codes: unknown[] = [];
      for (const range of [
        { end: key(6) },
        { all: true as const },
        { start: key(6), end: key(10) },
        { start: key(19) },
      ]) {
        try {
          codes.push(section.delete(range));
        } catch (error) {
          codes.push((error as { readonly code?: string }).code);
        }
      }
      return codes;
    });
    expect(value).toEqual([6, 'KV_TOO_LARGE', 4, 'KV_TOO_LARGE']);
    expect(await kv.count({})).toBe(10);
  });

  test('what one deletion takes by default is bounded', async () => {
    await using kv = await filled(place, 20_001);
    expect(await codeOf(() => kv.delete({ all: true }))).toBe('KV_TOO_LARGE');
    await kv.delete(key(7));
    expect(await kv.delete({ all: true })).toMatchObject({ deleted: 20_000 });
  });
});

test.each([10, 1000])('XB8: what a transaction read is compared without reading %i values again', async (count) => {
  const engine = memory();
  const get = engine.get.bind(engine);
  let reads = 0;
  Object.assign(engine, { get: (...asked: Parameters<typeof get>) => (reads++, get(...asked)) });
  await using kv = await open(engine, { cacheBytes: 0 });
  await kv.write((section) => {
    for (let i = 0; i < count; i++) section.put(key(i), 'x'.repeat(1000));
  });
  const attempted = await kv.transaction(async (tx) => {
    reads = 0;
    for (let i = 0; i < count; i++) await tx.get(key(i));
    await tx.get('absent');
    expect(reads).toBe(count);
    await meddle(kv);
    tx.put('mine', 'x');
  });
  expect([attempted.attempts, reads]).toEqual([1, count]);
  // What has changed is found, too: a key of its own, and one that is new.
  for (const changed of [key(3), 'absent']) {
    let runs = 0;
    const { attempts } = await kv.transaction(async (tx) => {
      for (let i = 0; i < count; i++) await tx.get(key(i));
      await tx.get('absent');
      if (++runs === 1) await kv.put(changed, 'y');
      tx.put('mine', 'x');
    });
    expect(attempts).toBe(2);
  }
});

test('XB8: operations that read inside a transaction see its own changes, as before', async () => {
  await using kv = await open(engines[0]![1](), { value: json<number>() });
  await kv.put('c', 0);
  const result = await kv.txn({ then: [put('a', 1), range({}), remove('c'), range({})] });
  expect(result.results.map((one) => ('total' in one ? one.total : -1))).toEqual([-1, 2, -1, 1]);
});
