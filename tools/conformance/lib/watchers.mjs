// @ts-check
/** The watchers of a recording: streams by number, and what each watcher got since the last sync. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toBytes, toEnd, toRecord } from './values.mjs';

const deadlineMs = 20_000;

export class Watchers {
  /** @type {import('@varve/watch').WatchableStore} */
  #store;
  /** @type {Map<number, import('@varve/watch').WatchStream>} */
  #streams = new Map();
  /** Labels, by stream and id. @type {Map<string, string>} */
  #labels = new Map();
  /** @type {Record<string, object[]>} */
  #events = {};
  /** @type {Record<string, object>} */
  #canceled = {};

  /** @param {import('@varve/watch').WatchableStore} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {Record<string, any>} entry */
  watch(entry) {
    let stream = this.#streams.get(entry.stream);
    if (stream === undefined) {
      stream = this.#store.newWatchStream();
      this.#streams.set(entry.stream, stream);
    }
    const { watchId, revision } = stream.watch(toBytes(entry.key), toEnd(entry.end), {
      from: entry.startRev,
      filters: entry.filters,
      previous: entry.prevKv,
      watchId: entry.watchId,
    });
    if (watchId !== entry.watchId) throw new Error(`watcher ${entry.id} got the id ${watchId}`);
    this.#labels.set(`${entry.stream}/${watchId}`, entry.id);
    return { res: { rev: revision } };
  }

  /** @param {Record<string, any>} entry */
  async cancel(entry) {
    await this.#delivered();
    this.#streams.get(entry.stream)?.cancel(entry.watchId);
    return {};
  }

  /** @param {Record<string, any>} entry */
  async close(entry) {
    await this.#delivered();
    this.#streams.get(entry.stream)?.close();
    this.#streams.delete(entry.stream);
    return {};
  }

  async sync() {
    await this.#delivered();
    const events = this.#events;
    const canceled = this.#canceled;
    this.#events = {};
    this.#canceled = {};
    return {
      res: {
        ...(Object.keys(events).length === 0 ? {} : { events }),
        ...(Object.keys(canceled).length === 0 ? {} : { canceled }),
      },
    };
  }

  /** Reads until every watcher is up to date and every queue is empty. */
  async #delivered() {
    const deadline = performance.now() + deadlineMs;
    for (let quiet = 0; quiet < 2;) {
      const took = this.#take();
      const { unsynced, victims, pending } = this.#store.watchStats;
      quiet = took || unsynced + victims + pending > 0 ? 0 : quiet + 1;
      if (performance.now() > deadline) throw new Error(`watchers are not up to date after ${deadlineMs} ms`);
      await sleep(0);
    }
  }

  #take() {
    let took = false;
    for (const [number, stream] of this.#streams) {
      for (let response = stream.poll(); response !== undefined; response = stream.poll()) {
        took = true;
        const label = this.#labels.get(`${number}/${response.watchId}`) ?? `stream ${number}`;
        if (response.type === 'compacted') {
          this.#canceled[label] = { compactRevision: response.compactRevision };
        } else if (response.type === 'events') {
          (this.#events[label] ??= []).push(...response.events.map(toEvent));
        }
      }
    }
    return took;
  }
}

/** @param {import('@varve/watch').Event} event */
function toEvent(event) {
  return {
    ...(event.type === 'delete' ? { type: 1 } : {}),
    kv: toRecord(event.kv),
    ...(event.previous === undefined ? {} : { prevKv: toRecord(event.previous) }),
  };
}
