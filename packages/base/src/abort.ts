/**
 * Listening to the caller's abort signals: one listener a signal, however many calls share it.
 *
 * AB1 A signal that a server keeps for its lifetime may go with thousands of calls. Each with a listener of its own would
 *     make Node warn of a leak at the eleventh.
 * AB2 The last call that lets go takes the listener off: nothing is left on the signal (R11).
 */

const shared = new WeakMap<AbortSignal, SharedListener>();

/** Calls `follower` once when the signal is aborted, unless the function it returns was called first. */
export function onAbort(signal: AbortSignal, follower: () => void): () => void {
  const listener = shared.get(signal) ?? new SharedListener(signal);
  return listener.add(follower);
}

/** Waits for the work or the signal, whichever comes first; the work goes on. */
export async function until<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let letGo = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    letGo = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    letGo();
  }
}

class SharedListener {
  readonly #signal: AbortSignal;
  /** Objects of their own, so that one function may follow twice. */
  readonly #followers: Set<{ readonly follower: () => void }> = new Set();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    shared.set(signal, this);
    signal.addEventListener('abort', this.#aborted);
  }

  add(follower: () => void): () => void {
    const entry = { follower };
    this.#followers.add(entry);
    return () => {
      if (this.#followers.delete(entry) && this.#followers.size === 0) this.#release();
    };
  }

  readonly #aborted = (): void => {
    this.#release();
    for (const entry of this.#followers) {
      this.#followers.delete(entry);
      entry.follower();
    }
  };

  #release(): void {
    if (shared.get(this.#signal) === this) shared.delete(this.#signal);
    this.#signal.removeEventListener('abort', this.#aborted);
  }
}
