/**
 * The body of a synchronous section must not return a promise: what comes after its first `await` would run outside of it.
 *
 * SYN1  A refused promise's own failure is nobody's: it is not reported as unhandled.
 */

/** True for promises of any realm, and whatever else an `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return 'then' in value && typeof value.then === 'function';
}

/**
 * @param refusal makes the error of what is thrown
 * @throws what `refusal` makes, for a promise
 */
export function refusePromise(result: unknown, refusal: () => Error): void {
  if (!isThenable(result)) return;
  result.then(undefined, () => undefined);
  throw refusal();
}
