/**
 * The retained changes of one key, oldest first.
 *
 * HS1  The present is the moment of the first pull: what is written later is not in it.
 * HS2  Changes are fetched some at a time, with a turn of the event loop in between (law 10), and decoded as they are
 *     pulled. A compaction that may have taken what was not fetched yet ends the stream (law 2).
 */
import type { HistoryOptions, KvEvent } from '@varve/api';
import { checkNames, checkOptionalInteger, checkSignalType, type Records } from '@varve/api/implement';
import type { Change } from '@varve/watch';
import type { Core } from './core.ts';
import { pullEach, type Source } from './pull.ts';

const optionNames = ['from', 'signal'];
/** Read from the medium, they take a millisecond or two. */
const fetchLimit = 128;

export function historyOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions = {},
): AsyncIterable<KvEvent<K, V>> {
  core.check();
  checkNames(options, 'options', optionNames);
  checkOptionalInteger(options.from, 'from', 1, Number.MAX_SAFE_INTEGER);
  checkSignalType(options.signal);
  // Kept by each of their own: the caller may change what was passed.
  const { from, signal } = options;
  const bytes = records.keys.encodeOwn(key);
  return pullEach(core.world.slice, () => new HistorySource(core, records, bytes, { from, signal }));
}

class HistorySource<K, V> implements Source<KvEvent<K, V>> {
  readonly #core: Core;
  readonly #records: Records<K, V>;
  readonly #key: Uint8Array;
  readonly #signal: AbortSignal | undefined;
  #changes: readonly Change[] = [];
  #taken = 0;
  /** What to fetch next, and the revision that is the present; none before the first pull. */
  #from: number | undefined;
  #present: number | undefined;
  #ended = false;

  constructor(core: Core, records: Records<K, V>, key: Uint8Array, { from, signal }: HistoryOptions) {
    this.#core = core;
    this.#records = records;
    this.#key = key;
    this.#from = from;
    this.#signal = signal;
  }

  take(): KvEvent<K, V> | undefined {
    const change = this.#changes[this.#taken];
    if (change === undefined) return undefined;
    this.#signal?.throwIfAborted();
    this.#core.check();
    this.#taken++;
    return this.#records.event(change);
  }

  async load(): Promise<boolean> {
    if (this.#ended) return false;
    this.#signal?.throwIfAborted();
    if (this.#present !== undefined) {
      await this.#core.world.clock.turn();
      this.#signal?.throwIfAborted();
    }
    // Closed meanwhile: nothing is to be fetched any more.
    if (!this.#ended) this.#fetch();
    return this.#changes.length > 0;
  }

  close(): void {
    this.#ended = true;
    this.#changes = [];
  }

  #fetch(): void {
    const core = this.#core;
    core.check();
    const { store } = core;
    this.#present ??= store.rev();
    const present = this.#present;
    const changes = store.history(this.#key, { from: this.#from, limit: fetchLimit });
    const last = changes.at(-1);
    if (changes.length < fetchLimit || last === undefined || last.kv.modRevision >= present) this.#ended = true;
    else this.#from = last.kv.modRevision + 1;
    this.#changes = changes.filter((change) => change.kv.modRevision <= present);
    this.#taken = 0;
  }
}
