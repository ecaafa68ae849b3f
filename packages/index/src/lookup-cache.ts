/**
 * The slots of keys looked up lately, so that a hot key costs neither a string nor a descent.
 *
 * LK1  One line per hash: a newer key with the same hash takes the line. Lines and the keys they hold are limited, so
 *     the memory is.
 * LK2  A line holds exactly what the tree holds for its key. Whoever gives a key another slot in the tree says so here,
 *     and whoever gives many keys another slot clears all.
 *
 * No etcd counterpart. A descent through a million keys is twenty comparisons of strings that lie apart in memory.
 */
import type { Slot } from './slot.ts';

const LINES = 2 ** 14;
/** Longer keys are hashed by so many of their bytes, evenly spread. */
const HASHED_BYTES = 64;
/** Longer keys are not remembered. */
const LONGEST_KEY = 256;

export class LookupCache {
  readonly #keys: (string | undefined)[] = Array.from({ length: LINES }, () => undefined);
  readonly #slots: (Slot | undefined)[] = Array.from({ length: LINES }, () => undefined);
  /** Whole hashes, which tell nearly all other keys apart before any byte is compared. */
  readonly #hashes = new Int32Array(LINES);

  /** The line that holds `key`, or -1. */
  lineOf(key: Uint8Array, hash: number): number {
    const line = hash & (LINES - 1);
    return this.#hashes[line] === hash && isKey(this.#keys[line], key) ? line : -1;
  }

  keyAt(line: number): string {
    return this.#keys[line]!;
  }

  slotAt(line: number): Slot {
    return this.#slots[line]!;
  }

  remember(byteKey: string, hash: number, slot: Slot): void {
    if (byteKey.length > LONGEST_KEY) return;
    const line = hash & (LINES - 1);
    this.#hashes[line] = hash;
    this.#keys[line] = byteKey;
    this.#slots[line] = slot;
  }

  /** Empties the line of this hash, whichever key is in it. */
  forget(hash: number): void {
    const line = hash & (LINES - 1);
    this.#keys[line] = undefined;
    this.#slots[line] = undefined;
  }

  clear(): void {
    this.#keys.fill(undefined);
    this.#slots.fill(undefined);
  }

  *[Symbol.iterator](): Generator<[byteKey: string, slot: Slot | undefined], void, void> {
    for (const [line, byteKey] of this.#keys.entries()) if (byteKey !== undefined) yield [byteKey, this.#slots[line]];
  }
}

/** FNV-1a, its bits mixed once more because the lowest of them choose the line. */
export function hashOf(key: Uint8Array): number {
  const step = key.length <= HASHED_BYTES ? 1 : key.length / HASHED_BYTES;
  let hash = 0x811c9dc5 ^ key.length;
  if (step === 1) for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i]!, 0x01000193);
  else for (let i = 0; i < HASHED_BYTES; i++) hash = Math.imul(hash ^ key[Math.floor(i * step)]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function isKey(byteKey: string | undefined, key: Uint8Array): boolean {
  if (byteKey === undefined || byteKey.length !== key.length) return false;
  for (let i = key.length - 1; i >= 0; i--) if (byteKey.charCodeAt(i) !== key[i]) return false;
  return true;
}
