/**
 * A clock made of what every host has, browsers and workers among them.
 *
 * PCL1  All of it is taken once, when this file is loaded, as Node's is.
 * PCL2  A turn is a message to oneself where there are messages: browsers let no timer inside a timer be shorter than 4 ms.
 * PCL3  There is no process to keep alive, and none that ends by itself: what only Node can say is nothing here.
 */
import { onAbort } from '../abort.ts';
import type { Clock } from '../clock.ts';

/** What browsers have of it; Node's own types know its port by other names. */
interface Channel {
  readonly port1: { onmessage: (() => void) | null };
  readonly port2: { postMessage(message: undefined): void };
}

const { setTimeout, clearTimeout, performance } = globalThis;
const unixMs = Date.now;
const steadyMs = typeof performance?.now === 'function' ? performance.now.bind(performance) : undefined;
const { MessageChannel } = globalThis as unknown as { readonly MessageChannel?: new () => Channel };

const longestMs = 0x7fffffff;
const nothing = (): void => undefined;

/** The clock of this host. */
export function portableClock(): Clock {
  const soon = turns();
  return {
    now: steadyMs ?? steadyClock(),
    unixMs,
    soon,
    turn: () => new Promise((resolve) => soon(resolve)),
    after(ms, work) {
      const timer = setTimeout(work, Math.min(ms, longestMs));
      return () => clearTimeout(timer);
    },
    every(ms, work) {
      const again = (): void => {
        timer = setTimeout(again, Math.min(ms, longestMs));
        work();
      };
      let timer = setTimeout(again, Math.min(ms, longestMs));
      return () => clearTimeout(timer);
    },
    pause,
    keepAlive: () => nothing,
    onLastCall: () => nothing,
  };
}

function turns(): Clock['soon'] {
  if (typeof MessageChannel !== 'function') return (work) => void setTimeout(work, 0);
  const { port1, port2 } = new MessageChannel();
  let waiting: (() => void)[] = [];
  port1.onmessage = () => {
    const ready = waiting;
    waiting = [];
    let at = 0;
    try {
      while (at < ready.length) ready[at++]!();
    } finally {
      // One that throws must not take the others with it.
      if (at < ready.length) {
        waiting = [...ready.slice(at), ...waiting];
        port2.postMessage(undefined);
      }
    }
  };
  return (work) => {
    if (waiting.push(work) === 1) port2.postMessage(undefined);
  };
}

/** Only forward, where the only clock there is may be set back. */
function steadyClock(): () => number {
  let last = unixMs();
  let behind = 0;
  return () => {
    const now = unixMs() + behind;
    if (now < last) {
      behind += last - now;
      return last;
    }
    last = now;
    return now;
  };
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      letGo?.();
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, longestMs));
    // Many may wait with one signal.
    const letGo = signal && onAbort(signal, end);
  });
}
