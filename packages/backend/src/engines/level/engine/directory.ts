/**
 * Which buckets there are, and the slot of each: one row a bucket, so that empty ones exist as well.
 *
 * A directory never changes; a commit that creates or removes buckets makes another one. Views keep theirs.
 */
import { MAX_SLOT, SYSTEM, bound, makeSlot, type Slot } from './rows.ts';

const PREFIX = 'bucket/';

export class Directory {
  readonly #slots: ReadonlyMap<string, Slot>;
  /** All names, in byte order. */
  readonly names: readonly string[];

  constructor(slots: ReadonlyMap<string, Slot>) {
    this.#slots = slots;
    this.names = [...slots.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  get(name: string): Slot | undefined {
    return this.#slots.get(name);
  }

  /** The slots of a new map that the caller may change. */
  copy(): Map<string, Slot> {
    return new Map(this.#slots);
  }
}

/** A slot for a new bucket: the lowest number that no bucket has. @throws RangeError when all are taken */
export function freeSlot(slots: ReadonlyMap<string, Slot>, name: string): Slot {
  const taken = new Set<number>();
  for (const slot of slots.values()) taken.add(slot.number);
  let number = 1;
  while (taken.has(number)) number++;
  if (number > MAX_SLOT) throw new RangeError(`A store has at most ${MAX_SLOT} buckets`);
  return makeSlot(name, number);
}

/** Key, in the system slot, of the row that names a bucket. */
export function directoryKey(name: string): Uint8Array {
  return Buffer.from(PREFIX + name);
}

export function directoryValue(slot: Slot): Uint8Array {
  return Uint8Array.of(slot.number >>> 8, slot.number & 0xff);
}

/** LevelDB's range of all directory rows. */
export function directoryRange(): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  const gte = bound(SYSTEM, Buffer.from(PREFIX));
  const lt = Uint8Array.from(gte);
  lt[lt.length - 1] = '/'.charCodeAt(0) + 1;
  return { gte, lt };
}

/** The slot a directory row tells of; `undefined` when the row makes no sense. */
export function readSlot(key: Uint8Array, value: Uint8Array): Slot | undefined {
  const number = value.length === 2 ? ((value[0] as number) << 8) | (value[1] as number) : 0;
  if (number < 1 || number > MAX_SLOT) return undefined;
  return makeSlot(Buffer.from(key).toString().slice(PREFIX.length), number);
}
