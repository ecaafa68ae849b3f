/**
 * The rows of one state through LevelDB's iterator.
 *
 * LR1  While the caller works on a chunk, LevelDB fetches the next one.
 * LR2  One fetch is at most `FETCH_ROWS` rows or about a mebibyte: turning rows into JavaScript values happens on the
 *     main thread, about 2 us each. Every fetch comes through the event loop, so others get their turn.
 */
import type { Entry } from '../../../contract/engine.ts';
import type { Committed } from './committed.ts';
import type { LevelIterator } from '../driver.ts';
import { SLOT_BYTES, decodeValue, type Slot } from './rows.ts';

const FETCH_ROWS = 512;
const FETCH_BYTES = 1 << 20;

type Stored = ReadonlyArray<readonly [key: Uint8Array, value: Uint8Array]>;

export class LevelRows {
  readonly #state: Committed;
  readonly #slot: Slot;
  readonly #chunkSize: number;
  readonly #iterator: LevelIterator;
  #fetching: Promise<Stored> | undefined;
  #rows: Stored = [];
  #used = 0;
  #fetchRows: number;

  /**
   * @param state held by the caller until after `close`
   * @param start LevelDB's first key that may appear @param end and that may not any more
   */
  constructor(state: Committed, slot: Slot, start: Uint8Array, end: Uint8Array, chunkSize: number) {
    this.#state = state;
    this.#slot = slot;
    this.#chunkSize = chunkSize;
    this.#fetchRows = Math.min(chunkSize, FETCH_ROWS);
    this.#iterator = state.level.iterator({
      gte: start,
      lt: end,
      snapshot: state.fix().snapshot,
      fillCache: false, // a scan reads each block once: it would push out what point reads keep warm
      highWaterMarkBytes: FETCH_BYTES,
    });
  }

  /** At most `chunkSize` rows; none at the end. */
  async next(): Promise<readonly Entry[]> {
    if (this.#used === this.#rows.length) await this.#fetch();
    return this.#chunk();
  }

  async close(): Promise<void> {
    await this.#iterator.close();
  }

  async #fetch(): Promise<void> {
    try {
      this.#rows = await (this.#fetching ?? this.#iterator.nextv(this.#fetchRows));
    } catch (error) {
      throw this.#state.readError(error, this.#slot);
    } finally {
      this.#fetching = undefined;
    }
    this.#used = 0;
    if (this.#rows.length === 0) return;
    this.#fetchRows = Math.min(this.#fetchRows * 2, FETCH_ROWS);
    this.#fetching = this.#iterator.nextv(this.#fetchRows);
    this.#fetching.catch(() => undefined); // whoever awaits it hears of it; a scan that was left need not
  }

  #chunk(): readonly Entry[] {
    const end = Math.min(this.#used + this.#chunkSize, this.#rows.length);
    const chunk: Entry[] = [];
    for (; this.#used < end; this.#used++) {
      const [storedKey, stored] = this.#rows[this.#used]!;
      const key = new Uint8Array(storedKey.buffer, storedKey.byteOffset + SLOT_BYTES, storedKey.length - SLOT_BYTES);
      const value = decodeValue(this.#slot, key, 0, stored);
      if (value === undefined) throw this.#state.damaged(this.#slot, key);
      chunk.push({ key, value });
    }
    return chunk;
  }
}
