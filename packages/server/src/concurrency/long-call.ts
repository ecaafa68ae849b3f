/**
 * A call that waits for others, as the services below see it: one that makes many small calls of its own.
 *
 * SVLW1  What one of them has hung up on the end of the client is taken down when it is over: a call that goes on for days keeps
 *     nothing of them (law 9).
 */
import { signalOf, type AnyCall } from '../rpc/calls.ts';

export class LongCall implements AnyCall {
  readonly metadata: AnyCall['metadata'];
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  readonly #call: AnyCall;
  readonly #listeners: Set<() => void> = new Set();

  constructor(call: AnyCall) {
    this.#call = call;
    this.metadata = call.metadata;
    this.signal = signalOf(call);
    this.signal.addEventListener('abort', () => {
      for (const listener of this.#listeners) listener();
    });
  }

  get cancelled(): boolean {
    return this.signal.aborted;
  }

  getAuthContext(): ReturnType<AnyCall['getAuthContext']> {
    return this.#call.getAuthContext();
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  once(_event: 'cancelled', listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Runs a call of its own. */
  async run<T>(act: (call: AnyCall) => Promise<T>): Promise<T> {
    try {
      return await act(this);
    } finally {
      this.#listeners.clear();
    }
  }
}
