/**
 * A promise that its maker settles later; `Promise.withResolvers` is not in Node 20.
 *
 * DEF1  A rejection that nobody waits for is not reported as unhandled: whoever owns the promise tells it another way (R15).
 */

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
