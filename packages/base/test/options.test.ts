/** XB6, R3: wrong arguments are refused by name, in one vocabulary, and their values are never repeated. */
import { expect, test } from 'vitest';
import {
  check,
  checkBytes,
  checkHasFields,
  checkNames,
  checkOptional,
  checkOptions,
  isBoolean,
  isBytes,
  isFunction,
  isInteger,
  isNumber,
  isOneOf,
  isPath,
  isSignal,
  type Rule,
} from '../src/options.ts';

const secret = 'secret';
const signalLike = { aborted: false, throwIfAborted: () => undefined, addEventListener: () => undefined };

test.each<[rule: Rule, right: readonly unknown[], kind: readonly unknown[], range: readonly unknown[], what: string]>([
  [isBoolean, [true, false], [0, 'true', null, {}], [], 'true or false'],
  [isFunction, [() => 1, Map], [null, {}, secret], [], 'a function'],
  [isBytes, [new Uint8Array(1), Buffer.from('a')], [secret, [], new Uint16Array(1)], [], 'a Uint8Array'],
  [
    isSignal,
    [new AbortController().signal, AbortSignal.abort(), signalLike],
    [null, {}, { aborted: false }],
    [],
    'an AbortSignal',
  ],
  [
    isPath,
    ['a', 'a/b'],
    [null, 7, Buffer.from('a')],
    ['', 'a\0b'],
    'a text that is not empty and has no zero character',
  ],
  [isOneOf('a', 'b'), ['a', 'b'], ['c', 'toString', null, ['a']], [], 'one of a, b'],
  [
    isInteger(1),
    [1, 2 ** 53 - 1],
    ['1', null, 1n],
    [0, 1.5, Number.NaN, 2 ** 53, Infinity],
    'a whole number, at least 1',
  ],
  [isInteger(0, 9), [0, 9], ['1'], [-1, 10, 0.5], 'a whole number from 0 to 9'],
  [isNumber('below 1', (value) => value < 1), [0, -1], ['0', null], [1, Number.NaN], 'below 1'],
])('XB6, R3: %o', (rule, right, kind, range, what) => {
  for (const value of right) check(value, 'field', rule);
  for (const value of kind) expect(() => check(value, 'field', rule)).toThrow(new TypeError(`field must be ${what}`));
  for (const value of range) expect(() => check(value, 'field', rule)).toThrow(new RangeError(`field must be ${what}`));
  checkOptional(undefined, 'field', rule);
  expect(() => check(undefined, 'field', rule)).toThrow(TypeError);
});

test('XB6: options: unknown names, no objects, wrong values; absent and undefined are the same', () => {
  const rules = { limit: isInteger(1), signal: isSignal };
  interface Options {
    readonly limit?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }
  const wrong =
    (options: unknown): (() => void) =>
    () =>
      checkOptions<Options>(options as Options, rules);
  checkOptions<Options>({}, rules);
  checkOptions<Options>({ limit: undefined, signal: undefined }, rules);
  checkOptions<Options>(Object.assign(Object.create(null) as object, { limit: 1 }), rules);
  for (const none of [null, undefined, 7, secret, [], new AbortController().signal, Promise.resolve()]) {
    expect(wrong(none)).toThrow(new TypeError('options must be an object'));
  }
  expect(wrong({ limits: 1 })).toThrow(new TypeError('options: there is no "limits"; known are limit, signal'));
  expect(wrong({ limit: 0 })).toThrow(new RangeError('limit must be a whole number, at least 1'));
  expect(wrong({ signal: null })).toThrow(new TypeError('signal must be an AbortSignal'));
});

test('a package’s own errors come from what it passes', () => {
  class Ours extends Error {}
  const faults = {
    type: (text: string) => new Ours(`type ${text}`),
    range: (text: string) => new Ours(`range ${text}`),
  };
  expect(() => check('1', 'a', isInteger(1), faults)).toThrow(new Ours('type a must be a whole number, at least 1'));
  expect(() => check(0, 'a', isInteger(1), faults)).toThrow(new Ours('range a must be a whole number, at least 1'));
  expect(() => checkBytes('a', 'key', faults)).toThrow(new Ours('type key must be a Uint8Array'));
  expect(() => checkHasFields(null as never, faults)).toThrow(new Ours('type options must be an object'));
  expect(() => checkNames({ b: 1 }, ['a'], 'limits', faults)).toThrow(
    new Ours('type limits: there is no "b"; known are a'),
  );
});
