// @ts-check
/**
 * A disk in memory of one folder, which loses, reorders and tears what was not synced, and fails when it is told to.
 *
 * SDK1  What `sync` was called for is durable once it has answered. Of everything else a power cut keeps each sector of 512 bytes
 *       or does not, whatever came first; lengths grow or do not; names are kept up to some point in their order.
 * SDK2  A death of the process alone loses nothing that was written, and makes nothing of it durable: power may go later.
 * SDK3  A failed sync keeps some of the sectors and gives the others back as they were.
 * SDK4  After its crash a disk answers nothing but EIO: the old process is as good as dead.
 * SDK5  All waiting is by turns of the event loop, as many as the seed says; writes may be short, at once or later, and what
 *       is written later is read from the buffers at the beginning or at the end.
 *
 * @typedef {import('@varve/base/files').Files} Files
 * @typedef {import('@varve/base/files').OpenFile} OpenFile
 * @typedef {{ readonly at: number, readonly bytes: Buffer } | { readonly length: number }} Change
 * @typedef {ReadonlyMap<string, Inode>} Names
 * @typedef {object} Left
 * @property {Names} names
 * @property {Names} durableNames
 * @property {readonly Names[]} journal the names after each change since the folder was synced
 */
import { basename } from 'node:path';
import { turns } from './clock.mjs';

export const sector = 512;

class Inode {
  /** @type {Change[]} */
  pending = [];
  held = false;

  /** @param {number} number @param {Buffer} durable @param {readonly Change[]} [pending] */
  constructor(number, durable, pending = []) {
    this.number = number;
    /** @type {Buffer} */
    this.durable = Buffer.from(durable);
    /** @type {Buffer} */
    this.current = Buffer.from(durable);
    for (const change of pending) this.apply(change);
  }

  /** @param {Change} change */
  apply(change) {
    this.current = applied(this.current, change);
    this.pending.push(change);
  }
}

/** @param {Buffer} bytes @param {Change} change @returns {Buffer} */
function applied(bytes, change) {
  const length = 'length' in change ? change.length : Math.max(bytes.length, change.at + change.bytes.length);
  if (length < bytes.length) return Buffer.from(bytes.subarray(0, length));
  const grown = length > bytes.length ? Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]) : bytes;
  if ('bytes' in change) change.bytes.copy(grown, change.at);
  return grown;
}

/** Parts of the changes, as a medium may have got them. @param {Buffer} bytes @param {readonly Change[]} changes @param {import('../../run/random.mjs').Random} random */
function inPart(bytes, changes, random) {
  const keep = random.pick([0, 0.1, 0.5, 0.9, 1]);
  const torn = random.chance(0.6);
  /** @type {Buffer} */
  let result = Buffer.from(bytes);
  for (const change of changes) {
    if ('length' in change) {
      if (random.chance(Math.max(keep, 0.5))) result = applied(result, change);
      continue;
    }
    const whole = random.chance(keep);
    for (let from = 0; from < change.bytes.length;) {
      const at = change.at + from;
      const to = Math.min(change.bytes.length, from + sector - (at % sector));
      if (torn ? random.chance(keep) : whole) result = applied(result, { at, bytes: change.bytes.subarray(from, to) });
      from = to;
    }
  }
  return result;
}

/** @param {string} code */
function failure(code) {
  return Object.assign(new Error(`simulated ${code}`), { code });
}

/** A new disk. @type {Left} */
export const emptyDisk = { names: new Map(), durableNames: new Map(), journal: [] };

let disks = 0;

/**
 * As a real file: behind its end there is nothing, where a buffer would throw.
 * @param {Buffer} bytes @param {Uint8Array} target @param {number} offset @param {number} position @param {number} length
 */
function readFrom(bytes, target, offset, position, length) {
  return position >= bytes.length ? 0 : bytes.copy(target, offset, position, position + length);
}

/** @implements {Files} */
export class SimulatedDisk {
  /** Which of the process's disks it is. */
  number = ++disks;
  /** @type {Map<string, Inode>} */
  #names = new Map();
  /** @type {Map<string, Inode>} */
  #durableNames = new Map();
  /** The names after each change since the folder was synced. @type {Map<string, Inode>[]} */
  #journal = [];
  /** How often names have changed. */
  #changes = 0;
  #inodes = 0;
  #random;
  #note;
  /** Calls that change something, so far. */
  calls = 0;
  /** In the middle of this call the power goes, or the process dies. @type {number | undefined} */
  crashAt;
  /** @type {'power' | 'process'} */
  crashKind = 'power';
  /** This call fails. @type {{ readonly call: number, readonly code: string } | undefined} */
  fault;
  /** Says that it has synced, and has not: for proof that this is noticed. */
  lies = false;
  /** How often calls have failed as they were told to. */
  faults = 0;
  /** What a crash has left, once it has happened. @type {Left | undefined} */
  left;

  /**
   * @param {Left} left by the disk before
   * @param {import('../../run/random.mjs').Random} random
   * @param {(what: string) => void} note
   */
  constructor({ names, durableNames, journal }, random, note) {
    this.#random = random;
    this.#note = note;
    /** @type {Map<Inode, Inode>} */
    const copies = new Map();
    const copied = (/** @type {Names} */ before) =>
      new Map(
        [...before].map(([name, inode]) => {
          const copy = copies.get(inode) ?? new Inode(++this.#inodes, inode.durable, inode.pending);
          copies.set(inode, copy);
          return [name, copy];
        }),
      );
    this.#names = copied(names);
    this.#durableNames = copied(durableNames);
    this.#journal = journal.map((step) => copied(step));
    this.#changes = journal.length;
  }

  /** Ends this disk. @param {'power' | 'process'} kind */
  crash(kind) {
    if (this.left !== undefined) return;
    this.#note(`crash ${kind}`);
    if (kind === 'process') {
      this.left = { names: this.#names, durableNames: this.#durableNames, journal: this.#journal };
      return;
    }
    const kept = this.#random.between(0, this.#journal.length);
    const before = kept === 0 ? this.#durableNames : this.#journal[kept - 1];
    /** @type {Map<string, Inode>} */
    const names = new Map();
    for (const [name, inode] of before ?? []) {
      names.set(name, new Inode(inode.number, inPart(inode.durable, inode.pending, this.#random)));
    }
    this.left = { names, durableNames: names, journal: [] };
  }

  /** A call that changes something begins. @param {string} what */
  #begin(what) {
    this.#checkAlive();
    this.calls++;
    this.#note(`disk ${what}`);
    const { fault } = this;
    if (fault === undefined || this.calls < fault.call) return;
    this.fault = undefined;
    this.faults++;
    this.#note(`fault ${fault.code}`);
    throw failure(fault.code);
  }

  #end() {
    if (this.crashAt !== undefined && this.calls >= this.crashAt) this.crash(this.crashKind);
    this.#checkAlive();
  }

  #checkAlive() {
    if (this.left !== undefined) throw failure('EIO');
  }

  async #pause() {
    await turns(this.#random.below(3));
    this.#checkAlive();
  }

  /** @param {string} name */
  #inode(name) {
    const inode = this.#names.get(name);
    if (inode === undefined) throw failure('ENOENT');
    return inode;
  }

  #named() {
    this.#changes++;
    this.#journal.push(new Map(this.#names));
    this.#end();
  }

  /** @param {string} name @param {'read' | 'update' | 'create'} mode @returns {Promise<OpenFile>} */
  async open(name, mode) {
    await this.#pause();
    if (mode === 'create') {
      this.#begin('create');
      if (this.#names.has(name)) throw failure('EEXIST');
      this.#names.set(name, new Inode(++this.#inodes, Buffer.alloc(0)));
      this.#named();
    }
    return this.#file(this.#inode(name));
  }

  /** For reading, in the same tick. @param {string} name */
  openNow(name) {
    this.#checkAlive();
    return this.#file(this.#inode(name));
  }

  names() {
    return [...this.#names.keys()];
  }

  /** @param {string} name */
  absolute(name) {
    return name;
  }

  /** @param {string} name */
  async place(name) {
    return name;
  }

  async makeParents() {
    // There is one folder.
  }

  /** @param {string} name */
  identity(name) {
    const inode = this.#names.get(name);
    return inode && String(inode.number);
  }

  /** @param {string} from @param {string} to */
  async publish(from, to) {
    await this.#pause();
    if (this.#names.has(to)) throw failure('EEXIST');
    await this.rename(from, to);
  }

  /** @param {string} from @param {string} to */
  async rename(from, to) {
    this.#begin('rename');
    const inode = this.#inode(from);
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#named();
  }

  /** @param {string} name */
  async unlink(name) {
    await this.#pause();
    this.#begin('unlink');
    this.#inode(name);
    this.#names.delete(name);
    this.#named();
  }

  async siblings() {
    await this.#pause();
    return [...this.#names.keys()].map((name) => basename(name));
  }

  async syncDirectory() {
    this.#checkAlive();
    const names = new Map(this.#names);
    const changes = this.#changes;
    await this.#pause();
    this.#begin('syncDirectory');
    const unsynced = this.#changes - this.#journal.length;
    // One that was called later may have answered before: what is durable stays so.
    if (changes > unsynced) {
      this.#durableNames = names;
      this.#journal = this.#journal.slice(changes - unsynced);
    }
    this.#end();
  }

  /** @param {Inode} inode @returns {OpenFile} */
  #file(inode) {
    let open = true;
    let holds = false;
    const begin = (/** @type {string} */ what) => {
      if (!open) throw failure('EBADF');
      this.#begin(what);
    };
    /** @param {Buffer} bytes @param {number} position */
    const write = (bytes, position) => {
      begin(`write ${position} ${bytes.length}`);
      const isShort = bytes.length > 1 && this.#random.chance(0.02);
      const taken = isShort ? bytes.subarray(0, this.#random.between(1, bytes.length - 1)) : bytes;
      inode.apply({ at: position, bytes: taken });
      this.#end();
      return taken.length;
    };
    return {
      read: (target, offset, length, position) => {
        if (!open) throw failure('EBADF');
        this.#checkAlive();
        return readFrom(inode.current, target, offset, position, length);
      },
      readLater: async (target, position) => {
        await this.#pause();
        if (!open) throw failure('EBADF');
        return readFrom(inode.current, target, 0, position, target.length);
      },
      write: (buffers, position) => {
        if (this.#random.chance(0.5)) return write(Buffer.concat(buffers), position);
        const early = this.#random.chance(0.5) ? Buffer.concat(buffers) : undefined;
        return this.#pause().then(() => write(early ?? Buffer.concat(buffers), position));
      },
      truncate: async (length) => {
        await this.#pause();
        begin(`truncate ${length}`);
        inode.apply({ length });
        this.#end();
      },
      sync: async () => {
        this.#checkAlive();
        const asked = inode.pending.length;
        await this.#pause();
        try {
          begin('sync');
        } catch (error) {
          inode.durable = inPart(inode.durable, inode.pending, this.#random);
          inode.current = Buffer.from(inode.durable);
          inode.pending = [];
          throw error;
        }
        if (this.crashAt !== undefined && this.calls >= this.crashAt) this.#end();
        if (this.lies) return;
        for (const change of inode.pending.slice(0, asked)) inode.durable = applied(inode.durable, change);
        inode.pending = inode.pending.slice(asked);
      },
      size: () => inode.current.length,
      identity: () => String(inode.number),
      lock: async () => {
        await this.#pause();
        if (inode.held) return { kind: 'busy', what: 'another handle' };
        inode.held = holds = true;
        return undefined;
      },
      close: async () => {
        open = false;
        if (holds) inode.held = holds = false;
        await this.#pause();
      },
    };
  }
}
