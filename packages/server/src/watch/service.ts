/**
 * The Watch service: one call is one stream of the store, with any number of watchers.
 *
 * SVVS1  The client's requests are carried out in their order, each in one step: a watcher is registered, and its `created` is on
 *     the way, before any event of it can be (spec watch.md 9.1).
 * SVVS2  One timer serves all watchers that want to hear of progress; it is there while one does.
 */
import { watchService, type WatchRequest } from '@varve/etcd-api';
import { every } from '../clock.ts';
import type { Turns } from '../fair/turns.ts';
import type { Calls } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { WatchCall, type Outgoing } from './watch-call.ts';

export function registerWatch(calls: Calls, state: ServerState, turns: Turns): void {
  const progress = new ProgressTimer(state.limits.progressIntervalMs);
  const { path, requestDeserialize: read } = watchService.watch;
  const write = (outgoing: Outgoing): Buffer => outgoing();
  calls.bidi<WatchRequest, Outgoing>({ path, read, write }, async (call) => {
    const one = new WatchCall(call, { state, progress, turns });
    await one.run();
  });
}

export class ProgressTimer {
  readonly #everyMs: number;
  readonly #wanting: Set<() => void> = new Set();
  #stop: (() => void) | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Calls `tick` now and then, until the function it returns is called. */
  add(tick: () => void): () => void {
    this.#wanting.add(tick);
    this.#stop ??= every(this.#everyMs, () => {
      for (const one of this.#wanting) one();
    });
    return () => {
      this.#wanting.delete(tick);
      if (this.#wanting.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }
}
