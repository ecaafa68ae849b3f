/**
 * The lock of a store, as an argument (law 11): types only. Node's own is `node/store-lock.ts`, which says how it works and what it
 * does not reach.
 */

/** Owner and mode of the store. */
export interface StoreRights {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface LockRequest {
  /** Where the holders meet; its parent must exist, it need not. */
  readonly folder: string;
  /** What is held: holders of different things under one folder do not disturb each other. */
  readonly thing: bigint;
  /** Of the store; folder and sockets follow them. */
  readonly rights: StoreRights;
  readonly signal?: AbortSignal | undefined;
}

/** A held lock. */
export interface StoreLock {
  /** In the same tick; further calls do nothing. */
  release(): void;
}

/** Somebody has it, or is about to; `holder` says who, such as `process 4711`. */
export interface Busy {
  readonly kind: 'busy';
  readonly holder: string;
}

/** Something that is not ours is where the folder should be; `reason` is a sentence without its end. */
export interface Foreign {
  readonly kind: 'foreign';
  readonly what: 'file' | 'other';
  readonly reason: string;
}

export type LockAnswer =
  | { readonly kind: 'held'; readonly lock: StoreLock }
  | Busy
  | Foreign
  /** This way of locking cannot be had here; `reason` says why, without the end of a sentence. Nobody of ours holds it. */
  | { readonly kind: 'impossible'; readonly reason: string };

/** `release` gives it back, further calls do nothing. */
export type ThreadAnswer = { readonly release: () => void } | 'busy' | 'impossible';

export interface Locks {
  /** Takes the lock, or says who has it. Rejects with the signal's reason, and when there are no descriptors or no memory. */
  readonly takeStoreLock: (request: LockRequest) => Promise<LockAnswer>;
  /** Who has it, for who only reads: nothing is taken or changed. */
  readonly findHolder: (request: LockRequest) => Promise<Busy | Foreign | undefined>;
  /** One opener of a thing among the threads of a process. @param thing in a few characters, such as device and inode */
  readonly takeThreadLock: (thing: string) => Promise<ThreadAnswer>;
}
