/**
 * Where a mirror is, as a row of the target.
 *
 * MPL1  Written by the transaction that applies what it speaks of, on the condition that nobody else wrote it since: two mirrors of one
 *       name stop each other instead of mixing.
 */
import { compare, KvError, put, type Compare, type PutOp } from '@varve/api';
import { compareBytes } from '@varve/base/order';
import type { ByteKv } from './contract.ts';

export interface Place {
  /** Everything of the source up to here is in the target. */
  readonly revision: number;
  /** Of the next revision so many changes are, too: it was too large for one transaction. */
  readonly part: number;
}

const text = new TextEncoder();
const folder = '\0varve/mirror/';

/** The key, in the target, of the mirror of this name. */
export function checkpointKey(name: string): Uint8Array {
  return text.encode(`${folder}${name}`);
}

/** The key, in the source, by which a fence marks a revision. */
export function fenceKey(name: string): Uint8Array {
  return text.encode(`${folder}${name}/fence`);
}

const ownPrefix = text.encode(folder);

/** Rows of mirrors are of one store each: no mirror copies them. */
export function isOwn(key: Uint8Array): boolean {
  return key.length >= ownPrefix.length && compareBytes(key.subarray(0, ownPrefix.length), ownPrefix) === 0;
}

export class Checkpoint {
  readonly key: Uint8Array;
  readonly #to: ByteKv;
  #modRevision = 0;
  #place: Place | undefined;

  constructor(to: ByteKv, name: string) {
    this.#to = to;
    this.key = checkpointKey(name);
  }

  /** Where the target is; `undefined` before the end of the first copy. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** Reads it, first of all, and again when a write's outcome is not known. @throws KvError `KV_DECODE` */
  async read(): Promise<Place | undefined> {
    const entry = await this.#to.get(this.key);
    this.#modRevision = entry?.modRevision ?? 0;
    this.#place = entry && decode(entry.value, this.key);
    return this.#place;
  }

  /** The condition under which this mirror may write. */
  get condition(): Compare<Uint8Array, never> {
    return compare(this.key, { modRevision: { equals: this.#modRevision } });
  }

  /** The operation that moves it; call `moved` when it is done. */
  moveTo(place: Place): PutOp<Uint8Array, Uint8Array> {
    return put(this.key, text.encode(JSON.stringify({ format: 1, ...place })));
  }

  moved(place: Place, modRevision: number): void {
    this.#place = place;
    this.#modRevision = modRevision;
  }

  /** What a refused condition means. */
  taken(): KvError {
    return new KvError('KV_CONFLICT', 'another mirror of this name writes to the target: give each a name of its own', {
      key: this.key,
    });
  }
}

function decode(value: Uint8Array, key: Uint8Array): Place {
  const { format, revision, part } = parse(value);
  if (format === 1 && isCount(revision, 1) && isCount(part, 0)) return { revision, part };
  throw new KvError(
    'KV_DECODE',
    'the target holds something else where this mirror notes its place: give it another name',
    {
      key,
    },
  );
}

function parse(value: Uint8Array): { readonly format?: unknown; readonly revision?: unknown; readonly part?: unknown } {
  try {
    return Object(JSON.parse(new TextDecoder().decode(value))) as object;
  } catch {
    return {};
  }
}

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
