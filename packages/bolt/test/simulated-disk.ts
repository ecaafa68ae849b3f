/**
 * A disk in memory that knows what is durable, and can crash, tear, drop and fail.
 *
 * A crash keeps what was synced. Of everything else, each write is kept, dropped or torn; lengths grow or do not; names that
 * were not synced appear up to some point in their order (a journal), or not at all.
 */
import path from 'node:path';
import type { FileLockRefusal, FileLockRequest, Files, OpenFile } from '@varve/base/files';

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

type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'length'; readonly length: number };

class Inode {
  readonly number: number;
  durable: Buffer;
  current: Buffer;
  pending: Change[] = [];
  exclusive = false;
  shared = 0;

  constructor(number: number, bytes: Buffer) {
    this.number = number;
    this.durable = bytes;
    this.current = Buffer.from(bytes);
  }

  apply(change: Change): void {
    this.current = applied(this.current, change);
    this.pending.push(change);
  }
}

function applied(bytes: Buffer, change: Change): Buffer {
  if (change.kind === 'length') {
    if (change.length <= bytes.length) return bytes.subarray(0, change.length);
    return Buffer.concat([bytes, Buffer.alloc(change.length - bytes.length)]);
  }
  const end = change.at + change.bytes.length;
  const target = end > bytes.length ? Buffer.concat([bytes, Buffer.alloc(end - bytes.length)]) : bytes;
  change.bytes.copy(target, change.at);
  return target;
}

/** What the disk is about to do. */
export interface DiskOp {
  readonly kind:
    | 'open'
    | 'create'
    | 'read'
    | 'write'
    | 'truncate'
    | 'sync'
    | 'rename'
    | 'unlink'
    | 'list'
    | 'syncDirectory'
    | 'lock'
    | 'close';
  readonly number: number;
  readonly position?: number;
  readonly bytes?: number;
}

/** What goes wrong: an error code, or `short`: half of a write without an error. */
export type Fault = string | undefined;

/** A file system of one folder. */
export class SimulatedDisk implements Files {
  readonly #names: Map<string, Inode> = new Map();
  #durableNames: Map<string, Inode> = new Map();
  /** The names after each change since the last sync of the folder. */
  #journal: Map<string, Inode>[] = [];
  #lastInode = 0;
  #ops = 0;
  openFiles = 0;
  /** Called before each operation; may name what goes wrong with it. */
  before: ((op: DiskOp) => Fault) | undefined;

  static holding(files: ReadonlyMap<string, Buffer>): SimulatedDisk {
    const disk = new SimulatedDisk();
    for (const [name, bytes] of files) disk.#names.set(name, new Inode(++disk.#lastInode, bytes));
    disk.#durableNames = new Map(disk.#names);
    return disk;
  }

  /** A disk as a power cut of this moment could leave it. */
  crash(random: Random, tearBytes = 512): SimulatedDisk {
    const kept = Math.floor(random() * (this.#journal.length + 1));
    const names = kept === 0 || random() < 0.3 ? this.#durableNames : (this.#journal[kept - 1] as Map<string, Inode>);
    const keep = random();
    return SimulatedDisk.holding(
      new Map([...names].map(([name, inode]) => [name, crashed(inode, random, keep, tearBytes)])),
    );
  }

  /** The disk as the death of the process alone leaves it: all that was written is there, and no more of it is durable. */
  afterDeath(): SimulatedDisk {
    const disk = new SimulatedDisk();
    const copies = new Map<Inode, Inode>();
    const copied = (names: Map<string, Inode>): Map<string, Inode> =>
      new Map(
        [...names].map(([name, inode]) => {
          const copy = copies.get(inode) ?? new Inode(++disk.#lastInode, Buffer.from(inode.durable));
          copies.set(inode, copy);
          if (copy.pending.length === 0) for (const change of inode.pending) copy.apply(change);
          return [name, copy];
        }),
      );
    for (const [name, inode] of copied(this.#names)) disk.#names.set(name, inode);
    disk.#durableNames = copied(this.#durableNames);
    disk.#journal = this.#journal.map((names) => copied(names));
    return disk;
  }

  /** What is there now, as after the death of the process alone. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, inode]) => [name, Buffer.from(inode.current)]));
  }

  names(): string[] {
    return [...this.#names.keys()];
  }

  /** Puts other contents behind a name, as another program would. */
  replace(name: string, bytes: Buffer | undefined): void {
    if (bytes === undefined) this.#names.delete(name);
    else this.#names.set(name, new Inode(++this.#lastInode, bytes));
  }

  cut(name: string, length: number): void {
    const inode = this.#inode(name);
    inode.current = inode.current.subarray(0, length);
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw failure('ENOENT');
    return inode;
  }

  /** Counts the operation and fails it if asked to. */
  step(kind: DiskOp['kind'], more: { readonly position?: number; readonly bytes?: number } = {}): Fault {
    const fault = this.before?.({ kind, number: ++this.#ops, ...more });
    if (fault !== undefined && fault !== 'short') throw failure(fault);
    return fault;
  }

  #changeNames(change: () => void): void {
    change();
    this.#journal.push(new Map(this.#names));
  }

  async open(name: string, mode: 'read' | 'update' | 'create'): Promise<OpenFile> {
    this.step(mode === 'create' ? 'create' : 'open');
    if (mode === 'create') {
      if (this.#names.has(name)) throw failure('EEXIST');
      this.#changeNames(() => this.#names.set(name, new Inode(++this.#lastInode, Buffer.alloc(0))));
    }
    const inode = this.#inode(name);
    this.openFiles++;
    return new SimulatedFile(this, inode);
  }

  absolute(name: string): string {
    return name;
  }

  async place(name: string): Promise<string> {
    return name;
  }

  async makeParents(): Promise<void> {
    // There is one folder.
  }

  identity(name: string): string | undefined {
    const inode = this.#names.get(name);
    return inode === undefined ? undefined : String(inode.number);
  }

  async publish(from: string, to: string): Promise<void> {
    this.step('rename');
    if (this.#names.has(to)) throw failure('EEXIST');
    this.#move(from, to);
  }

  async rename(from: string, to: string): Promise<void> {
    this.step('rename');
    this.#move(from, to);
  }

  #move(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#changeNames(() => {
      this.#names.delete(from);
      this.#names.set(to, inode);
    });
  }

  async unlink(name: string): Promise<void> {
    this.step('unlink');
    this.#inode(name);
    this.#changeNames(() => this.#names.delete(name));
  }

  async siblings(): Promise<readonly string[]> {
    this.step('list');
    return this.names().map((name) => path.basename(name));
  }

  async syncDirectory(): Promise<void> {
    this.step('syncDirectory');
    this.#durableNames = new Map(this.#names);
    this.#journal = [];
  }
}

class SimulatedFile implements OpenFile {
  readonly #disk: SimulatedDisk;
  readonly #inode: Inode;
  #held: 'exclusive' | 'shared' | undefined;
  #open = true;

  constructor(disk: SimulatedDisk, inode: Inode) {
    this.#disk = disk;
    this.#inode = inode;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#disk.step('read', { position, bytes: length });
    return this.#inode.current.copy(target, offset, position, position + length);
  }

  async readLater(target: Uint8Array, position: number): Promise<number> {
    await Promise.resolve();
    return this.read(target, 0, target.length, position);
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const bytes = Buffer.concat(buffers);
    const fault = this.#disk.step('write', { position, bytes: bytes.length });
    const kept = fault === 'short' ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes;
    this.#inode.apply({ kind: 'write', at: position, bytes: kept });
    return kept.length;
  }

  async truncate(length: number): Promise<void> {
    this.#disk.step('truncate');
    this.#inode.apply({ kind: 'length', length });
  }

  async sync(): Promise<void> {
    try {
      this.#disk.step('sync');
    } catch (error) {
      this.#inode.pending = []; // the kernel marks the pages clean: what they held never reaches the disk
      throw error;
    }
    this.#inode.durable = Buffer.from(this.#inode.current);
    this.#inode.pending = [];
  }

  size(): number {
    return this.#inode.current.length;
  }

  identity(): string {
    return String(this.#inode.number);
  }

  async lock({ exclusive }: FileLockRequest): Promise<FileLockRefusal | undefined> {
    this.#disk.step('lock');
    const inode = this.#inode;
    if (inode.exclusive || (exclusive && inode.shared > 0)) return { kind: 'busy', what: 'another handle' };
    if (exclusive) inode.exclusive = true;
    else inode.shared++;
    this.#held = exclusive ? 'exclusive' : 'shared';
    return undefined;
  }

  async close(): Promise<void> {
    if (!this.#open) throw failure('EBADF');
    this.#open = false;
    this.#disk.openFiles--;
    if (this.#held === 'exclusive') this.#inode.exclusive = false;
    if (this.#held === 'shared') this.#inode.shared--;
    this.#disk.step('close');
  }
}

function crashed(inode: Inode, random: Random, keep: number, tearBytes: number): Buffer {
  let bytes: Buffer = Buffer.from(inode.durable);
  for (const change of inode.pending) {
    const fate = random();
    if (change.kind === 'length') {
      if (fate < 0.7) bytes = applied(bytes, change);
    } else if (fate < keep) {
      bytes = applied(bytes, change);
    } else if (random() < 0.3) {
      const pieces = Math.ceil(change.bytes.length / tearBytes);
      for (let piece = 0; piece < pieces; piece++) {
        if (random() < 0.5) continue;
        const at = piece * tearBytes;
        bytes = applied(bytes, { kind: 'write', at: change.at + at, bytes: change.bytes.subarray(at, at + tearBytes) });
      }
    }
  }
  return bytes;
}

/** A system error. */
export function failure(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code });
}
