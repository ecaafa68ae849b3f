/**
 * One committed state: the buckets of a moment and a LevelDB snapshot that shows them.
 *
 * CM1  The snapshot is made when a second view of this state may be needed, at most once, and shared: pins of one
 *     state cost a counter. Without one, reads go to LevelDB's newest state, which is this one.
 * CM2  Before a commit starts the current state gets its snapshot. LevelDB shows the new rows when its own thread is
 *     done, which may be between two reads of one tick; views must not (ENG3).
 * CM3  The snapshot is released with its last holder. The engine itself holds the current state.
 */
import type { BackendError } from '../../../contract/errors.ts';
import type { Directory } from './directory.ts';
import type { Level, LevelSnapshot } from '../driver.ts';
import { asBackendError, corruptError } from '../failure.ts';
import { SLOT_BYTES, decodeValue, encodeKey, toHex, type Slot } from './rows.ts';

interface ReadOptions {
  readonly keyEncoding: 'view';
  readonly valueEncoding: 'view';
  readonly snapshot: LevelSnapshot;
}

export class Committed {
  readonly directory: Directory;
  /** LevelDB's number of the last operation in it. */
  readonly sequence: number;
  /** LevelDB that shows it. */
  readonly level: Level;
  /** Where that has its tables. */
  readonly path: string;
  #holders = 1;
  #read: ReadOptions | undefined;

  constructor(level: Level, path: string, directory: Directory, sequence: number) {
    this.level = level;
    this.path = path;
    this.directory = directory;
    this.sequence = sequence;
  }

  /** Makes this state independent of later commits, and adds a holder. */
  hold(): this {
    this.fix();
    this.#holders++;
    return this;
  }

  fix(): ReadOptions {
    return (this.#read ??= { keyEncoding: 'view', valueEncoding: 'view', snapshot: this.level.snapshot() });
  }

  release(): void {
    if (--this.#holders > 0 || this.#read === undefined) return;
    // Closing a snapshot does its work before it returns; the promise has nothing left to fail with.
    void this.#read.snapshot.close().catch(() => undefined);
  }

  /** @throws BackendError `BACKEND_CORRUPT`, or `BACKEND_FAILED` when LevelDB cannot read */
  get(bucket: string, key: Uint8Array): Uint8Array | undefined {
    const slot = this.directory.get(bucket);
    return slot === undefined ? undefined : this.getRow(slot, key);
  }

  getRow(slot: Slot, key: Uint8Array): Uint8Array | undefined {
    const encoded = encodeKey(slot, key);
    let stored: Uint8Array | undefined;
    try {
      stored = this.#read === undefined ? this.level.getSync(encoded) : this.level.getSync(encoded, this.#read);
    } catch (error) {
      throw this.readError(error, slot, key);
    }
    if (stored === undefined) return undefined;
    const value = decodeValue(slot, encoded, SLOT_BYTES, stored);
    if (value === undefined) throw this.damaged(slot, key);
    return value;
  }

  damaged(slot: Slot, key: Uint8Array): BackendError {
    return corruptError(this.path, `the row ${toHex(key)} of bucket ${JSON.stringify(slot.name)} has a wrong checksum`);
  }

  readError(error: unknown, slot: Slot, key?: Uint8Array): BackendError {
    const row = key === undefined ? 'a row' : `the row ${toHex(key)}`;
    return asBackendError(error, `Reading ${row} of bucket ${JSON.stringify(slot.name)} from`, this.path);
  }
}
