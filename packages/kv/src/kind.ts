/** What something is, in words for a message that must not quote it (R3). */
import { types } from 'node:util';

/** `a number`, `a Buffer`, `an array` ... */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (Array.isArray(value)) return 'an array';
  if (Buffer.isBuffer(value)) return 'a Buffer';
  if (types.isUint8Array(value)) return 'a Uint8Array';
  if (types.isPromise(value)) return 'a promise';
  if (types.isDate(value)) return 'a Date';
  if (types.isMap(value)) return 'a Map';
  if (types.isSet(value)) return 'a Set';
  return 'an object';
}

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
