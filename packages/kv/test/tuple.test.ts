/** A13: keys of several parts, whose bytes sort as they do; and JSON, which sorts as nothing, is no key. */
import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  bytes,
  json,
  memory,
  open,
  tuple,
  utf8,
  type EmbeddedKv,
  type KeyCodec,
  type Tuple,
  type TupleElement,
} from '../src/index.ts';
import { codeOf, collect, engines, failure } from './helpers.ts';

const codec = tuple();

/** The order that the codec promises, said the slow way. */
function compareTuples(a: Tuple, b: Tuple): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareElements(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

function compareElements(a: TupleElement, b: TupleElement): number {
  const order = Math.sign(rank(a) - rank(b));
  if (order !== 0) return order;
  if (Array.isArray(a)) return compareTuples(a as Tuple, b as Tuple);
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array);
  if (typeof a === 'string') return compareText(a, b as string);
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(element: TupleElement): number {
  const ranks = ['tuple', 'boolean', 'number', 'bigint', 'string', 'bytes'];
  if (Array.isArray(element)) return ranks.indexOf('tuple');
  return ranks.indexOf(element instanceof Uint8Array ? 'bytes' : typeof element);
}

function compareText(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
    if (order !== 0) return Math.sign(order);
  }
  return Math.sign(x.length - y.length);
}

const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\0', '\u0001', '\u0002', 'a', '\uFFFF', '😀') }),
  )
  .filter((string) => (string as unknown as { isWellFormed(): boolean }).isWellFormed());
const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(0, -0, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** 53, Number.MAX_VALUE),
);
const bigint = fc.oneof(
  fc.bigInt(),
  fc.bigInt({ min: -70_000n, max: 70_000n }),
  fc.tuple(fc.nat({ max: 2200 }), fc.constantFrom(-1n, 0n, 1n), fc.boolean()).map(([bits, step, negative]) => {
    const value = (1n << BigInt(bits)) + step;
    return negative ? -value : value;
  }),
);
const byteArray = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.array(fc.constantFrom(0, 1, 2, 0xff), { maxLength: 6 }).map((values) => Uint8Array.from(values)),
);
const { tuples } = fc.letrec<{ tuples: Tuple; element: TupleElement }>((tie) => ({
  tuples: fc.array(tie('element'), { maxLength: 4 }),
  element: fc.oneof({ depthSize: 'small' }, text, number, bigint, fc.boolean(), byteArray, tie('tuples')),
}));

describe('XA13: laws of the tuple codec', () => {
  test('what goes in comes out, to the sign of zero', () => {
    fc.assert(
      fc.property(tuples, (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  test('bytes compare as the tuples do', () => {
    const alike = fc.tuple(tuples, tuples, tuples).map(([a, b, c]): [Tuple, Tuple] => [
      [...a, ...b],
      [...a, ...c],
    ]);
    fc.assert(
      fc.property(fc.oneof(fc.tuple(tuples, tuples), alike), ([a, b]) => {
        expect(Math.sign(Buffer.compare(codec.encode(a), codec.encode(b)))).toBe(compareTuples(a, b));
      }),
      { numRuns: 5000 },
    );
  });

  test('the bytes of a tuple are the prefix of those that begin with it, and of no others', () => {
    const near = fc.tuple(tuples, tuples).map(([a, b]): [Tuple, Tuple] => [a, [...a, ...b]]);
    fc.assert(
      fc.property(fc.oneof(fc.tuple(tuples, tuples), near), ([a, b]) => {
        const begins = a.length <= b.length && compareTuples(a, b.slice(0, a.length)) === 0;
        const [x, y] = [codec.encode(a), codec.encode(b)];
        expect(x.length <= y.length && Buffer.compare(x, y.subarray(0, x.length)) === 0).toBe(begins);
      }),
      { numRuns: 3000 },
    );
  });

  test('decode accepts what encode makes, and nothing else', () => {
    const touched = fc
      .tuple(tuples, fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('set', 'cut', 'put'))
      .map(([value, at, byte, way]): Uint8Array => {
        const encoded = [...codec.encode(value)];
        if (way === 'cut') return Uint8Array.from(encoded.slice(0, at % (encoded.length + 1)));
        encoded.splice(at % (encoded.length + 1), way === 'set' ? 1 : 0, byte);
        return Uint8Array.from(encoded);
      });
    fc.assert(
      fc.property(fc.oneof(touched, byteArray, fc.uint8Array({ maxLength: 20 })), (stored) => {
        let value: Tuple;
        try {
          value = codec.decode(stored);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        expect(Buffer.compare(codec.encode(value), stored)).toBe(0);
      }),
      { numRuns: 5000 },
    );
  });

  test('bigints of any size, around every length that is written differently', () => {
    const values = [1, 2, 247, 248, 249, 255, 256, 257, 65_535, 65_536].flatMap((length) => {
      const edge = 1n << BigInt(8 * length);
      return [-edge, 1n - edge, edge - 1n, edge];
    });
    const sorted = [...values, 0n, 1n, -1n].toSorted((a, b) => (a < b ? -1 : 1));
    const encoded = sorted.map((value) => codec.encode([value]));
    expect(encoded.map((stored) => codec.decode(stored)[0])).toEqual(sorted);
    expect(encoded.toSorted((a, b) => Buffer.compare(a, b))).toEqual(encoded);
  });
});

test('XA13: what has no place in the order is refused, by name and before anything changes', async () => {
  await using kv = await open(memory(), { key: tuple() });
  const endless: unknown[] = [];
  endless.push(endless);
  const wrong: readonly [unknown, RegExp][] = [
    [[Number.NaN], /NaN/],
    [['a', undefined], /not undefined/],
    [[null], /not null/],
    [[new Date()], /not a Date/],
    [[{}], /not an object/],
    [Object.assign([], { 1: 'a' }), /not undefined/],
    [endless, /nested deeper/],
    ['text', /must be a tuple/],
    [7, /must be a tuple, an array such as/],
    [[], /must not be empty/],
  ];
  for (const [key, message] of wrong) {
    const error = await failure(() => kv.put(key as Tuple, 'x'));
    expect(error).toMatchObject({ code: 'KV_INVALID' });
    expect(error.message).toMatch(message);
  }
  expect(await codeOf(() => kv.put(['\uD800'], 'x'))).toBe('KV_ENCODE');
  expect(kv.revision).toBe(1);
});

describe.each(engines)('XA13: on %s', (_engine, place) => {
  test('numbers sort as numbers, and the first parts are a range, a name space and a watch', async () => {
    await using kv = await open(place(), { key: tuple(), value: json<number>() });
    const watch = kv.watch({ prefix: ['user', 9] });
    const ids = [100, -1, 9, 10, 2.5, Infinity];
    for (const id of ids) for (const part of ['name', 'age']) await kv.put(['user', id, part], id);
    await kv.put(['user'], 0);
    await kv.put(['user\0', 9], 0);
    await kv.put(['users', 9], 0);
    const listed = await collect(kv.list({ prefix: ['user'] }));
    expect(listed.map(({ key }) => key[1])).toEqual([
      undefined,
      ...[-1, 2.5, 9, 10, 100, Infinity].flatMap((id) => [id, id]),
    ]);
    expect((await collect(kv.list({ start: ['user', 9], end: ['user', 11] }))).map(({ value }) => value)).toEqual([
      9, 9, 10, 10,
    ]);
    expect((await collect(watch, 2)).map(({ key }) => key)).toEqual([
      ['user', 9, 'name'],
      ['user', 9, 'age'],
    ]);
    const nine = kv.namespace(['user', 9]);
    expect((await collect(nine.list({}))).map(({ key }) => key)).toEqual([['age'], ['name']]);
    const { next } = await kv.page({ prefix: ['user'] }, { limit: 3 });
    expect((await kv.page({ prefix: ['user'] }, { limit: 1, cursor: next })).entries[0]?.key).toEqual([
      'user',
      2.5,
      'age',
    ]);
    expect(await kv.delete({ prefix: ['user', 100] })).toMatchObject({ deleted: 2 });
  });

  test('json is no key: refused at once, by the types as well, also in disguise', async () => {
    // @ts-expect-error json keeps no order
    const error = await failure(() => open(place(), { key: json() }));
    expect(error).toMatchObject({ code: 'KV_INVALID' });
    expect(error.message).toMatch(/json.*values only.*tuple/);
    // @ts-expect-error a copy of it keeps none either
    expect(await codeOf(() => open(place(), { key: { ...json<string>() } }))).toBe('KV_INVALID');
    // @ts-expect-error nor does one that says so
    const disguised: KeyCodec<string> = json<string>();
    expect(await codeOf(() => open(place(), { key: disguised }))).toBe('KV_INVALID');
    await using kv = await open(place(), { key: utf8, value: json<{ a: number }>() });
    await kv.put('a', { a: 1 });
    expect((await kv.get('a'))?.value).toEqual({ a: 1 });
  });
});

test('XA13: the types of tuples', () => {
  expectTypeOf(tuple()).toEqualTypeOf<KeyCodec<readonly TupleElement[]>>();
  const typed = async (): Promise<void> => {
    const kv = await open(memory(), { key: tuple<string | number>() });
    expectTypeOf(kv).toEqualTypeOf<EmbeddedKv<readonly (string | number)[]>>();
    await kv.put(['a', 1], 'x');
    // @ts-expect-error no booleans there
    await kv.put(['a', true], 'x');
    kv.list({ prefix: ['a'] });
  };
  expectTypeOf(typed).toBeFunction();
  expectTypeOf(bytes).toEqualTypeOf<KeyCodec<Uint8Array>>();
});
