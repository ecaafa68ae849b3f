/**
 * Checks of arguments and options: whoever gives wrong ones hears of it before anything is done.
 *
 * OPT1  An unknown name is refused: a misspelt option must not be silently without effect.
 * OPT2  Absent and `undefined` are the same.
 * OPT3  Messages name the argument and what it may be, never its value (R3).
 * OPT4  A wrong kind of value is a TypeError, a value out of bounds a RangeError; a package that has errors of its own for
 *       them passes what makes them.
 */

/** Makes the errors of what is thrown. */
export interface Faults {
  readonly type: (message: string) => Error;
  readonly range: (message: string) => Error;
}

const plain: Faults = {
  type: (message) => new TypeError(message),
  range: (message) => new RangeError(message),
};

/** What a value must be. */
export interface Rule {
  /** As the end of `X must be ...`. */
  readonly what: string;
  readonly isKind: (value: unknown) => boolean;
  /** Of a value of the right kind; absent: there are no bounds. */
  readonly isWithin?: ((value: never) => boolean) | undefined;
}

/** One rule for each option of `T`. */
export type Rules<T> = { readonly [Name in keyof Required<T>]: Rule };

export const isBoolean: Rule = { what: 'true or false', isKind: (value) => typeof value === 'boolean' };

export const isFunction: Rule = { what: 'a function', isKind: (value) => typeof value === 'function' };

export const isBytes: Rule = { what: 'a Uint8Array', isKind: (value) => value instanceof Uint8Array };

/** Of any realm, as test environments have them: told by what is used of it. */
export const isSignal: Rule = {
  what: 'an AbortSignal',
  isKind: (value) => {
    if (value instanceof AbortSignal) return true;
    const like = value as Partial<AbortSignal> | null;
    return (
      typeof like?.aborted === 'boolean' &&
      typeof like.throwIfAborted === 'function' &&
      typeof like.addEventListener === 'function'
    );
  },
};

export const isPath: Rule = {
  what: 'a text that is not empty and has no zero character',
  isKind: (value) => typeof value === 'string',
  isWithin: (path: string) => path !== '' && !path.includes('\0'),
};

/** One of some words. */
export function isOneOf(...words: readonly string[]): Rule {
  return { what: `one of ${words.join(', ')}`, isKind: (value) => words.includes(value as string) };
}

/** A number for which `isWithin` is true. */
export function isNumber(what: string, isWithin: (value: number) => boolean): Rule {
  return { what, isKind: (value) => typeof value === 'number', isWithin };
}

/** A whole number between two bounds, both included. */
export function isInteger(least: number, most: number = Number.MAX_SAFE_INTEGER): Rule {
  const bounds = most === Number.MAX_SAFE_INTEGER ? `, at least ${least}` : ` from ${least} to ${most}`;
  return isNumber(`a whole number${bounds}`, (value) => Number.isSafeInteger(value) && value >= least && value <= most);
}

/** @throws TypeError, RangeError unless the value is what the rule says */
export function check(value: unknown, field: string, rule: Rule, faults: Faults = plain): void {
  if (!rule.isKind(value)) throw faults.type(`${field} must be ${rule.what}`);
  if (rule.isWithin?.(value as never) === false) throw faults.range(`${field} must be ${rule.what}`);
}

/** As `check`, where absent is fine. */
export function checkOptional(value: unknown, field: string, rule: Rule, faults: Faults = plain): void {
  if (value !== undefined) check(value, field, rule, faults);
}

/** As `check` with `isBytes`, which is asked of every key. */
export function checkBytes(value: unknown, field: string, faults: Faults = plain): void {
  if (!(value instanceof Uint8Array)) throw faults.type(`${field} must be a Uint8Array`);
}

/** @throws TypeError for `null` and whatever else has no fields: JavaScript's own message names neither */
export function checkHasFields(options: object, faults: Faults = plain): void {
  if (typeof options !== 'object' || options === null) throw faults.type('options must be an object');
}

/**
 * @param where what the names belong to, for messages
 * @throws TypeError for a name that is not among `names`, and for what is no plain object: a signal or a promise given
 * for options has no names of its own, and would be silently without effect
 */
export function checkNames(
  options: object,
  names: readonly string[],
  where: string = 'options',
  faults: Faults = plain,
): void {
  checkPlain(options, where, faults);
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw faults.type(`${where}: there is no ${JSON.stringify(name)}; known are ${names.join(', ')}`);
  }
}

/** @throws TypeError for what is no plain object; told by its tag, which other realms share */
export function checkPlain(options: object, where: string = 'options', faults: Faults = plain): void {
  if (Object.prototype.toString.call(options) !== '[object Object]') throw faults.type(`${where} must be an object`);
}

/** Names and values at once. @throws TypeError, RangeError */
export function checkOptions<T extends object>(options: T, rules: Rules<T>, faults: Faults = plain): void {
  checkNames(options, Object.keys(rules), 'options', faults);
  for (const [name, rule] of Object.entries<Rule>(rules)) {
    checkOptional((options as Readonly<Record<string, unknown>>)[name], name, rule, faults);
  }
}
