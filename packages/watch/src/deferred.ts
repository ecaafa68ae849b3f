/** A promise that its maker settles later. */
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
  return { promise, resolve, reject };
}

/** Rejects, also where nobody listens: that is no unhandled rejection (R15). */
export function rejectQuietly<T>(waiter: Deferred<T>, reason: unknown): void {
  waiter.promise.catch(() => undefined);
  waiter.reject(reason);
}
