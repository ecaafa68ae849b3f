/** What something is, also when another realm made it; in words for a message that must not quote it (R3). */

/** `a number`, `a Buffer`, `an array` ... */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (Array.isArray(value)) return 'an array';
  if (isUint8Array(value)) return value.constructor.name === 'Buffer' ? 'a Buffer' : 'a Uint8Array';
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (tag === 'Promise') return 'a promise';
  return tag === 'Date' || tag === 'Map' || tag === 'Set' ? `a ${tag}` : 'an object';
}

/** True for `Uint8Array`s of any realm, and for nothing that only says it is one. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || Reflect.get(typedArrays, Symbol.toStringTag, value) === 'Uint8Array';
}

/** What all typed arrays inherit; its tag is the kind of the array that asks, and `undefined` for anything else. */
const typedArrays = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** True for promises of any realm, and whatever else an `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as Partial<PromiseLike<unknown>>).then === 'function';
}

/** True for objects that were written down as such, `{ ... }`, in this realm or another, and for those without prototype. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // Another realm's Object.prototype: the one prototype that has none itself and names plain objects.
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype as object, 'isPrototypeOf') &&
    Object.prototype.toString.call(value) === '[object Object]'
  );
}
