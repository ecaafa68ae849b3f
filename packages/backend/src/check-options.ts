/** Checks of arguments: whoever gives a wrong one hears of it before anything is done. */

/** @throws TypeError for `null` and whatever else has no fields: JavaScript's own message names neither */
export function checkOptions(options: object): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
}

/** @throws TypeError unless absent or an AbortSignal */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal');
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
