/**
 * Large bytes and long work taken apart, for who prints: a text of a value's size may be more than the language allows.
 */

const PIECE = 65_536;

/** The bytes in views of 64 KiB at most; none for no bytes. */
export function* piecesOf(bytes: Buffer): IterableIterator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** The result of work in steps, where nothing else waits for the thread. */
export function withoutPauses<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
