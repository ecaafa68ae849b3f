/**
 * A disk in memory for the log engine, which knows what is durable, and loses, tears, reorders and fails.
 *
 * A power cut keeps what was durable. Of every other write each sector of 512 bytes is kept or not, whatever came first; lengths grow or
 * do not; names are kept up to some point in their order, or not at all.
 */
import { basename, dirname } from 'node:path';
import type { Clock } from '@varve/base/clock';
import type { FolderFile, FolderFileMode, Folders, PathDetails } from '@varve/base/folders';
import { nodeClock } from '@varve/base/node/clock';
import { nodeWorld } from '@varve/base/node/world';
import { worldOf, type World } from '@varve/base/world';
import type { Engine } from '../src/contract/engine.ts';
import { logEngine, type LogOptions } from '../src/engines/log/index.ts';

/** A timer whose time has come in the next turn: nobody waits for a clock here. */
const after: Clock['after'] = (_, work) => {
  const timer = setImmediate(work);
  return () => clearImmediate(timer);
};

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** Mulberry32: small, seeded, good enough. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const SECTOR = 512;

type Pending = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

class Inode {
  readonly number: number;
  durable: Buffer;
  current: Buffer;
  pending: Pending[] = [];

  constructor(number: number, bytes: Buffer) {
    this.number = number;
    this.durable = Buffer.from(bytes);
    this.current = Buffer.from(bytes);
  }
}

/** Changes `bytes` in place where it fits. */
function applied(bytes: Buffer, change: Pending): Buffer {
  if ('length' in change) {
    if (change.length <= bytes.length) return bytes.subarray(0, change.length);
    return Buffer.concat([bytes, Buffer.alloc(change.length - bytes.length)]);
  }
  const end = change.at + change.bytes.length;
  const target = end > bytes.length ? Buffer.concat([bytes, Buffer.alloc(end - bytes.length)]) : bytes;
  change.bytes.copy(target, change.at);
  return target;
}

/** What is left of an older write when a newer one of that range is durable: the page cache has only one version of a byte. */
function without(older: Pending, from: number, to: number): Pending[] {
  if ('length' in older) return [older];
  const { at, bytes } = older;
  const parts = [
    { at, bytes: bytes.subarray(0, Math.max(0, from - at)) },
    { at: Math.max(at, to), bytes: bytes.subarray(Math.max(0, to - at)) },
  ];
  return to <= at || from >= at + bytes.length ? [older] : parts.filter((part) => part.bytes.length > 0);
}

/** The engine over such a disk. */
export function logEngineOn(disk: LogDisk, path: string, options: LogOptions = {}): Promise<Engine> {
  return logEngine(path, { ...options, world: disk.world });
}

let disks = 0;
/** Drawn on over all disks: no name comes again. */
let drawn = 0;

/** What the disk is about to do. */
export interface DiskOp {
  readonly kind:
    | 'open'
    | 'read'
    | 'write'
    | 'sync'
    | 'truncate'
    | 'rename'
    | 'remove'
    | 'folder'
    | 'names'
    | 'syncFolder'
    | 'close';
  readonly path: string;
  readonly number: number;
  readonly isDurable: boolean;
}

/** A code fails the call; `short` writes half without an error; `crash` takes the power in the middle of it. */
export type Fault = string | undefined;

export function failure(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code });
}

export class LogDisk {
  readonly #number: number = (disks += 1);
  #names: Map<string, Inode> = new Map();
  #durableNames: Map<string, Inode> = new Map();
  /** All names after each change since the last sync of any folder. */
  #journal: Map<string, Inode>[] = [];
  readonly #folders: Set<string> = new Set(['/']);
  #inodes = 0;
  #isDead = false;
  readonly #held: Set<string> = new Set();
  ops = 0;
  openFiles = 0;
  /** Whether a durable file lies: its writes are in memory only. */
  lies = false;
  before: ((op: DiskOp) => Fault) | undefined;

  static holding(files: ReadonlyMap<string, Buffer>): LogDisk {
    const disk = new LogDisk();
    for (const [name, bytes] of files) {
      disk.#names.set(name, new Inode((disk.#inodes += 1), bytes));
      disk.#folders.add(dirname(name));
    }
    disk.#durableNames = new Map(disk.#names);
    return disk;
  }

  /** As a power cut of this moment could leave it. */
  crash(random: Random): LogDisk {
    const kept = Math.floor(random() * (this.#journal.length + 1));
    const names = kept === 0 || random() < 0.2 ? this.#durableNames : this.#journal[kept - 1]!;
    const share = [0, 0.1, 0.5, 0.9, 1][Math.floor(random() * 5)]!;
    const files = new Map([...names].map(([name, inode]) => [name, crashed(inode, random, share)]));
    const left = LogDisk.holding(files);
    for (const folder of this.#folders) left.#folders.add(folder);
    return left;
  }

  /** As the death of the process alone leaves it: nothing is lost, and nothing more is durable. */
  afterDeath(): LogDisk {
    const left = new LogDisk();
    const copies = new Map<Inode, Inode>();
    const copied = (names: ReadonlyMap<string, Inode>): Map<string, Inode> =>
      new Map(
        [...names].map(([name, inode]) => {
          let copy = copies.get(inode);
          if (copy === undefined) {
            copy = new Inode((left.#inodes += 1), inode.durable);
            copy.current = Buffer.from(inode.current);
            copy.pending = [...inode.pending];
            copies.set(inode, copy);
          }
          return [name, copy];
        }),
      );
    left.#names = copied(this.#names);
    left.#durableNames = copied(this.#durableNames);
    left.#journal = this.#journal.map(copied);
    for (const folder of this.#folders) left.#folders.add(folder);
    return left;
  }

  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, inode]) => [name, Buffer.from(inode.current)]));
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Counts the call and fails it if asked to. @throws the failure */
  step(kind: DiskOp['kind'], path: string, isDurable = false): Fault {
    if (this.#isDead) throw failure('EIO');
    const fault = this.before?.({ kind, path, number: (this.ops += 1), isDurable });
    if (fault === 'crash') this.#isDead = true;
    else if (fault !== undefined && fault !== 'short') throw failure(fault);
    return fault;
  }

  /** A call that takes no effect in a crash. */
  #step(kind: DiskOp['kind'], path: string): void {
    if (this.step(kind, path) === 'crash') throw failure('EIO');
  }

  #changeNames(change: () => void): void {
    this.#names = new Map(this.#names);
    change();
    this.#journal.push(this.#names);
  }

  async open(path: string, mode: FolderFileMode): Promise<FolderFile> {
    await Promise.resolve();
    this.#step('open', path);
    if (mode.startsWith('create')) {
      if (this.#names.has(path)) throw failure('EEXIST');
      this.#changeNames(() => this.#names.set(path, new Inode((this.#inodes += 1), Buffer.alloc(0))));
    }
    return this.#opened(path, mode.endsWith('durable'));
  }

  openNow(path: string): FolderFile {
    this.#step('open', path);
    return this.#opened(path, false);
  }

  #opened(path: string, isDurable: boolean): FolderFile {
    const inode = this.#names.get(path);
    if (inode === undefined) throw failure('ENOENT');
    this.openFiles += 1;
    return new DiskFile(this, path, inode, isDurable);
  }

  async details(path: string): Promise<PathDetails | undefined> {
    const inode = this.#names.get(path);
    if (inode !== undefined) return { kind: 'file', identity: String(inode.number), links: 1 };
    return this.#folders.has(path) ? { kind: 'folder', identity: path, links: 1 } : undefined;
  }

  async names(folder: string): Promise<readonly string[]> {
    this.#step('names', folder);
    return [...this.#names.keys()].filter((name) => dirname(name) === folder).map((name) => basename(name));
  }

  async makeFolder(path: string): Promise<void> {
    this.#step('folder', path);
    this.#folders.add(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step('rename', from);
    const inode = this.#names.get(from);
    if (inode === undefined) throw failure('ENOENT');
    this.#changeNames(() => {
      this.#names.delete(from);
      this.#names.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    this.#step('remove', path);
    if (this.#names.has(path)) this.#changeNames(() => this.#names.delete(path));
  }

  async syncFolder(folder: string): Promise<void> {
    await Promise.resolve();
    this.#step('syncFolder', folder);
    this.#durableNames = this.#names;
    this.#journal = [];
  }

  /** The disk as folders, with a lock that is free for whoever comes in this process. */
  get world(): World {
    const folders: Folders = {
      absolute: (path) => path,
      open: (path, mode) => this.open(path, mode),
      openNow: (path) => this.openNow(path),
      details: (path) => this.details(path),
      real: async (path) => path,
      names: (folder) => this.names(folder),
      makeFolder: (path) => this.makeFolder(path),
      rename: (from, to) => this.rename(from, to),
      remove: (path) => this.remove(path),
      syncFolder: (folder) => this.syncFolder(folder),
      checkWritable: async () => {},
      makePrivate: async () => {},
      identityNow: (path) => (this.#folders.has(path) ? `disk-${this.#number}:${path}` : undefined),
      rights: async () => ({ uid: 0, gid: 0, mode: 0o700 }),
    };
    return worldOf({
      ...nodeWorld,
      clock: { ...nodeClock, after },
      random: { bytes: (length) => this.random(length), unique: () => `name-${(drawn += 1)}` },
      folders,
      locks: {
        takeStoreLock: async ({ folder }) => {
          if (this.#held.has(folder)) return { kind: 'busy', holder: 'another handle' };
          this.#held.add(folder);
          return { kind: 'held', lock: { release: () => void this.#held.delete(folder) } };
        },
        findHolder: async ({ folder }) =>
          this.#held.has(folder) ? { kind: 'busy', holder: 'another handle' } : undefined,
        takeThreadLock: async () => 'impossible',
      },
    });
  }

  random(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) bytes[i] = Math.imul((drawn += 1), 0x9e3779b1) >>> 24;
    return bytes;
  }
}

class DiskFile implements FolderFile {
  readonly #disk: LogDisk;
  readonly #path: string;
  readonly #inode: Inode;
  readonly #isDurable: boolean;
  #isOpen = true;

  constructor(disk: LogDisk, path: string, inode: Inode, isDurable: boolean) {
    this.#disk = disk;
    this.#path = path;
    this.#inode = inode;
    this.#isDurable = isDurable;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#use();
    if (this.#disk.step('read', this.#path) === 'crash') throw failure('EIO');
    const { current } = this.#inode;
    if (position >= current.length) return 0; // as a real file; a buffer would throw
    return current.copy(target, offset, position, position + length);
  }

  async readLater(target: Uint8Array, position: number): Promise<number> {
    await Promise.resolve();
    return this.read(target, 0, target.length, position);
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    this.#use();
    const bytes = Buffer.concat(buffers);
    await Promise.resolve();
    const inode = this.#inode;
    let fault: Fault;
    try {
      fault = this.#disk.step('write', this.#path, this.#isDurable);
    } catch (error) {
      // Part of it may be in the page cache, which believes that it is clean.
      if (bytes.length > 1)
        inode.current = applied(inode.current, { at: position, bytes: bytes.subarray(0, bytes.length >> 1) });
      throw error;
    }
    const written = fault === 'short' ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes;
    const change = { at: position, bytes: Buffer.from(written) };
    inode.current = applied(inode.current, change);
    if (fault === 'crash') {
      inode.pending.push(change);
      throw failure('EIO');
    }
    if (this.#isDurable && !this.#disk.lies) {
      inode.durable = applied(inode.durable, change);
      inode.pending = inode.pending.flatMap((older) => without(older, change.at, change.at + change.bytes.length));
    }
    if (!this.#isDurable || this.#disk.lies) inode.pending.push(change);
    return written.length;
  }

  async sync(): Promise<void> {
    this.#use();
    await Promise.resolve();
    try {
      if (this.#disk.step('sync', this.#path) === 'crash') throw failure('EIO');
    } catch (error) {
      if (!this.#disk.isDead) this.#inode.pending = []; // the kernel marks the pages clean: they never reach the disk
      throw error;
    }
    this.#inode.durable = Buffer.from(this.#inode.current);
    this.#inode.pending = [];
  }

  async truncate(length: number): Promise<void> {
    this.#use();
    if (this.#disk.step('truncate', this.#path) === 'crash') throw failure('EIO');
    const change = { length };
    this.#inode.current = applied(this.#inode.current, change);
    this.#inode.pending.push(change);
  }

  size(): number {
    return this.#inode.current.length;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#disk.openFiles -= 1;
  }

  #use(): void {
    if (!this.#isOpen) throw failure('EBADF');
  }
}

function crashed(inode: Inode, random: Random, share: number): Buffer {
  let bytes: Buffer = Buffer.from(inode.durable);
  for (const change of inode.pending) {
    if ('length' in change) {
      if (random() < 0.7) bytes = applied(bytes, change);
      continue;
    }
    const isTorn = random() < 0.6;
    const isKept = random() < share;
    for (let from = 0; from < change.bytes.length;) {
      const at = change.at + from;
      const to = Math.min(change.bytes.length, from + SECTOR - (at % SECTOR));
      if (isTorn ? random() < share : isKept) bytes = applied(bytes, { at, bytes: change.bytes.subarray(from, to) });
      from = to;
    }
  }
  return bytes;
}
