/**
 * Changes that are finished but not yet durable, over one committed state.
 *
 * OV1  `changes` is what the engine gets, in the order in which it was written; the layers hold their numbers, the newest
 *     for each key, tombstones included.
 * OV2  A section writes straight into the overlay. `rollback` takes back whatever came after a mark, newest first: a
 *     section that succeeds pays for nothing, one that throws pays for what it did.
 * OV3  A pin never changes (LY1).
 * OV4  The words of its changes serve the next overlay, unless a pin was ever taken: who has one reads them for as long as it likes.
 * OV5  Blocks whose bytes somebody may go on to read outlive it in `Ground.read`: those of which a view was given out, and all of
 *     an overlay of which a pin was taken.
 * OV6  Creating a bucket that exists and removing one that does not are no changes.
 *
 * etcd: server/storage/backend/tx_buffer.go, batch_tx.go. Departs: deletes are kept here as well, so a delete need not
 * force a commit (BD2).
 */
import { type Bucket, knownBucket } from '../contract/bucket.ts';
import type { Room } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import { AppendLayer, type Layer, TreeLayer } from './layer.ts';
import { longestKey, longestValue } from '../contract/limits.ts';
import { PackedChanges } from '../contract/packed-changes.ts';
import type { Slab } from './slab.ts';

/** What outlives an overlay: it belongs to the finished state as a whole. */
export interface Ground {
  /** Names of the buckets that exist. */
  readonly names: Set<string>;
  /** Greatest key ever put, by name of an append-only bucket. */
  readonly floors: Map<string, Uint8Array>;
  /** Whether a bucket is append-only, by name, as first seen. */
  readonly kinds: Map<string, boolean>;
  readonly slab: Slab;
  /** Blocks of changes that are on the medium, and that are read for as long as somebody likes (OV5). */
  readonly read: WeakSet<Uint8Array>;
  /** Words for the changes of the next overlay (OV4). */
  words: Uint32Array | undefined;
}

/** What the memory of a row costs beyond its bytes, roughly. */
const rowOverhead = 64;
/** More is not made ready for the next overlay, however many changes the last one had. */
const mostExpected = 16_384;
/** Nor are more words kept: some 20,000 changes. */
const mostWords = 100_000;

type AnyLayer = AppendLayer | TreeLayer;

/** The layers of one overlay as readers see them, by bucket name. */
export type Layers = ReadonlyMap<string, Layer>;

export class Overlay {
  readonly changes: PackedChanges;
  /** Memory held by the changes, an estimate. */
  byteN = 0;
  readonly #ground: Ground;
  readonly #layers = new Map<string, AnyLayer>();
  /** What each change of the running section replaced, for those that may replace something: a row's number, or a layer. */
  readonly #undo: (number | AnyLayer | undefined)[] = [];
  /** Kinds that were settled when the running section began. */
  #kindN = 0;
  #hotBucket: Bucket | undefined;
  #hotLayer: AnyLayer | undefined;
  /** Whether somebody may read this when its changes are on the medium. */
  #isPinned = false;

  /** @param expected about how many changes will come */
  constructor(ground: Ground, expected: number = 0) {
    this.#ground = ground;
    this.changes = new PackedChanges(ground.slab.room, Math.min(expected, mostExpected), ground.words);
    ground.words = undefined;
  }

  /** Good for this tick (OV4). */
  get layers(): Layers {
    return this.#layers;
  }

  createBucket(bucket: Bucket): void {
    if (typeof bucket.name !== 'string') throw new TypeError('bucket name must be a string');
    if (!/^[\x20-\x7e]+$/.test(bucket.name)) throw new RangeError('bucket name must be printable ASCII, not empty');
    this.#checkKind(bucket);
    if (this.#ground.names.has(bucket.name)) return;
    this.#ground.names.add(bucket.name);
    this.#push('createBucket', bucket);
  }

  deleteBucket(bucket: Bucket): void {
    const { name } = bucket;
    this.#checkKind(bucket);
    if (!this.#ground.names.delete(name)) return;
    this.#hotBucket = undefined;
    this.#undo.push(this.#layers.get(name));
    const { changes } = this;
    this.#layers.set(
      name,
      bucket.appendOnly ? new AppendLayer(changes, bucket, true, undefined) : new TreeLayer(changes, true),
    );
    this.#push('deleteBucket', bucket);
  }

  /** Copies both arrays. */
  put(bucket: Bucket, key: Uint8Array, value: Uint8Array): void {
    const layer = this.#layerFor(bucket);
    checkKey(key);
    checkValue(value);
    if (layer instanceof AppendLayer) layer.checkOrder(key, 0, key.length);
    const { slab } = this.#ground;
    slab.copy(key, value);
    this.#put(bucket, layer, slab.block, slab.start, slab.keyEnd, slab.end);
  }

  /** Takes key and value where they lie, from `start` to `keyEnd` and on to `end`. */
  putLent(bucket: Bucket, block: Uint8Array, start: number, keyEnd: number, end: number): void {
    const layer = this.#layerFor(bucket);
    checkPlace(block, start, keyEnd, end, this.#ground.slab.room);
    if (layer instanceof AppendLayer) layer.checkOrder(block, start, keyEnd);
    this.#put(bucket, layer, block, start, keyEnd, end);
  }

  delete(bucket: Bucket, key: Uint8Array): void {
    const layer = this.#layerFor(bucket);
    checkKey(key);
    if (layer instanceof AppendLayer && !layer.mayHold(key)) return;
    const { slab } = this.#ground;
    slab.copy(key);
    const { changes } = this;
    const row = changes.length;
    changes.pushRow('delete', bucket, slab.block, slab.start, slab.keyEnd, slab.end);
    this.#undo.push(layer instanceof AppendLayer ? layer.delete(row, key) : layer.set(row, key));
    this.byteN += key.length + rowOverhead;
  }

  #put(bucket: Bucket, layer: AnyLayer, block: Uint8Array, start: number, keyEnd: number, end: number): void {
    const { changes } = this;
    const row = changes.length;
    changes.pushRow('put', bucket, block, start, keyEnd, end);
    if (layer instanceof AppendLayer) layer.push(row);
    else this.#undo.push(layer.set(row, changes.key(row)));
    this.byteN += end - start + rowOverhead;
  }

  /** Starts a section: the mark for `rollback`. */
  mark(): number {
    // Setting a length costs as much as the rest of an empty section, even from 0 to 0.
    if (this.#undo.length > 0) this.#undo.length = 0;
    this.#kindN = this.#ground.kinds.size;
    return this.changes.length;
  }

  /** Takes back every change since the mark. */
  rollback(mark: number): void {
    const { names, kinds } = this.#ground;
    this.#hotBucket = undefined;
    const { changes } = this;
    for (let i = changes.length - 1; i >= mark; i -= 1) {
      const type = changes.type(i);
      if (type === 'createBucket') names.delete(changes.bucket(i).name);
      else if (type === 'deleteBucket') names.add(changes.bucket(i).name);
      this.byteN -= changes.end(i) - changes.start(i) + rowOverhead;
    }
    undo(this.#layers, changes, mark, this.#undo);
    changes.cut(mark);
    this.#undo.length = 0;
    // Names that this section was the first to use; their layers are of the kind that it took them for.
    for (const name of [...kinds.keys()].slice(this.#kindN)) {
      kinds.delete(name);
      this.#layers.delete(name);
    }
  }

  pin(): Map<string, AnyLayer> {
    this.#isPinned = true;
    const pinned = new Map<string, AnyLayer>();
    for (const [name, layer] of this.#layers) pinned.set(name, layer.pin());
    return pinned;
  }

  /** As `pin`, of an overlay that no change comes to any more. */
  share(): Layers {
    this.#isPinned = true;
    return this.#layers;
  }

  /** A pin of the state before the section that is running now. */
  pinBefore(mark: number): Layers {
    const pinned = this.pin();
    // A layer that the section removed is put back by `undo` and then changed by it: not the layer itself.
    const replaced = this.#undo.map((before) => (isLayer(before) ? before.pin() : before));
    undo(pinned, this.changes, mark, replaced);
    return pinned;
  }

  /** No change comes any more: leaves what the next overlay starts from. */
  seal(): void {
    const { floors } = this.#ground;
    for (const [name, layer] of this.#layers) {
      if (!(layer instanceof AppendLayer)) continue;
      // A copy of its own, for it outlives the block that it was cut from.
      if (layer.last === undefined) floors.delete(name);
      else floors.set(name, new Uint8Array(layer.last));
    }
  }

  /** Its changes are on the medium, and nobody is given this any more. */
  end(): void {
    this.changes.addViewed(this.#ground.read, this.#isPinned);
    if (this.#isPinned) return;
    const words = this.changes.takeWords();
    if (words.length <= mostWords) this.#ground.words = words;
  }

  #layerFor(bucket: Bucket): AnyLayer {
    if (bucket === this.#hotBucket && bucket !== undefined) return this.#hotLayer!;
    if (typeof bucket?.name !== 'string') throw new TypeError('bucket must be a Bucket');
    const { name } = bucket;
    if (!this.#ground.names.has(name)) {
      throw new BackendError('BACKEND_NO_BUCKET', `bucket "${name}" does not exist; create it first`);
    }
    this.#checkKind(bucket);
    let layer = this.#layers.get(name);
    if (layer === undefined) {
      const { changes } = this;
      layer = bucket.appendOnly
        ? new AppendLayer(changes, bucket, false, this.#ground.floors.get(name))
        : new TreeLayer(changes, false);
      this.#layers.set(name, layer);
    }
    this.#hotBucket = bucket;
    this.#hotLayer = layer;
    return layer;
  }

  /** A layer of the wrong kind would hide rows, so two buckets of one name must agree. */
  #checkKind({ name, appendOnly }: Bucket): void {
    const { kinds } = this.#ground;
    const first = kinds.get(name) ?? knownBucket(name)?.appendOnly;
    if (first === undefined) kinds.set(name, appendOnly);
    else if (first !== appendOnly) throw new TypeError(`bucket "${name}" is used both as append-only and not`);
  }

  #push(type: 'createBucket' | 'deleteBucket', bucket: Bucket): void {
    this.changes.pushBucket(type, bucket);
    this.byteN += rowOverhead;
  }
}

function isLayer(replaced: number | AnyLayer | undefined): replaced is AnyLayer {
  return replaced instanceof AppendLayer || replaced instanceof TreeLayer;
}

/** @throws TypeError, RangeError */
function checkPlace(block: Uint8Array, start: number, keyEnd: number, end: number, { before, after }: Room): void {
  if (!(block instanceof Uint8Array)) throw new TypeError('block must be a Uint8Array');
  // Written so that anything but numbers fails as well.
  if (!(start >= before && keyEnd > start && end >= keyEnd && end + after <= block.length)) {
    throw new RangeError(
      'key and value, and the room around them, must lie in the block, and the key must not be empty',
    );
  }
  if (keyEnd - start > longestKey) throw new RangeError(`key must have at most ${longestKey} bytes`);
  if (end - keyEnd > longestValue) throw new RangeError(`value must have at most ${longestValue} bytes`);
}

function checkKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
  if (key.length === 0) throw new RangeError('key must not be empty');
  if (key.length > longestKey) throw new RangeError(`key must have at most ${longestKey} bytes`);
}

function checkValue(value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw new TypeError('value must be a Uint8Array');
  if (value.length > longestValue) throw new RangeError(`value must have at most ${longestValue} bytes`);
}

/** Takes the changes from `mark` on out of the layers, newest first; uses `replaced` up. */
function undo(
  layers: Map<string, AnyLayer>,
  changes: PackedChanges,
  mark: number,
  replaced: (number | AnyLayer | undefined)[],
): void {
  for (let i = changes.length - 1; i >= mark; i -= 1) {
    const type = changes.type(i);
    if (type === 'createBucket') continue;
    const { name } = changes.bucket(i);
    const layer = layers.get(name)!;
    if (type === 'deleteBucket') {
      const before = replaced.pop() as AnyLayer | undefined;
      if (before === undefined) layers.delete(name);
      else layers.set(name, before);
    } else if (layer instanceof TreeLayer) {
      layer.undo(i, replaced.pop() as number);
    } else if (type === 'put') {
      layer.undoPush();
    } else {
      layer.undoDelete(i, replaced.pop() as number);
    }
  }
}
