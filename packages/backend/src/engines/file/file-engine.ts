/**
 * The engine over an open BoltDB file: one write transaction a commit, one pinned read transaction for the present.
 *
 * FE1  `get` and `scan` answer from a view of the newest committed state, which is exchanged when a commit is durable.
 * FE2  A commit is applied in steps: the event loop turns meanwhile, and nobody sees a part of it (law 10).
 * FE3  Rows of append-only buckets fill pages to 90 %, as etcd's do; others leave room to grow.
 * FE4  Over a file that is open for reading only there is one state for ever, and `@varve/bolt` refuses the rest.
 *
 * etcd: server/storage/backend/batch_tx.go over bbolt.
 */
import type { Turns } from '@varve/base/pace';
import type { Bolt, WriteBucket, WriteTransaction } from '@varve/bolt';
import type { Bucket } from '../../contract/bucket.ts';
import type { Changes, Engine, Entry, PinnedView, ScanOptions, Snapshot } from '../../contract/engine.ts';
import { BackendError } from '../../contract/errors.ts';
import { packChanges, type PackedChanges } from '../../contract/packed-changes.ts';
import { nameBytes } from './bucket-name.ts';
import { fileFailure } from './failure.ts';
import { FileSnapshot } from './file-snapshot.ts';
import { FileView } from './file-view.ts';
import { storeMark } from './recognise.ts';

const appendFill = 0.9;
/** Changes a step. */
const stepChanges = 2;

export class FileEngine implements Engine {
  readonly durable = true;
  readonly readOnly: boolean;
  readonly warnings: readonly string[];
  readonly #bolt: Bolt;
  readonly #clock: Turns;
  #present: FileView;
  /** The commit or compaction that runs, for `close` to wait for. */
  #running: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(bolt: Bolt, clock: Turns) {
    this.#bolt = bolt;
    this.#clock = clock;
    this.readOnly = bolt.readOnly;
    this.warnings = bolt.warnings.map(({ page, message }) =>
      page === undefined ? message : `page ${page}: ${message}`,
    );
    this.#present = new FileView(bolt, clock);
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    return this.#present.get(bucket, key);
  }

  scan(bucket: Bucket, options?: ScanOptions): AsyncIterable<readonly Entry[]> {
    this.#checkOpen();
    return this.#present.scan(bucket, options);
  }

  buckets(): readonly string[] {
    this.#checkOpen();
    return this.#present.buckets();
  }

  /** A commit copies rows into images of pages. */
  holds(): boolean {
    return false;
  }

  async last(bucket: Bucket): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    return this.#present.lastKey(bucket);
  }

  pin(): PinnedView {
    this.#checkOpen();
    return new FileView(this.#bolt, this.#clock);
  }

  async commit(changes: Changes): Promise<void> {
    this.#checkOpen();
    const packed = packChanges(changes);
    await this.#run(this.#bolt.writeInSteps((tx) => apply(tx, packed)));
  }

  async compact(): Promise<void> {
    this.#checkOpen();
    await this.#run(this.#bolt.defrag());
  }

  async snapshot(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Snapshot> {
    this.#checkOpen();
    return new FileSnapshot(this.#bolt.copy(options), this.#bolt.path);
  }

  get size(): number {
    return this.#bolt.size;
  }

  get sizeInUse(): number {
    return this.#bolt.sizeInUse;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#running.catch(() => undefined);
    this.#present[Symbol.dispose]();
    await this.#bolt.close();
  }

  /** Waits for work that makes a new state, and shows it. A view of before would keep its pages, or its file, alive. */
  async #run(work: Promise<unknown>): Promise<void> {
    const done = work.then(() => {
      const before = this.#present;
      this.#present = new FileView(this.#bolt, this.#clock);
      before[Symbol.dispose]();
    });
    this.#running = done;
    try {
      await done;
    } catch (error) {
      throw fileFailure(error, this.#bolt.path);
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new BackendError('BACKEND_CLOSED', `${this.#bolt.path} is closed`, { path: this.#bolt.path });
  }
}

function* apply(tx: WriteTransaction, changes: PackedChanges): Generator<void, void> {
  const buckets = new Map<string, WriteBucket>();
  let hotBucket: Bucket | undefined;
  let target: WriteBucket | undefined;
  if (tx.root.sequence !== storeMark && changes.length > 0) tx.root.setSequence(storeMark);
  for (let i = 0; i < changes.length; i += 1) {
    if (i % stepChanges === stepChanges - 1) yield;
    const type = changes.type(i);
    const bucket = changes.bucket(i);
    if (type === 'createBucket' || type === 'deleteBucket') {
      hotBucket = undefined;
      if (type === 'createBucket') tx.createBucketIfMissing(nameBytes(bucket.name));
      else if (tx.deleteBucket(nameBytes(bucket.name))) buckets.delete(bucket.name);
      continue;
    }
    if (target === undefined || bucket !== hotBucket) {
      hotBucket = bucket;
      target = buckets.get(bucket.name) ?? openBucket(tx, bucket, buckets);
    }
    if (type === 'put') target.putLent(changes.block(i), changes.start(i), changes.keyEnd(i), changes.end(i));
    else target.delete(changes.key(i));
  }
}

function openBucket(tx: WriteTransaction, bucket: Bucket, open: Map<string, WriteBucket>): WriteBucket {
  // The Backend has checked that the bucket exists.
  const found = tx.createBucketIfMissing(nameBytes(bucket.name));
  if (bucket.appendOnly) found.fillPercent = appendFill;
  open.set(bucket.name, found);
  return found;
}
