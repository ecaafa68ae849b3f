/**
 * Who has work left when the event loop runs empty: a program that ends by itself loses nothing that it was answered.
 *
 * LC1  Node says `beforeExit` when nothing keeps the process alive any more, and goes on if that starts something. It
 *      says nothing of the kind for `process.exit`, a signal or a crash.
 * LC2  One listener, whatever the number of stores, and none while nobody has work left.
 * LC3  Whoever comes while Node is saying it, from a listener of the program's own, is heard the next time: the turn that it
 *      asks for keeps the process alive until then.
 * LC4  A work that fails is an unhandled rejection: nobody else is left who could tell.
 *
 * A timer that keeps the process alive does not work: with an interval of an hour, a program would take an hour to end.
 */
import * as timers from 'node:timers';

const { setImmediate } = timers; // taken once, as the rest of Node's clock
const works = new Set<() => Promise<void>>();

/** Runs `work` each time the event loop runs empty, until the function it gives is called. */
export function onLastCall(work: () => Promise<void>): () => void {
  if (works.size === 0) process.on('beforeExit', callAll);
  works.add(work);
  setImmediate(() => undefined);
  return () => {
    if (works.delete(work) && works.size === 0) process.off('beforeExit', callAll);
  };
}

function callAll(): void {
  for (const work of works) void work();
}
