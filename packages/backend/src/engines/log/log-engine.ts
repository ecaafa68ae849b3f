/**
 * The engine over an open log store: reads of its present state, pins, and what the Backend asks for.
 *
 * LGEN1  One commit in flight. Views show the state before it until its frame is durable, then the state after it (ENG3).
 * LGEN2  A pin is a reference to a state; so is a scan until it ends. What they hold keeps its files (`state/holders.ts`).
 * LGEN3  `close` ends scans and pins, lets the commit that runs come to its end, and then the work beside it (`clean/upkeep.ts`).
 */
import { basename } from 'node:path';
import type { Bucket } from '../../contract/bucket.ts';
import type { Changes, Engine, Entry, PinnedView, Room, ScanOptions } from '../../contract/engine.ts';
import { BackendError } from '../../contract/errors.ts';
import type { RowSearch } from '../../contract/row-search.ts';
import { AsideFiles } from '../aside-files.ts';
import { Upkeep } from './clean/upkeep.ts';
import { closedError } from './failure.ts';
import { TEMPORARY } from './names.ts';
import { PinnedState, StateReader } from './read/state-view.ts';
import type { Holder } from './state/holders.ts';
import { liveBytesOf, namesOf, residentBytesOf, type State } from './state/state.ts';
import { rowRoom } from './write/build-frame.ts';
import { LogStore, type LogParts } from './write/log-store.ts';

export interface LogStats {
  readonly commit: number;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly liveBytes: number }[];
  readonly buckets: readonly {
    readonly name: string;
    readonly number: number;
    readonly appendOnly: boolean;
    readonly rows: number;
  }[];
}

export class LogEngine implements Engine {
  readonly durable = true;
  readonly readOnly: boolean;
  readonly room: Room = rowRoom;
  readonly aside: AsideFiles;
  readonly #folder: string;
  readonly #store: LogStore;
  readonly #upkeep: Upkeep;
  readonly #reader: StateReader;
  #closing: Promise<void> | undefined;

  constructor(parts: LogParts) {
    this.#folder = parts.folder;
    this.#store = new LogStore(parts);
    this.#upkeep = new Upkeep(this.#store);
    this.#reader = new StateReader(parts.openFiles);
    this.readOnly = parts.acked === undefined;
    const { files, folder, storeId } = parts;
    this.aside = new AsideFiles({
      folders: files,
      folder,
      id: storeId,
      readOnly: this.readOnly,
      temporary: () => `${TEMPORARY}aside-${Buffer.from(files.random(6)).toString('hex')}`,
      require: () => {
        void this.#state();
        this.#store.requirePlace();
      },
    });
  }

  get warnings(): readonly string[] {
    return this.#upkeep.warnings;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#reader.get(this.#state(), bucket, key);
  }

  find(bucket: Bucket, search: RowSearch): void {
    this.#reader.find(this.#state(), bucket, search);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    return this.#scan(this.#state(), bucket, options, () => void this.#state());
  }

  holds(block: Uint8Array): boolean {
    return this.#store.parts.openFiles.recent.holds(block);
  }

  buckets(): readonly string[] {
    return namesOf(this.#state());
  }

  async last(bucket: Bucket): Promise<Uint8Array | undefined> {
    const found = this.#state().buckets.get(bucket.name);
    return found?.appendOnly === true ? found.rows.floor : found?.rows.last();
  }

  pin(): PinnedView {
    const holder: { state: State | undefined } = { state: this.#state() };
    const reference = this.#upkeep.holders.add(holder);
    const state = (): State => {
      void this.#state();
      if (holder.state === undefined) throw new BackendError('BACKEND_CLOSED', 'this view has ended');
      return holder.state;
    };
    const scan = (bucket: Bucket, options: ScanOptions): AsyncIterable<readonly Entry[]> =>
      this.#scan(state(), bucket, options, () => void state());
    return new PinnedState(this.#reader, state, scan, () => {
      holder.state = undefined;
      this.#letGo(reference);
    });
  }

  async commit(changes: Changes): Promise<void> {
    this.#checkWritable();
    this.#upkeep.afterCommit(await this.#store.commit(changes));
  }

  async compact(): Promise<void> {
    this.#checkWritable();
    await this.#upkeep.compact();
  }

  get size(): number {
    return this.#store.state.files.reduce((sum, file) => sum + file.bytes, this.#upkeep.imageBytes);
  }

  get sizeInUse(): number {
    const { state } = this.#store;
    let sum = residentBytesOf(state);
    for (const bytes of liveBytesOf(state).values()) sum += bytes;
    return Math.min(sum, this.size);
  }

  /** What the store consists of, for who looks at it. */
  stats(): LogStats {
    const state = this.#state();
    const live = liveBytesOf(state);
    return {
      commit: state.commit,
      files: state.files.map((file) => ({
        name: basename(file.path),
        bytes: file.bytes,
        liveBytes: live.get(file) ?? 0,
      })),
      buckets: [...state.buckets.values()].map(({ name, number, appendOnly, rows }) => ({
        name,
        number,
        appendOnly,
        rows: 'rowN' in rows ? rows.rowN : [...rows.scan(undefined, undefined)].length,
      })),
    };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    try {
      await this.#store.idle();
      await this.#upkeep.close(closedError(this.#folder));
      await this.#store.close();
    } catch {
      // Everything acknowledged is durable; there is nothing more to be had from these descriptors.
    } finally {
      this.#store.parts.release();
    }
  }

  #scan(state: State, bucket: Bucket, options: ScanOptions, checkOpen: () => void): AsyncIterable<readonly Entry[]> {
    const holder: Holder = { state };
    const reference = this.#upkeep.holders.add(holder);
    const rows = this.#reader.scan(state, bucket, options, checkOpen);
    return held(rows, holder, () => this.#letGo(reference));
  }

  #letGo(reference: WeakRef<Holder>): void {
    this.#upkeep.holders.delete(reference);
    this.#upkeep.removeSoon();
  }

  /** @throws BackendError `BACKEND_CLOSED` */
  #state(): State {
    if (this.#closing !== undefined) throw closedError(this.#folder);
    return this.#store.state;
  }

  #checkWritable(): void {
    void this.#state();
    if (!this.readOnly) return;
    const path = this.#folder;
    throw new BackendError('BACKEND_READ_ONLY', `${path} is open for reading only`, { path });
  }
}

/** Rows, and what keeps their files while somebody may ask for more. */
async function* held(
  rows: AsyncGenerator<readonly Entry[], void, undefined>,
  holder: Holder,
  letGo: () => void,
): AsyncGenerator<readonly Entry[], void, undefined> {
  try {
    yield* rows;
  } finally {
    if (holder.state !== undefined) letGo();
  }
}
