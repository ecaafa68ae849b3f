/**
 * Filling an empty backend, on any engine, from a BoltDB file or an etcd snapshot.
 *
 * IS1  Nothing is written before the file's hash was found to be true, the file to be a store's, and the target to be empty,
 *     that is, without a bucket (R50, R128). The path is made absolute in the tick of the call.
 * IS2  Memory is bounded whatever the size: rows are lent by the file, a section at a time, and `admit` pushes back.
 * IS3  The target is whole or empty. When the import fails after it has begun to write, what it wrote is deleted again;
 *     where that is not to be done any more, the process being dead or the target failed, the next opening does it
 *     (`unfinished-import.ts`).
 * IS4  The file may come from a stranger: no page of it is read twice, so what is written is bounded by its size.
 *
 * etcd: etcdutl snapshot restore. Departs: any engine is a target; raft's rows come along as they are.
 */
import { openBolt, type Bolt, type ReadTransaction } from '@varve/bolt';
import { compareBytes } from '@varve/base/order';
import { check, checkOptions, isBoolean, isFunction, isPath, isSignal, type Rules } from '@varve/base/options';
import { nodeWorld } from '@varve/base/node/world';
import { Slice } from '@varve/base/pace';
import { isWorld, type World } from '@varve/base/world';
import { indexAside } from '../contract/aside.ts';
import type { Backend } from '../contract/backend.ts';
import { type Bucket, bucketNamed } from '../contract/bucket.ts';
import { BackendError } from '../contract/errors.ts';
import { nameBytes, nameText } from '../engines/file/bucket-name.ts';
import { fileFailure } from '../engines/file/failure.ts';
import { requireStore } from '../engines/file/open-file.ts';
import { identityOf, verifyHash } from './import-file.ts';
import { shown } from '../read/scan-order.ts';
import { unfinishedImport } from './unfinished-import.ts';

export interface ImportProgress {
  /** The hash of the file is being taken, or rows are being written. */
  readonly phase: 'verifying' | 'writing';
  /** Bytes of the file verified, or bytes of keys and values written. */
  readonly bytes: number;
  /** Bytes to verify; for writing an upper bound: what the rows take up in the file. */
  readonly totalBytes: number;
  readonly rows: number;
}

export interface ImportOptions {
  /** Take a file without a hash, such as a copy of etcd's `member/snap/db`, or one whose hash is wrong. @default false */
  readonly skipHashCheck?: boolean | undefined;
  /** Aborting rejects with the signal's own reason, and leaves the target empty. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then. What it throws ends the import. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Clock and files, for tests: `@varve/base/world`. @default Node's */
  readonly world?: World | undefined;
}

export interface ImportResult {
  readonly buckets: number;
  readonly rows: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
}

const rules: Rules<ImportOptions> = {
  skipHashCheck: isBoolean,
  signal: isSignal,
  onProgress: isFunction,
  world: isWorld,
};
const sectionRows = 1000;
const sectionBytes = 256 * 1024;

/**
 * Writes every bucket and row of a BoltDB file into an empty backend; resolves when they are durable. Open the store above
 * afterwards, and write nothing meanwhile. Should the process end before that, the target is empty when it is opened again.
 * @throws BackendError `BACKEND_NOT_FOUND`, `BACKEND_FOREIGN`, `BACKEND_VERSION`, `BACKEND_LOCKED`, `BACKEND_UNREADABLE`,
 * `BACKEND_CORRUPT` about the file; `BACKEND_NOT_EMPTY`, `BACKEND_READ_ONLY`, `BACKEND_FAILED`, `BACKEND_CLOSED` about the target
 */
export async function importSnapshot(
  path: string,
  backend: Backend,
  options: ImportOptions = {},
): Promise<ImportResult> {
  check(path, 'path', isPath);
  checkOptions(options, rules);
  const { skipHashCheck = false, signal, onProgress = () => {}, world = nodeWorld } = options;
  signal?.throwIfAborted();
  // Before the first wait: the working directory is the caller's of this moment (XA5).
  const place = world.files.absolute(path);
  if (backend.readOnly) {
    throw new BackendError('BACKEND_READ_ONLY', 'the target of an import must not be open for reading only');
  }
  if (backend.buckets().length > 0) {
    throw new BackendError('BACKEND_NOT_EMPTY', 'the target of an import must be empty, and this one has buckets');
  }
  // Of rows that are not there any more. Where it cannot go, whoever opens the store above finds that it does not fit.
  await backend.aside?.remove(indexAside).catch(() => undefined);
  const identity = await identityOf(world.files, place);
  const bolt = await openSource(place, path, signal, world);
  try {
    if (!skipHashCheck) {
      await verifyHash(world.files, { place: bolt.path, path, identity }, signal, (bytes, totalBytes) =>
        onProgress({ phase: 'verifying', bytes, totalBytes, rows: 0 }),
      );
    }
    requireStore(bolt, path);
    return await new Import(bolt, path, backend, signal, onProgress, new Slice(world.clock)).run();
  } catch (error) {
    throw fileFailure(error, path);
  } finally {
    await bolt.close();
  }
}

async function openSource(place: string, path: string, signal: AbortSignal | undefined, world: World): Promise<Bolt> {
  try {
    return await openBolt(place, { readOnly: true, signal, world });
  } catch (error) {
    throw fileFailure(error, path);
  }
}

/** One import, from the first bucket to the last. */
class Import {
  readonly #bolt: Bolt;
  readonly #path: string;
  readonly #backend: Backend;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: (progress: ImportProgress) => void;
  readonly #totalBytes: number;
  readonly #slice: Slice;
  readonly #made: Bucket[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(
    bolt: Bolt,
    path: string,
    backend: Backend,
    signal: AbortSignal | undefined,
    onProgress: (progress: ImportProgress) => void,
    slice: Slice,
  ) {
    this.#slice = slice;
    this.#bolt = bolt;
    this.#path = path;
    this.#backend = backend;
    this.#signal = signal;
    this.#onProgress = onProgress;
    // Asked once: it reads the list of free pages.
    this.#totalBytes = bolt.sizeInUse;
  }

  async run(): Promise<ImportResult> {
    const tx = this.#bolt.read({ borrow: true, once: true });
    try {
      const names = this.#names(tx);
      this.#backend.batchTx((batch) => batch.createBucket(unfinishedImport));
      for (const name of names) await this.#copyBucket(tx, name);
      this.#backend.batchTx((batch) => batch.deleteBucket(unfinishedImport));
      await this.#backend.forceCommit();
    } catch (error) {
      await this.#clear();
      throw fileFailure(error, this.#path);
    } finally {
      tx.end();
    }
    return { buckets: this.#made.length, rows: this.#rows, bytes: this.#bytes };
  }

  #names(tx: ReadTransaction): string[] {
    const names: string[] = [];
    for (const { key, value } of tx.root.entries()) {
      const name = nameText(key);
      if (value !== undefined || !/^[\x20-\x7e]+$/.test(name))
        throw this.#foreign('has something else than named buckets in it');
      if (name === unfinishedImport.name) {
        const message = `${this.#path} is the remains of an import that was cut short: rows are missing. Take another copy`;
        throw new BackendError('BACKEND_CORRUPT', message, { path: this.#path });
      }
      names.push(name);
    }
    return names;
  }

  async #copyBucket(tx: ReadTransaction, name: string): Promise<void> {
    const bucket = bucketNamed(name);
    const rows = tx.bucket(nameBytes(name))?.cursor();
    this.#made.push(bucket);
    this.#backend.batchTx((batch) => batch.createBucket(bucket));
    let last: Uint8Array | undefined;
    for (let more = rows?.first() === true; more;) {
      this.#signal?.throwIfAborted();
      if (!this.#backend.admitting) await this.#backend.admit();
      this.#backend.batchTx((batch) => {
        let bytes = 0;
        for (let left = sectionRows; more && left > 0 && bytes < sectionBytes; left -= 1) {
          const { key, value } = rows!;
          if (last !== undefined && compareBytes(key, last) <= 0) throw this.#outOfOrder(name, key, last);
          last = new Uint8Array(key);
          if (value === undefined) throw this.#foreign(`has a bucket inside of bucket "${name}"`);
          batch.put(bucket, key, value);
          bytes += key.length + value.length;
          this.#rows += 1;
          more = rows!.next();
        }
        this.#bytes += bytes;
      });
      this.#onProgress({
        phase: 'writing',
        bytes: this.#bytes,
        totalBytes: this.#totalBytes,
        rows: this.#rows,
      });
      if (this.#slice.over) await this.#slice.turn();
    }
  }

  /** Best effort: the first failure is the one to know. */
  async #clear(): Promise<void> {
    try {
      this.#backend.batchTx((batch) => {
        for (const bucket of [...this.#made, unfinishedImport]) batch.deleteBucket(bucket);
      });
      await this.#backend.forceCommit();
    } catch {
      // The target has failed, and refuses everything from now on: the next opening empties it.
    }
  }

  /** Taken as they come, pages that lead in a circle would be imported for ever. */
  #outOfOrder(name: string, key: Uint8Array, last: Uint8Array): BackendError {
    const message = `${this.#path} is damaged: in bucket "${name}" key ${shown(key)} comes after key ${shown(last)}. Take another copy`;
    return new BackendError('BACKEND_CORRUPT', message, { path: this.#path });
  }

  #foreign(what: string): BackendError {
    return new BackendError('BACKEND_FOREIGN', `${this.#path} ${what}: it is not a store`, { path: this.#path });
  }
}
