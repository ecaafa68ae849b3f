/**
 * Where a mirror is, as a row of the target.
 *
 * MPL1  Every transaction of a mirror writes it, those of a copy too, on the condition that nobody else wrote it since: two mirrors of one
 *       name stop each other instead of mixing, and a write that comes late meets another row.
 * MPL2  It names the range: a mirror of another range does not go on from it.
 * MPL3  It names the source, as far as that can be named: the id of its cluster, and the newest change that the target has of it. A row
 *       without them, of a store in a process or of an older release, is gone on with.
 */
import { compare, KvError, put, type Compare, type PutOp } from '@varve/api';
import { byteKey, compareBytes, keyBytes } from '@varve/base/order';
import type { ByteKv } from './contract.ts';
import type { Newest } from './source.ts';

export interface Place {
  /** Everything of the source up to here is in the target. */
  readonly revision: number;
  /** Of the next revision so many changes are, too: it was too large for one transaction. */
  readonly part: number;
  /** What the source put last up to here; absent where that is not known. */
  readonly newest?: Newest | undefined;
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
  /** The range, as the row has it. */
  readonly #range: string;
  #clusterId: string | undefined;
  #modRevision = 0;
  #place: Place | undefined;
  /** Parts of a copy that the row has counted. */
  #step = 0;
  /** Rows of writes whose outcome is not known: one of them may still come. */
  readonly #doubts = new Set<string>();
  #row: string | undefined;

  constructor(to: ByteKv, name: string, range: string) {
    this.#to = to;
    this.#range = range;
    this.key = checkpointKey(name);
  }

  /** Where the target is; `undefined` before the end of the first copy, and while the whole is copied again. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** Of the source; `undefined` where it is none, or where nobody has said it yet. */
  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** The source says which it is: from now on it is that one. */
  nameSource(clusterId: string | undefined): void {
    this.#clusterId ??= clusterId;
  }

  /** A revision of the target that has what the place says. */
  get targetRevision(): number {
    return this.#modRevision;
  }

  /** Reads it, first of all, and again when a write's outcome is not known. @throws KvError `KV_DECODE`, `KV_CONFLICT` */
  async read(signal: AbortSignal): Promise<void> {
    const entry = await this.#to.get(this.key, { signal });
    this.#modRevision = entry?.modRevision ?? 0;
    this.#row = entry && new TextDecoder().decode(entry.value);
    const { place, step } = this.#row === undefined ? { place: undefined, step: 0 } : this.#decode(this.#row);
    this.#place = place;
    this.#step = step;
  }

  /** Whether what was read last is a write of this mirror that came late. */
  get isOwnLate(): boolean {
    return this.#row !== undefined && this.#doubts.has(this.#row);
  }

  /** The condition under which this mirror may write. */
  get condition(): Compare<Uint8Array, never> {
    return compare(this.key, { modRevision: { equals: this.#modRevision } });
  }

  /** The row that says so; without a place: that the whole is being copied, and how far. */
  rowOf(place: Place | undefined): string {
    const row = { format: 1, range: this.#range, cluster: this.#clusterId };
    if (place === undefined) return JSON.stringify({ ...row, copying: this.#step + 1 });
    const { newest } = place;
    return JSON.stringify({ ...row, ...place, newest: newest && { ...newest, key: byteKey(newest.key) } });
  }

  /** The operation that writes the row. */
  write(row: string): PutOp<Uint8Array, Uint8Array> {
    return put(this.key, text.encode(row));
  }

  /** It was written, at this revision of the target. */
  written(row: string, place: Place | undefined, modRevision: number): void {
    this.#doubts.clear();
    this.#row = row;
    this.#place = place;
    this.#step = place === undefined ? this.#step + 1 : 0;
    this.#modRevision = modRevision;
  }

  /** Nobody knows whether it was written. */
  doubt(row: string): void {
    this.#doubts.add(row);
  }

  /** What a refused condition means. */
  taken(): KvError {
    return this.#conflict('another mirror of this name writes to the target: give each a name of its own');
  }

  #decode(row: string): { readonly place: Place | undefined; readonly step: number } {
    const { format, range, revision, part, copying, cluster, newest } = parse(row);
    const placed = isCount(revision, 1) && isCount(part, 0);
    const isNamed =
      (cluster === undefined || typeof cluster === 'string') && (newest === undefined || isNewest(newest));
    if (format !== 1 || !(placed || isCount(copying, 1)) || !isNamed) {
      const message = 'the target holds something else where this mirror notes its place: give it another name';
      throw new KvError('KV_DECODE', message, { key: this.key });
    }
    if (range !== this.#range)
      throw this.#conflict('the mirror of this name has another range: give this one another name');
    this.#clusterId = cluster ?? this.#clusterId;
    if (!placed) return { place: undefined, step: copying as number };
    return { place: { revision, part, newest: newest && { ...newest, key: keyBytes(newest.key) } }, step: 0 };
  }

  #conflict(message: string): KvError {
    return new KvError('KV_CONFLICT', message, { key: this.key });
  }
}

interface Row {
  readonly format?: unknown;
  readonly range?: unknown;
  readonly revision?: unknown;
  readonly part?: unknown;
  readonly copying?: unknown;
  readonly cluster?: unknown;
  readonly newest?: unknown;
}

function parse(row: string): Row {
  try {
    return Object(JSON.parse(row)) as Row;
  } catch {
    return {};
  }
}

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isNewest(value: unknown): value is Omit<Newest, 'key'> & { readonly key: string } {
  const { key, revision, sum } = Object(value) as { readonly [name in keyof Newest]?: unknown };
  return typeof key === 'string' && byteKey(keyBytes(key)) === key && isCount(revision, 1) && isCount(sum, 0);
}
