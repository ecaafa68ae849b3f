/** Checks of arguments, and the one step in byte order that ranges need. */
import type { Backend } from '@varve/backend';

/** @throws TypeError for what is no Backend */
export function checkBackend(backend: Backend): void {
  if (typeof backend === 'object' && backend !== null && typeof backend.batchTx === 'function') return;
  throw new TypeError('backend must be a Backend: what openBackend gives');
}

/** @throws TypeError for anything but a Uint8Array */
export function checkBytes(bytes: Uint8Array, field: string): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${field} must be a Uint8Array`);
}

/** Negative, zero, positive: `a` before, equal to, after `b`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** @throws TypeError unless absent or a boolean */
export function checkFlag(value: boolean | undefined, field: string): void {
  if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${field} must be a boolean`);
}

/** @throws TypeError unless absent or an AbortSignal, of any realm: told by what is used of it */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const like = signal as Partial<AbortSignal> | null;
  const fits =
    typeof like?.aborted === 'boolean' &&
    typeof like.throwIfAborted === 'function' &&
    typeof like.addEventListener === 'function';
  if (!fits) throw new TypeError('signal must be an AbortSignal');
}

/** @throws TypeError unless absent or a Uint8Array */
export function checkEnd(end: Uint8Array | undefined): void {
  if (end !== undefined) checkBytes(end, 'end');
}

/** The first key behind `key`. */
export function after(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** @throws TypeError for `null` and whatever else has no fields */
export function checkOptions(options: object): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
}

/**
 * A name that nobody knows is refused: a misspelt option must not be silently without effect.
 * @throws TypeError for such a name, and for what is no plain object: a signal has no names of its own
 */
export function checkNames(options: object, names: readonly string[]): void {
  if (Object.prototype.toString.call(options) !== '[object Object]') throw new TypeError('options must be an object');
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(`options: there is no ${JSON.stringify(name)}; known are ${names.join(', ')}`);
  }
}

/** @throws RangeError unless absent or an integer of at least `least` */
export function checkCount(value: number | undefined, least: number, field: string): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
    throw new RangeError(`${field} must be an integer of at least ${least}`);
  }
}
