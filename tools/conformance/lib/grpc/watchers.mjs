// @ts-check
/** The watch streams of a recording, against a live server: who got what since the last sync. */
import { isDeepStrictEqual } from 'node:util';

/** @typedef {Record<string, any>} Json */

/** How long an answer may take that has to come, and one that must not; and when progress is asked for again, which etcd does not always answer. */
const PATIENCE_MS = 60_000;
const SILENCE_MS = 200;
const AGAIN_MS = 2000;
/** More than two rounds of etcd's loop that reads history for watchers. */
const CATCH_UP_MS = 250;

class Stream {
  /** Labels by watch id. @type {Map<number, string>} */
  labels = new Map();
  /** Messages without events, in order, by what they answer: one that comes late is not taken for the answer to something else. */
  #controls = {
    created: /** @type {Json[]} */ ([]),
    canceled: /** @type {Json[]} */ ([]),
    progress: /** @type {Json[]} */ ([]),
  };
  /** Watchers that a compaction has ended. @type {Set<number>} */
  compacted = new Set();
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {ReturnType<import('./client.mjs').GrpcClient['watch']>} */
  call;
  #all;

  /**
   * @param {import('./client.mjs').GrpcClient} client
   * @param {Watchers} all
   */
  constructor(client, all) {
    this.#all = all;
    this.call = client.watch((answer) => this.#take(answer));
  }

  /** @param {Json} answer */
  #take(answer) {
    const { watchId = 0, events, compactRevision, ...rest } = answer;
    const label = this.labels.get(watchId);
    if (events !== undefined) this.#all.add(label ?? `unknown ${watchId}`, events);
    else if (compactRevision !== undefined) {
      this.compacted.add(watchId);
      this.#all.cancel(label ?? `unknown ${watchId}`, compactRevision);
    } else {
      const kind = rest['created'] === true ? 'created' : rest['canceled'] === true ? 'canceled' : 'progress';
      this.#controls[kind].push(watchId === 0 ? rest : { ...rest, watchId });
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /**
   * The next message of that kind, or undefined.
   * @param {'created' | 'canceled' | 'progress'} kind
   * @param {number} patienceMs
   */
  async next(kind, patienceMs) {
    const end = performance.now() + patienceMs;
    while (this.#controls[kind].length === 0) {
      const left = end - performance.now();
      if (left <= 0) return undefined;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve(undefined);
        });
      });
    }
    return this.#controls[kind].shift();
  }
}

export class Watchers {
  #client;
  /** @type {Map<number, Stream>} */
  #streams = new Map();
  /** @type {Record<string, Json[]>} */
  #events = {};
  /** @type {Record<string, { compactRevision: number }>} */
  #canceled = {};
  /** Watchers of history that were created since the last sync, by label. @type {Set<string>} */
  #late = new Set();
  /** @type {(() => boolean) | undefined} */
  #hasCaughtUp;

  /** @param {import('./client.mjs').GrpcClient} client @param {() => boolean} [hasCaughtUp] whether no watcher reads history any more; absent: nobody knows */
  constructor(client, hasCaughtUp) {
    this.#client = client;
    this.#hasCaughtUp = hasCaughtUp;
  }

  /** @param {string} label @param {Json[]} events */
  add(label, events) {
    (this.#events[label] ??= []).push(...events);
  }

  /** @param {string} label @param {number} compactRevision */
  cancel(label, compactRevision) {
    this.#canceled[label] = { compactRevision };
  }

  close() {
    for (const { call } of this.#streams.values()) call.cancel();
  }

  /** @param {Json} req */
  async create({ s, w, create }) {
    const stream = this.#stream(s);
    // Events may come right behind: their label has to be known by then.
    const before = new Map(stream.labels);
    let next = 0;
    for (const id of before.keys()) next = Math.max(next, id + 1);
    stream.call.send({ createRequest: create });
    const answer = await stream.next('created', PATIENCE_MS);
    if (answer === undefined) return { none: true };
    const { watchId = 0, canceled } = answer;
    if (canceled !== true) stream.labels.set(watchId, w);
    this.#rename(`unknown ${watchId}`, w);
    if (canceled !== true && create.startRevision > 0) this.#late.add(w);
    return answer;
  }

  /** @param {Json} req */
  async cancelOne({ s, watchId = 0 }) {
    const stream = this.#stream(s);
    stream.call.send({ cancelRequest: { watchId } });
    const answer = await stream.next('canceled', stream.labels.has(watchId) ? PATIENCE_MS : SILENCE_MS);
    stream.compacted.delete(watchId);
    return answer ?? { none: true };
  }

  /** @param {Json} req */
  async progress({ s }) {
    const stream = this.#stream(s);
    stream.call.send({ progressRequest: {} });
    for (let tries = 0; tries < 10; tries++) {
      const answer = await stream.next('progress', stream.compacted.size > 0 ? SILENCE_MS : AGAIN_MS);
      if (answer !== undefined) return answer;
      if (stream.compacted.size > 0) return { none: true, compacted: true };
      stream.call.send({ progressRequest: {} });
    }
    return { none: true };
  }

  /** @param {Json} req */
  closeStream({ s }) {
    this.#stream(s).call.cancel();
    this.#streams.delete(s);
    return {};
  }

  /**
   * What watchers got since the last sync: waits for what is recorded, not for what is not; that shows at the next sync.
   * @param {Json} want
   * @param {(got: Json) => boolean} enough
   */
  async sync(want, enough) {
    const end = performance.now() + PATIENCE_MS;
    while (!isDeepStrictEqual(this.#got(), want) && !enough(this.#got()) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // One that has nothing to tell, all of it filtered, does not show when it has caught up; a compaction must not come before (3.4).
    const silent = [...this.#late].some((label) => !Object.hasOwn(this.#events, label));
    if (silent && this.#hasCaughtUp === undefined) await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
    else if (silent) while (!this.#hasCaughtUp?.()) await new Promise((resolve) => setTimeout(resolve, 2));
    this.#late.clear();
    const got = this.#got();
    this.#events = {};
    this.#canceled = {};
    return got;
  }

  #got() {
    /** @type {Json} */
    const got = {};
    if (Object.keys(this.#events).length > 0) got['events'] = this.#events;
    if (Object.keys(this.#canceled).length > 0) got['canceled'] = this.#canceled;
    return got;
  }

  /** @param {string} from @param {string} to */
  #rename(from, to) {
    for (const held of [this.#events, this.#canceled]) {
      if (!Object.hasOwn(held, from)) continue;
      /** @type {any} */ (held)[to] = held[from];
      delete held[from];
    }
  }

  /** @param {number} s */
  #stream(s) {
    let stream = this.#streams.get(s);
    if (stream === undefined) this.#streams.set(s, (stream = new Stream(this.#client, this)));
    return stream;
  }
}
