/**
 * The retained changes of one key, oldest first, or newest first.
 *
 * HS1  The present is the moment of the first pull: what is written later is not in it.
 * HS2  Changes are fetched some at a time, with a turn of the event loop in between (law 10), and decoded as they are
 *     pulled. A compaction that may have taken what was not fetched yet ends the stream (law 2).
 * HS3  The newest first: the index tells a key's changes from the oldest on, so they are all looked up before the first is given,
 *     but no more of them are held than the limit says.
 */
import { KvError, type HistoryOptions, type Items, type KvEvent } from '@varve/api';
import { checkHistory, decodedEvent, type Records, pullEach, type Source } from '@varve/api/implement';
import type { Change } from '@varve/watch';
import type { Core } from './core.ts';

/** Read from the medium, they take a millisecond or two. */
const fetchLimit = 128;

export function historyOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions = {},
): Items<KvEvent<K, V>> {
  core.check();
  checkHistory(options);
  // Kept by each of their own: the caller may change what was passed.
  const asked = { ...options };
  const bytes = records.keys.encodeOwn(key);
  return pullEach(core.world.slice, () => new HistorySource(core, records, bytes, asked));
}

class HistorySource<K, V> implements Source<KvEvent<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #key: Uint8Array;
  readonly #options: HistoryOptions;
  #changes: readonly Change[] = [];
  #taken = 0;
  #left: number;
  /** What to fetch next, and the last revision; none before the first pull. */
  #from: number | undefined;
  #until: number | undefined;
  #ended = false;

  constructor(core: Core, records: Records<K, V>, key: Uint8Array, options: HistoryOptions) {
    this.#core = core;
    this.#records = records;
    this.#key = key;
    this.#options = options;
    this.#from = options.from;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  take(): KvEvent<K, V> | undefined {
    while (this.#left > 0) {
      const change = this.#changes[this.#taken];
      if (change === undefined) return undefined;
      this.#options.signal?.throwIfAborted();
      this.#core.check();
      this.#taken++;
      const event = decodedEvent(this.#records, this.#options.undecodable, change);
      if (event === undefined) continue;
      this.#left--;
      return event;
    }
    return undefined;
  }

  async load(): Promise<boolean> {
    if (this.#ended || this.#left === 0) return false;
    this.#options.signal?.throwIfAborted();
    if (this.#until !== undefined) await this.#turn();
    // Closed meanwhile: nothing is to be fetched any more.
    if (this.#ended) return false;
    this.#changes = this.#options.reverse === true ? await this.#newestFirst() : this.#fetch();
    this.#taken = 0;
    return this.#changes.length > 0;
  }

  close(): void {
    this.#ended = true;
    this.#changes = [];
  }

  async #turn(): Promise<void> {
    await this.#core.world.clock.turn();
    this.#options.signal?.throwIfAborted();
  }

  /** The next changes, oldest first. */
  #fetch(): readonly Change[] {
    const core = this.#core;
    core.check();
    const { store } = core;
    const until = (this.#until ??= this.#last());
    const changes = store.history(this.#key, { from: this.#from, limit: fetchLimit });
    const last = changes.at(-1);
    if (changes.length < fetchLimit || last === undefined || last.kv.modRevision >= until) this.#ended = true;
    else this.#from = last.kv.modRevision + 1;
    return changes.filter((change) => change.kv.modRevision <= until);
  }

  async #newestFirst(): Promise<readonly Change[]> {
    // What a codec may refuse takes no place of what is wanted.
    const exact = (this.#options.undecodable ?? 'throw') === 'throw';
    let all: Change[] = [];
    while (!this.#ended) {
      all.push(...this.#fetch());
      if (exact && all.length > 2 * this.#left + fetchLimit) all = all.slice(-this.#left);
      if (!this.#ended) await this.#turn();
    }
    return all.toReversed();
  }

  /** The present, or the end asked for. */
  #last(): number {
    const present = this.#core.store.rev();
    const { until = present } = this.#options;
    if (until <= present) return until;
    const message = `revision ${until} does not exist yet; ask for ${present} or earlier`;
    throw new KvError('MVCC_FUTURE_REVISION', message, { currentRevision: present });
  }
}
