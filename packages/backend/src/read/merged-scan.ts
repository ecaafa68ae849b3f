/**
 * One bucket through all layers: the exact ordered union of the engine's rows and the overlays above them (BD7).
 *
 * ME1  Every key once, ascending, with the row of the topmost layer that has it; none if that is a delete.
 * ME2  Nothing of a layer that is `cleared` shows what lies below it.
 * ME3  Chunks are not empty and have at most `chunkSize` rows. Where no overlay row comes near, the engine's chunk is
 *     handed on as it is.
 * ME4  The signal is looked at before each chunk; its own reason is what is thrown. Between chunks the event loop gets
 *     its turns (law 10), whatever the layers are made of.
 * ME5  Leaving the loop early closes the engine's iterator.
 * ME6  Rows that the engine has only lent are handed on before it is asked for more.
 * ME7  What the engine gives is checked (`scan-order.ts`), so it can be relied on from here upwards.
 *
 * etcd: server/storage/backend/read_tx.go. Departs: etcd's range may miss smaller keys on disk (BQ3) and its forEach
 * is not ordered (BQ2).
 */
import {
  checkBytes,
  checkHasFields,
  checkOptional,
  isBoolean,
  isInteger,
  isSignal,
  type Rule,
} from '@varve/base/options';
import { compareBytes } from '@varve/base/order';
import { Slice, type Turns } from '@varve/base/pace';
import type { Bucket } from '../contract/bucket.ts';
import type { EngineView, Entry, ScanOptions } from '../contract/engine.ts';
import type { Layer, Row, RowCursor } from '../pending/layer.ts';
import { ScanOrder } from './scan-order.ts';

const defaultChunkSize = 256;
const isChunkSize: Rule = isInteger(1);

/** @throws RangeError for a chunk size that is not a positive integer; TypeError for bounds that are not bytes */
export function checkScan(options: ScanOptions): void {
  checkHasFields(options);
  const { start, end, chunkSize, signal, lent, sums } = options;
  if (start !== undefined) checkBytes(start, 'start');
  if (end !== undefined) checkBytes(end, 'end');
  checkOptional(chunkSize, 'chunkSize', isChunkSize);
  checkOptional(signal, 'signal', isSignal);
  checkOptional(lent, 'lent', isBoolean);
  checkOptional(sums, 'sums', isBoolean);
}

/** @param layers newest first */
export async function* mergedScan(
  view: EngineView,
  layers: readonly Layer[],
  bucket: Bucket,
  options: ScanOptions,
  clock: Turns,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const { start, end, signal, lent, sums, chunkSize = defaultChunkSize } = options;
  signal?.throwIfAborted();
  const overlay = new OverlayRows(layers, start, end);
  const slice = new Slice(clock);
  let chunk: Entry[] = [];

  /** Overlay rows below the limit, deletes dropped; stops when the chunk is full. */
  function take(limit: Uint8Array | undefined): void {
    let row = overlay.head;
    while (row !== undefined && chunk.length < chunkSize) {
      if (limit !== undefined && compareBytes(row.key, limit) >= 0) return;
      if (row.type === 'put') chunk.push({ key: row.key, value: row.value });
      row = overlay.next();
    }
  }

  async function* flush(): AsyncGenerator<readonly Entry[], void, undefined> {
    const full = chunk;
    chunk = [];
    yield full;
    signal?.throwIfAborted();
    if (slice.over) await slice.turn();
  }

  if (!layers.some((layer) => layer.cleared)) {
    const order = new ScanOrder(bucket, start, end);
    for await (const rows of view.scan(bucket, { start, end, chunkSize, signal, lent, sums })) {
      order.check(rows);
      const last = rows[rows.length - 1]!;
      if (chunk.length === 0 && (overlay.head === undefined || compareBytes(last.key, overlay.head.key) < 0)) {
        yield rows;
        signal?.throwIfAborted();
        if (slice.over) await slice.turn();
        continue;
      }
      for (const entry of rows) {
        do {
          take(entry.key);
          if (chunk.length >= chunkSize) yield* flush();
        } while (overlay.head !== undefined && compareBytes(overlay.head.key, entry.key) < 0);
        if (overlay.head === undefined || compareBytes(overlay.head.key, entry.key) !== 0) chunk.push(entry);
        if (chunk.length >= chunkSize) yield* flush();
      }
      if (lent === true && chunk.length > 0) yield* flush();
    }
  }
  while (overlay.head !== undefined) {
    take(undefined);
    if (chunk.length >= chunkSize) yield* flush();
  }
  if (chunk.length > 0) yield chunk;
}

/** The overlays of one bucket as one sorted run, the winner of each key only. */
class OverlayRows {
  /** Next row; a delete counts as one. */
  head: Row | undefined;
  /** The winning layer's cursors first. */
  readonly #cursors: RowCursor[] = [];
  readonly #heads: (Row | undefined)[] = [];

  constructor(layers: readonly Layer[], start: Uint8Array | undefined, end: Uint8Array | undefined) {
    for (const layer of layers) {
      this.#cursors.push(...layer.cursors(start, end));
      if (layer.cleared) break;
    }
    for (const cursor of this.#cursors) this.#heads.push(cursor.next().value);
    this.head = this.#least();
  }

  next(): Row | undefined {
    const key = this.head!.key;
    for (let i = 0; i < this.#heads.length; i += 1) {
      const head = this.#heads[i];
      if (head !== undefined && compareBytes(head.key, key) === 0) this.#heads[i] = this.#cursors[i]!.next().value;
    }
    return (this.head = this.#least());
  }

  #least(): Row | undefined {
    let least: Row | undefined;
    for (const head of this.#heads) {
      if (head !== undefined && (least === undefined || compareBytes(head.key, least.key) < 0)) least = head;
    }
    return least;
  }
}
