/**
 * A promise with its two ends; `Promise.withResolvers` is not in Node 20. A rejection that nobody waits for is not
 * reported as unhandled: whoever owns the promise tells it another way.
 */
export class Deferred {
  readonly promise: Promise<void>;
  resolve!: () => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }
}
