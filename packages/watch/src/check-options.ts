/**
 * Checks of options: whoever gives wrong ones hears of it before anything is done. Messages name the option, never its value.
 */

/** @throws TypeError for what is no plain object: a signal or an array would be silently without effect */
export function checkIsOptions(options: unknown): void {
  if (Object.prototype.toString.call(options) !== '[object Object]') throw new TypeError('options must be an object');
}

/** As `checkIsOptions`. @throws TypeError for a name that nobody knows, too */
export function checkNames(options: object, names: readonly string[]): void {
  checkIsOptions(options);
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(`options: there is no ${JSON.stringify(name)}; known are ${names.join(', ')}`);
  }
}

/** Whether it is an AbortSignal, of this realm or of another: told by what is used of it. */
export function isSignal(signal: unknown): boolean {
  if (signal instanceof AbortSignal) return true;
  const like = signal as Partial<AbortSignal> | null;
  return typeof like?.aborted === 'boolean' && typeof like.addEventListener === 'function';
}
