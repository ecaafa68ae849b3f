/**
 * A consistent copy of one state as a stream of known length.
 *
 * CPY1  Exactly the pages below the state's high-water mark: two meta pages of that state (transaction T and T-1), then the
 *     file as it is. Free pages may change while they are read; their bytes mean nothing.
 * CPY2  The last chunk comes when every page that the state uses was found to be the one that is meant: a copy of a damaged
 *     file never looks whole. It is looked at beside the copying, as many pages as were copied.
 * CPY3  The state is pinned until the last byte was read, or the stream was left or disposed.
 *
 * bbolt: tx.go (WriteTo).
 */
import { Slice } from '@varve/base/pace';
import type { World } from '@varve/base/world';
import type { BoltImage, CopyOptions } from '../bolt.ts';
import { BoltError } from '../errors.ts';
import { encodeMeta, olderRecord } from '../format/meta.ts';
import { reachablePages } from '../pages/reachable.ts';
import type { PinnedState } from '../commit/read-transaction.ts';

const DEFAULT_CHUNK = 262_144;

/** The stream over a pinned state. Takes over the pin. */
export class StateCopy implements BoltImage {
  readonly size: number;
  readonly txid: number;
  readonly #state: PinnedState;
  readonly #options: CopyOptions;
  readonly #world: World;
  #taken = false;

  constructor(state: PinnedState, options: CopyOptions, world: World) {
    this.#state = state;
    this.#options = options;
    this.#world = world;
    this.size = state.meta.highWater * state.meta.pageSize;
    this.txid = state.meta.txid;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#taken) throw new BoltError('BOLT_ENDED', 'the copy was read already');
    this.#taken = true;
    return this.#chunks();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    const { signal, chunkBytes = DEFAULT_CHUNK } = this.#options;
    const { meta, pages } = this.#state;
    const { pageSize } = meta;
    try {
      const slice = new Slice(this.#world.clock, { signal });
      const walk = reachablePages(pages, meta);
      const metas = Buffer.alloc(2 * pageSize);
      encodeMeta(metas.subarray(0, pageSize), 0, meta);
      encodeMeta(metas.subarray(pageSize), 1, olderRecord(meta));
      yield plain(metas);
      for (let at = metas.length; at < this.size; at += chunkBytes) {
        signal?.throwIfAborted();
        if (this.#state.released) throw new BoltError('BOLT_CLOSED', 'the file was closed during the copy');
        const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, this.size - at));
        this.#requireHeld();
        const read = await pages.file.readLater(chunk, at).catch((cause: unknown) => {
          throw new BoltError('BOLT_FAILED', `the file cannot be read at byte ${at}`, { cause });
        });
        this.#requireHeld();
        if (read < chunk.length) throw new BoltError('BOLT_TRUNCATED', `the file ends at byte ${at + read}`);
        const last = at + chunkBytes >= this.size;
        await this.#look(walk, last ? Infinity : Math.ceil(chunkBytes / pageSize), slice);
        yield plain(chunk);
      }
    } finally {
      this.#state.release();
    }
  }

  /** Goes on looking at pages, in slices. */
  async #look(walk: Generator<void, unknown>, steps: number, slice: Slice): Promise<void> {
    for (let taken = 0; taken <= steps && walk.next().done !== true; taken++) {
      if (!slice.due()) continue;
      await slice.turn();
      this.#requireHeld();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  close(): Promise<void> {
    this.#taken = true;
    this.#state.release();
    return Promise.resolve();
  }

  /** Pages of a state that nobody holds are written over, and a closed descriptor's number is soon another file's. */
  #requireHeld(): void {
    if (this.#state.released) throw new BoltError('BOLT_ENDED', 'the copy has ended');
  }
}

function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
