/**
 * A consistent copy of a committed state, as a stream that is one BoltDB file.
 *
 * SN1  The state is pinned from the moment of the copy until the stream has been read to its end, left, or disposed.
 * SN2  A stream that is cut off by `close`, by its own end or by its signal throws: a copy never ends early in silence.
 * SN3  Memory is bounded whatever the size: rows are read twice, once for their lengths, and kept never.
 * SN4  Rows that are of this store alone (`isCopied`) are not in it. An engine that copies itself whole would take them along, so where
 *      there are any it is copied row by row, too.
 *
 * etcd: server/storage/backend/backend.go, Snapshot. Departs: any engine yields a BoltDB file (decisions/0016).
 */
import { loadLate } from '@varve/base/late';
import type { World } from '@varve/base/world';
import type { BuildRow } from '@varve/bolt';
import { bucketNamed, isCopied } from '../contract/bucket.ts';
import type { Engine, PinnedView, Snapshot } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import { storeMark } from '../engines/file/recognise.ts';
import { ScanOrder } from './scan-order.ts';

/** An open copy of the engine's committed state of this moment; `release` is called once, when it is over. */
export async function copyOf(
  engine: Engine,
  signal: AbortSignal,
  world: World,
): Promise<[copy: Snapshot, release: () => void]> {
  if (engine.snapshot !== undefined && engine.buckets().every(isCopied))
    return [await engine.snapshot({ signal }), (): void => {}];
  const view = engine.pin();
  try {
    // When it is asked for: whoever takes no copies loads nothing of it.
    const { buildBolt } = await loadLate(() => import('@varve/bolt/build'));
    const source = { rows: () => rowsOf(view, signal), buckets: view.buckets().filter(isCopied) };
    return [await buildBolt(source, { signal, sequence: storeMark, world }), (): void => view[Symbol.dispose]()];
  } catch (error) {
    view[Symbol.dispose]();
    throw error;
  }
}

async function* rowsOf(view: PinnedView, signal: AbortSignal): AsyncGenerator<readonly BuildRow[], void, undefined> {
  for (const bucket of view.buckets()) {
    if (!isCopied(bucket)) continue;
    const named = bucketNamed(bucket);
    const order = new ScanOrder(named);
    for await (const chunk of view.scan(named, { signal })) {
      order.check(chunk);
      yield chunk.map(({ key, value }) => ({ bucket, key, value }));
    }
  }
}

export class OpenSnapshot implements Snapshot {
  readonly size: number;
  readonly #copy: Snapshot;
  readonly #release: () => void;
  readonly #onEnd: (snapshot: OpenSnapshot) => void;
  #inner: AsyncGenerator<Uint8Array, void, undefined> | undefined;
  #ended = false;

  /** @param onEnd called once, as soon as the snapshot has ended */
  constructor(copy: Snapshot, release: () => void, onEnd: (snapshot: OpenSnapshot) => void) {
    this.size = copy.size;
    this.#copy = copy;
    this.#release = release;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.#open();
    if (this.#inner !== undefined) throw new TypeError('a snapshot can be read once');
    this.#inner = chunksOf(this.#copy);
    return this.#guarded(this.#inner);
  }

  close(): Promise<void> {
    return this.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  /** Resolves when the engine is not asked for anything any more. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(this);
    try {
      // Not the outer generator: the consumer would take its end for the end of the file.
      await this.#inner?.return();
      await this.#copy.close();
    } finally {
      this.#release();
    }
  }

  async *#guarded(inner: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of inner) {
        this.#open();
        yield chunk;
        this.#open();
      }
      this.#open();
    } finally {
      await this.end();
    }
  }

  #open(): void {
    if (this.#ended) throw new BackendError('BACKEND_CLOSED', 'this snapshot has ended');
  }
}

/** A generator can be ended from outside while it waits; an iterator of an engine's own need not know how. */
async function* chunksOf(copy: Snapshot): AsyncGenerator<Uint8Array, void, undefined> {
  yield* copy;
}
