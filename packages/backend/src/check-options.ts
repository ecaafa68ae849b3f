/**
 * Checks of arguments: whoever gives a wrong one hears of it before anything is done. Messages name the argument and what it
 * may be, never its value (R3).
 */

/** @throws TypeError for `null` and whatever else has no fields: JavaScript's own message names neither */
export function checkOptions(options: object): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
}

/**
 * A name that nobody knows is refused: a misspelt option must not be silently without effect.
 * @throws TypeError for a name that is not among `names`, and for what is no plain object: a signal has no names of its own
 */
export function checkNames(options: object, names: readonly string[]): void {
  if (Object.prototype.toString.call(options) !== '[object Object]') throw new TypeError('options must be an object');
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(`options: there is no ${JSON.stringify(name)}; known are ${names.join(', ')}`);
  }
}

/** @throws TypeError unless absent or an AbortSignal, of any realm: told by what is used of it */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const like: Partial<AbortSignal> | null = signal;
  const fits =
    typeof like?.aborted === 'boolean' &&
    typeof like.throwIfAborted === 'function' &&
    typeof like.addEventListener === 'function';
  if (!fits) throw new TypeError('signal must be an AbortSignal');
}

/** @throws TypeError, RangeError for anything but a path */
export function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw new TypeError('path must be a string');
  if (path === '' || path.includes('\0')) throw new RangeError('path must not be empty or contain a zero byte');
}

/** @throws TypeError unless absent or a function */
export function checkFunction(value: unknown, field: string): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${field} must be a function`);
}

/** @throws TypeError for anything but bytes */
export function checkBytes(value: unknown, field: string): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${field} must be a Uint8Array`);
}

/** @throws TypeError unless absent or a boolean */
export function checkBoolean(value: unknown, field: string): void {
  if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${field} must be a boolean`);
}

/** @throws TypeError, RangeError for anything but a whole number from `least` to `most` */
export function checkInteger(value: number, field: string, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`${field} must be a number`);
  if (!(Number.isSafeInteger(value) && value >= least && value <= most)) {
    throw new RangeError(`${field} must be a whole number from ${least} to ${most}`);
  }
}
