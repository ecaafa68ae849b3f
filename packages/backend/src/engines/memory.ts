/**
 * The memory engine: committed states as versions of ordered maps; nothing outlives the process.
 *
 * MM1  A version of the store never changes; a pin is a reference to one. A commit writes the next version aside, in
 *     slices, and swaps it in: readers see all of it or nothing.
 * MM2  Buckets go by name; a bucket is of the kind that the `Bucket` said which created it.
 * MM3  `close` waits for a commit that runs. Views, scans and the engine itself throw `BACKEND_CLOSED` afterwards.
 */
import { hostWorld } from '@varve/base/host';
import { checkOptions, type Rules } from '@varve/base/options';
import { Slice, type Turns } from '@varve/base/pace';
import { isWorld, type World } from '@varve/base/world';
import type { Bucket } from '../contract/bucket.ts';
import type { Changes, Engine, Entry, PinnedView, ScanOptions } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';
import { packChanges, type PackedChanges } from '../contract/packed-changes.ts';
import type { RowSearch } from '../contract/row-search.ts';
import { findResident } from '../resident/find-resident.ts';
import { PackedRows } from '../resident/packed-rows.ts';
import type { ResidentRows } from '../resident/resident-rows.ts';
import { ResidentTree } from '../resident/resident-tree.ts';

export interface MemoryEngine extends Engine {
  readonly durable: false;
}

export interface MemoryOptions {
  /** The clock by which long work lets others run, for tests: `@varve/base/world`. @default Node's */
  readonly world?: World | undefined;
}

/** Rows in memory; nothing outlives the process. @throws TypeError for a wrong option */
export function memoryEngine(options: MemoryOptions = {}): MemoryEngine {
  checkOptions(options, rules);
  return new Memory((options.world ?? hostWorld).clock);
}

const rules: Rules<MemoryOptions> = { world: isWorld };

type Version = ReadonlyMap<string, ResidentRows>;

/** Changes between two looks at the clock. */
const stride = 128;

class Memory implements MemoryEngine {
  readonly durable = false;
  /** Absent once closed. */
  #version: Version | undefined = new Map();
  #working: Promise<unknown> = Promise.resolve();
  readonly #clock: Turns;

  constructor(clock: Turns) {
    this.#clock = clock;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#open().get(bucket.name)?.get(key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    findResident(this.#open().get(bucket.name), search);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    return scanVersion(this.#open(), bucket, options, () => this.#open());
  }

  /** Rows are copied into pages and trees. */
  holds(): boolean {
    return false;
  }

  buckets(): readonly string[] {
    return namesOf(this.#open());
  }

  pin(): PinnedView {
    return new PinnedVersion(this.#open(), () => this.#open());
  }

  async commit(changes: Changes): Promise<void> {
    await this.#replace(nextVersion(this.#open(), packChanges(changes), this.#clock));
  }

  async last(bucket: Bucket): Promise<Uint8Array | undefined> {
    return this.#open().get(bucket.name)?.last();
  }

  async compact(): Promise<void> {
    await this.#replace(compactVersion(this.#open(), this.#clock));
  }

  get size(): number {
    let total = 0;
    for (const rows of this.#version?.values() ?? []) total += rows.byteN;
    return total;
  }

  get sizeInUse(): number {
    let total = 0;
    for (const rows of this.#version?.values() ?? []) total += rows.liveByteN;
    return total;
  }

  async close(): Promise<void> {
    await this.#working.catch(() => {});
    this.#version = undefined;
  }

  async #replace(making: Promise<Version>): Promise<void> {
    this.#working = making;
    this.#version = await making;
  }

  #open(): Version {
    if (this.#version === undefined) throw new BackendError('BACKEND_CLOSED', 'the memory engine is closed');
    return this.#version;
  }
}

class PinnedVersion implements PinnedView {
  /** Absent once disposed. */
  #version: Version | undefined;
  readonly #checkOpen: () => void;

  /** @param checkOpen throws once the engine is closed */
  constructor(version: Version, checkOpen: () => void) {
    this.#version = version;
    this.#checkOpen = checkOpen;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#open().get(bucket.name)?.get(key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    findResident(this.#open().get(bucket.name), search);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    return scanVersion(this.#open(), bucket, options, () => this.#open());
  }

  buckets(): readonly string[] {
    return namesOf(this.#open());
  }

  [Symbol.dispose](): void {
    this.#version = undefined;
  }

  #open(): Version {
    this.#checkOpen();
    if (this.#version === undefined) throw new BackendError('BACKEND_CLOSED', 'this view has ended');
    return this.#version;
  }
}

async function nextVersion(before: Version, changes: PackedChanges, clock: Turns): Promise<Version> {
  const next = new Map(before);
  /** The buckets that are this version's own already. */
  const own = new Set<ResidentRows>();
  const slice = new Slice(clock);
  let hotBucket: Bucket | undefined;
  let hotRows: ResidentRows | undefined;
  for (let i = 0; i < changes.length; i += 1) {
    if (i % stride === stride - 1 && slice.over) await slice.turn();
    const bucket = changes.bucket(i);
    const type = changes.type(i);
    if (type === 'createBucket' || type === 'deleteBucket') {
      hotBucket = undefined;
      if (type === 'deleteBucket') next.delete(bucket.name);
      else if (!next.has(bucket.name)) next.set(bucket.name, bucket.appendOnly ? new PackedRows() : new ResidentTree());
      continue;
    }
    if (bucket !== hotBucket) {
      hotBucket = bucket;
      hotRows = next.get(bucket.name);
      if (hotRows !== undefined && !own.has(hotRows)) {
        hotRows = hotRows.next();
        own.add(hotRows);
        next.set(bucket.name, hotRows);
      }
    }
    if (hotRows === undefined) continue;
    if (type === 'put') hotRows.putPlace(changes.block(i), changes.start(i), changes.keyEnd(i), changes.end(i));
    else hotRows.delete(changes.key(i));
  }
  return next;
}

async function compactVersion(before: Version, clock: Turns): Promise<Version> {
  const next = new Map<string, ResidentRows>();
  const slice = new Slice(clock);
  for (const [name, rows] of before) next.set(name, await rows.compacted(slice));
  return next;
}

function namesOf(version: Version): readonly string[] {
  return [...version.keys()].sort((a, b) => (a < b ? -1 : 1));
}

async function* scanVersion(
  version: Version,
  bucket: Bucket,
  options: ScanOptions,
  checkOpen: () => void,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const { start, end, chunkSize = 256, signal } = options;
  signal?.throwIfAborted();
  checkOpen();
  let chunk: Entry[] = [];
  for (const entry of version.get(bucket.name)?.scan(start, end) ?? []) {
    chunk.push(entry);
    if (chunk.length < chunkSize) continue;
    yield chunk;
    signal?.throwIfAborted();
    checkOpen();
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
