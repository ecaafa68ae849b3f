/**
 * Options, checked before anything happens.
 *
 * OPT1  An unknown name is refused: a misspelt `readOnly` must not open for writing. Messages name the option and what it may
 *       be, never its value.
 * OPT2  Absent and `undefined` are the same.
 */

/** What is wrong with a value: nothing, or what it must be. */
export type OptionRule = (value: unknown) => Error | undefined;

/** One rule for each option of `T`. */
export type OptionRules<T> = { readonly [Name in keyof Required<T>]: OptionRule };

/** @throws TypeError, RangeError */
export function checkOptions<T extends object>(options: T, rules: OptionRules<T>): void {
  // By its tag: a signal given for options has no names of its own and would be without effect.
  if (Object.prototype.toString.call(options) !== '[object Object]') throw new TypeError('options must be an object');
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(rules, name)) continue;
    throw new TypeError(`options: there is no ${JSON.stringify(name)}; known are ${Object.keys(rules).join(', ')}`);
  }
  for (const [name, rule] of Object.entries<OptionRule>(rules)) {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name];
    const wrong = value === undefined ? undefined : rule(value);
    if (wrong === undefined) continue;
    wrong.message = `${name} must be ${wrong.message}`;
    throw wrong;
  }
}

/** True or false. */
export const isBoolean: OptionRule = (value) =>
  typeof value === 'boolean' ? undefined : new TypeError('true or false');

/** Something to call. */
export const isCallback: OptionRule = (value) =>
  typeof value === 'function' ? undefined : new TypeError('a function');

/** An AbortSignal of any realm. */
export const isSignal: OptionRule = (value) =>
  value instanceof AbortSignal || Object.prototype.toString.call(value) === '[object AbortSignal]'
    ? undefined
    : new TypeError('an AbortSignal');

/** A number for which `holds` is true. */
export function isNumber(what: string, holds: (value: number) => boolean): OptionRule {
  return (value) => {
    if (typeof value !== 'number') return new TypeError(what);
    return holds(value) ? undefined : new RangeError(what);
  };
}

/** Bytes of memory, 0 and no bound included. */
export const isByteCount: OptionRule = isNumber('a number of bytes, not negative', (bytes) => bytes >= 0);

/** Bytes of one piece. */
export const isChunkSize: OptionRule = isNumber(
  'a whole number of bytes, at least 1',
  (bytes) => Number.isSafeInteger(bytes) && bytes > 0,
);

/** How full pages are made. */
export const isFillPercent: OptionRule = isNumber('between 0.1 and 1', (part) => part >= 0.1 && part <= 1);

/** The counter of a bucket. */
export const isSequence: OptionRule = (value) => {
  if (typeof value !== 'bigint') return new TypeError('a bigint');
  return value >= 0n && value < 2n ** 64n ? undefined : new RangeError('an unsigned 64-bit number');
};

/** One of some words. */
export function isOneOf(...words: readonly string[]): OptionRule {
  const what = `one of ${words.join(', ')}`;
  return (value) => (words.includes(value as string) ? undefined : new TypeError(what));
}

/** @throws TypeError */
export function checkPath(value: unknown, name: string): void {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return;
  throw new TypeError(`${name} must be a text that is not empty and has no zero character`);
}

/** @throws TypeError */
export function checkBody(body: unknown): void {
  if (typeof body !== 'function') throw new TypeError('the body of a write must be a function');
}
