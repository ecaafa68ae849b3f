/** Checks of arguments, and the one step in byte order that ranges need. */

/** @throws TypeError for anything but a Uint8Array */
export function checkBytes(bytes: Uint8Array, field: string): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${field} must be a Uint8Array`);
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

/** @throws RangeError unless absent or an integer of at least `least` */
export function checkCount(value: number | undefined, least: number, field: string): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
    throw new RangeError(`${field} must be an integer of at least ${least}`);
  }
}
