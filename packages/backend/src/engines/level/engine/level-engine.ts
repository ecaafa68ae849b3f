/**
 * The engine over an open LevelDB.
 *
 * LE1  One commit in flight (R64). Views show the state before it until it is durable, then the state after it (ENG3).
 * LE2  A failed commit is final (R25): nothing is retried, and reads stay at the last state that was acknowledged.
 * LE3  A commit is durable with its names: LevelDB syncs a new log, not the folder that lists it, so the folder is
 *     synced whenever it changed.
 * LE4  `close` ends scans, pins and a running commit before LevelDB is closed under them (R74).
 * LE5  `close` has LevelDB put what it holds in memory into tables, if that is much: the next open would have to read it
 *     from the log and do so then.
 * LE6  An open engine is referred to from here. LevelDB and its lock go when nobody refers to them, and a program that has
 *     forgotten its store must not find it opened by another one.
 * LE7  LevelDB's MANIFEST and log of events grow until it opens the folder again, so it is made to, between two commits and
 *     while nobody holds an older state (`renewal.ts`). Reads go on; when that fails, it is as with a failed commit.
 * LE8  LevelDB goes by the folder's name, so it gets no work once that belongs to something else (`held-folder.ts`).
 */
import type { Bucket } from '../../../contract/bucket.ts';
import type { Changes, Engine, Entry, PinnedView, Room, ScanOptions } from '../../../contract/engine.ts';
import { BackendError } from '../../../contract/errors.ts';
import { Committed } from './committed.ts';
import type { Directory } from './directory.ts';
import type { Level, LevelClass } from '../driver.ts';
import type { DurableMark } from './durable-mark.ts';
import { lastKey } from './last-key.ts';
import { asBackendError, systemError } from '../failure.ts';
import type { Files } from '../files.ts';
import { HeldFolder } from '../opening/held-folder.ts';
import type { DriverSettings } from '../opening/open-checked.ts';
import { PrivateFiles } from '../opening/private-files.ts';
import { reopen } from './renewal.ts';
import { levelAside } from './level-aside.ts';
import { RowScan, type LongScan, type ScanSource } from './read-rows.ts';
import { openStandIn, type StandIn } from './stand-in.ts';
import { StoreSize } from './store-size.ts';
import { levelRoom, writeCommit, type CommitPosition } from './write-commit.ts';
import { BEHIND, writeMemory } from './flush.ts';

/** A folder's time stamps may be this coarse: a change this close to the last look may have gone unnoticed. */
const STAMP_MS = 50;
/** A log of less is read at open in a few milliseconds, and small tables slow reads down. */
const WORTH_A_TABLE = 4 << 20;
/** What MANIFEST and log of events may grow by. A MANIFEST begins with a list of all tables, which is not to be written for nothing. */
const EVENT_BYTES = 1 << 20;
/** When LevelDB could not be opened again now, for somebody who reads or for want of second names, not before that. */
const RENEW_AGAIN_MS = 5000;

const openEngines = new Set<LevelEngine>(); // LE6

export interface OpenedLevel {
  readonly Level: LevelClass;
  readonly settings: DriverSettings & { readonly eventBytes?: number | undefined };
  readonly level: Level;
  readonly files: Files;
  /** The folder, links resolved. */
  readonly path: string;
  /** Which store it is, if it says so. */
  readonly storeId: string | undefined;
  /** Of the folder, as `Files.identity` gives it. */
  readonly identity: string;
  readonly directory: Directory;
  readonly position: CommitPosition;
  readonly warnings: readonly string[];
  readonly mark: DurableMark;
  readonly longScan: LongScan;
  /** Called once LevelDB is closed. */
  readonly onClosed: () => void;
}

export class LevelEngine implements Engine, ScanSource {
  readonly durable = true;
  readonly room: Room = levelRoom;
  readonly holds = (): boolean => false; // LevelDB copies what is put into a batch.
  readonly warnings: readonly string[];
  readonly aside: Engine['aside'];
  readonly #opened: OpenedLevel;
  readonly #folder: HeldFolder;
  readonly #size: StoreSize;
  readonly #private: PrivateFiles;
  readonly #scans = new Set<RowScan>();
  readonly #pins = new Set<Pin>();
  /** What is read from and written to; while it is opened again, and after that has failed, what is read from. */
  #level: Level;
  #standIn: StandIn | undefined;
  #leaving: Promise<void> | undefined;
  #state: Committed;
  #position: CommitPosition;
  /** All operations up to this one lie in tables: LevelDB puts its log into one as it opens. */
  #inTables: number;
  #writing: Promise<boolean> = Promise.resolve(true);
  #folderStamp = Number.NaN;
  /** Bytes committed since opening. */
  #written = 0;
  #working: Promise<unknown> = Promise.resolve();
  #failure: { readonly cause: unknown } | undefined;
  /** Size of MANIFEST and log of events when LevelDB began them. */
  #eventBytesBegun = 0;
  #renewNotBefore = 0;
  #closing: Promise<void> | undefined;

  constructor(opened: OpenedLevel) {
    this.#opened = opened;
    this.warnings = opened.warnings;
    this.#level = opened.level;
    this.#state = new Committed(opened.level, opened.path, opened.directory, opened.position.sequence);
    this.#position = opened.position;
    this.#inTables = opened.position.sequence;
    this.#folder = new HeldFolder(opened.files, opened.path, opened.identity);
    this.#size = new StoreSize(() => this.#level, opened.files, opened.path);
    this.#private = new PrivateFiles(opened.files, opened.path);
    this.aside = levelAside(opened, this.#folder, () => this.#assertOpen());
  }

  /** Samples the size; part of opening. */
  async start(): Promise<void> {
    this.#folder.require();
    await this.#private.see();
    await this.#size.sample();
    this.#eventBytesBegun = this.#size.eventBytes;
    openEngines.add(this);
  }

  get files(): Files {
    return this.#opened.files;
  }

  get longScan(): LongScan {
    return this.#opened.longScan;
  }

  get size(): number {
    return this.#size.bytes;
  }

  get sizeInUse(): number {
    return this.#size.bytesInUse;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#state.get(bucket.name, key);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    this.#assertOpen();
    return this.scanOf(this.#state, bucket, options);
  }

  last(bucket: Bucket): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    return lastKey(this.#state, bucket.name);
  }

  buckets(): readonly string[] {
    this.#assertOpen();
    return this.#state.directory.names;
  }

  pin(): PinnedView {
    this.#assertOpen();
    const pin = new Pin(this, this.#state.hold(), (ended) => {
      this.#pins.delete(ended);
      this.#leaveStandIn();
    });
    this.#pins.add(pin);
    return pin;
  }

  /** For pins: a scan of the state they hold. */
  scanOf(state: Committed, bucket: Bucket, options: ScanOptions): RowScan {
    const scan = new RowScan(this, state, bucket.name, options, (ended) => {
      this.#scans.delete(ended);
      this.#leaveStandIn();
    });
    state.hold();
    this.#scans.add(scan);
    return scan;
  }

  inTables(sequence: number): boolean {
    return sequence <= this.#inTables;
  }

  intoTables(): Promise<boolean> {
    return (this.#writing = this.#writing.then(async () => {
      const { sequence } = this.#position;
      if (this.inTables(sequence)) return true;
      if (this.#closing !== undefined || this.#failure !== undefined || !this.#folder.isInPlace) return false;
      const { files, path } = this.#opened;
      const worked = await writeMemory(this.#level, files, path);
      if (worked) this.#inTables = sequence;
      return worked;
    }));
  }

  /** Rejects with the system's error (`code` ENOSPC, EIO …) where there is one; every later call with the same. */
  commit(changes: Changes): Promise<void> {
    return this.#alone(() => this.#commit(changes));
  }

  compact(): Promise<void> {
    return this.#alone(async () => {
      if (this.#standIn !== undefined && this.#failure !== undefined) throw this.#failure.cause;
      try {
        this.#folder.require();
        await this.#level.compactRange(Uint8Array.of(0), BEHIND);
        this.#folder.require();
        await this.#private.see();
        await this.#size.sample();
      } catch (error) {
        throw asBackendError(error, 'Compacting', this.#opened.path);
      }
      this.#renewIfDue();
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #commit(changes: Changes): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.cause;
    const level = this.#level;
    const before = this.#state;
    before.fix();
    let committing;
    try {
      this.#folder.require();
      const isKnown = this.#opened.settings.isKnown !== false;
      committing = await writeCommit(level, before, this.#position, changes, isKnown, this.files.clock);
      await this.#syncFolder(this.#folder.require().changedMs);
    } catch (error) {
      this.#failure = { cause: systemError(error) };
      throw this.#failure.cause;
    }
    this.#position = committing.position;
    this.#opened.mark.set(this.#position.sequence);
    this.#state = new Committed(level, this.#opened.path, committing.directory, this.#position.sequence);
    before.release();
    this.#size.grow(committing.bytes);
    this.#written += committing.bytes;
    this.#renewIfDue();
  }

  #renewIfDue(): void {
    const { files, settings } = this.#opened;
    const grown = this.#size.eventBytes - this.#eventBytesBegun;
    if (grown < Math.max(settings.eventBytes ?? EVENT_BYTES, 2 * this.#eventBytesBegun)) return;
    if (files.clock.now() < this.#renewNotBefore) return;
    this.#renewNotBefore = files.clock.now() + RENEW_AGAIN_MS;
    this.#working = this.#working.then(() => (this.#writing = this.#writing.then(() => this.#renew())));
  }

  /** LE7. Never rejects. @returns true */
  async #renew(): Promise<boolean> {
    if (this.#closing !== undefined || this.#failure !== undefined || this.#standIn !== undefined) return true;
    if (!this.#folder.isInPlace) return true; // the next commit says so
    const { Level, files, path, settings } = this.#opened;
    const standIn = this.#isRead ? undefined : await this.#openStandIn();
    if (standIn === undefined) return true;
    if (this.#isRead) {
      await standIn.close().catch(() => undefined); // somebody has begun to read meanwhile
      return true;
    }
    const level = this.#level;
    this.#standIn = standIn;
    this.#show(standIn.level, standIn.path);
    try {
      await this.#size.settled();
      this.#show(await reopen(level, { Level, files, path, settings, position: this.#position }), path);
      this.#inTables = this.#position.sequence;
      this.#leaveStandIn();
      await this.#private.see();
      await this.#size.sample();
      this.#eventBytesBegun = this.#size.eventBytes;
    } catch (error) {
      this.#failure ??= { cause: systemError(error) };
    }
    return true;
  }

  /** `undefined` when LevelDB is at work on its own, or there is no second name to be had: it is tried again later. */
  async #openStandIn(): Promise<StandIn | undefined> {
    const { Level, files, path, settings } = this.#opened;
    try {
      if (!(await writeMemory(this.#level, files, path))) return undefined;
      return await openStandIn(Level, files, path, settings, this.#position.counter);
    } catch {
      return undefined;
    }
  }

  get #isRead(): boolean {
    return this.#pins.size > 0 || this.#scans.size > 0;
  }

  /** The newest state is read from there from now on. */
  #show(level: Level, path: string): void {
    const before = this.#state;
    this.#level = level;
    this.#state = new Committed(level, path, before.directory, before.sequence);
    before.release();
  }

  /** Closes the stand-in once it is not needed and nobody reads from it any more. */
  #leaveStandIn(): void {
    const standIn = this.#standIn;
    if (standIn === undefined || this.#level === standIn.level || this.#isRead) return;
    this.#standIn = undefined;
    this.#leaving = standIn.close().catch(() => undefined);
  }

  /** LE5. The log holds everything until that has worked. */
  async #leaveTables(): Promise<void> {
    if (this.#written < WORTH_A_TABLE || this.#failure !== undefined || !this.#folder.isInPlace) return;
    const { files, path } = this.#opened;
    if (await writeMemory(this.#level, files, path)) await files.syncFolder(path);
  }

  /** LE3. @param stamp when the folder was last changed, as it was found behind the commit */
  async #syncFolder(stamp: number): Promise<void> {
    const { files, path } = this.#opened;
    if (stamp === this.#folderStamp) return;
    await files.syncFolder(path);
    await this.#private.see();
    this.#folder.require();
    const settled = files.clock.unixMs() - stamp > STAMP_MS;
    this.#folderStamp = settled ? stamp : Number.NaN;
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const turn = this.#working.then(work);
    this.#working = turn.catch(() => undefined);
    return turn;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#working, this.#writing]);
    for (const pin of this.#pins) pin[Symbol.dispose]();
    await Promise.allSettled([...this.#scans].map((scan) => scan.close()));
    this.#state.release();
    await Promise.all([this.#size.settled(), this.#leaving]);
    const { mark, path, onClosed } = this.#opened;
    try {
      await this.#leaveTables().finally(async () => {
        if (this.#folder.isInPlace) await this.#private.see();
        await mark.close();
        await (this.#standIn?.level === this.#level ? this.#standIn.close() : this.#level.close());
      });
    } catch (error) {
      throw asBackendError(error, 'Closing', path);
    } finally {
      openEngines.delete(this);
      onClosed();
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError(this.#opened.path);
  }
}

class Pin implements PinnedView {
  readonly #engine: LevelEngine;
  readonly #onEnd: (pin: Pin) => void;
  #state: Committed | undefined;

  constructor(engine: LevelEngine, state: Committed, onEnd: (pin: Pin) => void) {
    this.#engine = engine;
    this.#state = state;
    this.#onEnd = onEnd;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#live().get(bucket.name, key);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    return this.#engine.scanOf(this.#live(), bucket, options);
  }

  buckets(): readonly string[] {
    return this.#live().directory.names;
  }

  [Symbol.dispose](): void {
    this.#state?.release();
    this.#state = undefined;
    this.#onEnd(this);
  }

  #live(): Committed {
    if (this.#state === undefined) throw new BackendError('BACKEND_CLOSED', 'The pinned view was disposed of');
    return this.#state;
  }
}

function closedError(path: string): BackendError {
  return new BackendError('BACKEND_CLOSED', `The store ${path} is closed`, { path });
}
