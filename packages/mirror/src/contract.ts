/**
 * What a mirror is to its user: one store kept like a part of another, until it is closed or switched over to.
 *
 * MRR1  The target is at every moment a state that the source had, in the range that is mirrored, but while the whole is copied.
 *       Where it is, is written in the same transaction as what was applied: nothing is lost or applied twice, whatever is cut off.
 * MRR2  Each change of the source becomes one event of the target, in the same order. Changes of several revisions may share one
 *       transaction there, as long as they are of different keys. What is in one revision of the source is in one of the target, unless
 *       it is larger than `maxOps` or `maxBytes`.
 * MRR3  Silence is not kept: a mirror follows, says in `status()` that it waits for one of the stores, or ends with the reason.
 * MRR4  Never two sources mixed: where another store stands in the place of the source, or an older copy of it, the mirror ends with
 *       `KV_REPLACED` before anything of that one is written.
 */
import type { Kv, Range } from '@varve/api';
import type { World } from '@varve/base/world';

/** Keys and values as they are stored: open both stores with `key: bytes` and `value: bytes`. */
export type ByteKv = Kv<Uint8Array, Uint8Array>;

export interface MirrorOptions {
  /** Which keys. @default all of them */
  readonly range?: Range<Uint8Array> | undefined;
  /** Under which name the mirror remembers in the target how far it is: mirrors of several ranges need several. @default 'default' */
  readonly name?: string | undefined;
  /** Operations of one transaction of the target, the mirror's own aside. An etcd takes 128 unless told otherwise. @default 100 */
  readonly maxOps?: number | undefined;
  /** Bytes of keys and values of one transaction. An etcd takes 1.5 MiB. @default 1 MiB */
  readonly maxBytes?: number | undefined;
  /** How long a store that cannot be reached is waited for between two tries, at the most. @default 5000 */
  readonly retryMs?: number | undefined;
  /** How often the place is written down while nothing of the range changes, in milliseconds. @default 10_000 */
  readonly bookmarkMs?: number | undefined;
  /** Ends the mirror, as `close()` does; `ended` then rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** The clock, for tests: `@varve/base/world`. @default the host's */
  readonly world?: World | undefined;
}

/** The whole is copied or compared; changes are followed; one of the stores is waited for; it is over. */
export type MirrorPhase = 'copying' | 'following' | 'waiting' | 'ended';

export interface MirrorStatus {
  readonly phase: MirrorPhase;
  /** Everything of the source up to this revision is in the target; 0 until the first copy is done. */
  readonly revision: number;
  /** The newest revision of the source that the mirror has heard of. */
  readonly sourceRevision: number;
  /** How many revisions of the source are not in the target yet, as far as is known. */
  readonly behind: number;
  /** Keys that copies have written or deleted. */
  readonly copied: number;
  /** Changes that were followed. */
  readonly events: number;
  /** Copies that were begun: one, and one more each time what the mirror needed had been compacted. */
  readonly copies: number;
  /** Changes that came after the newest fence; what a copy after it has written counts, too. */
  readonly afterFence: number;
  /** Why it waits, or why it ended. */
  readonly reason?: unknown;
}

export interface Fenced {
  /** The revision of the source that is in the target with all before it. */
  readonly sourceRevision: number;
  /** A revision of the target that shows it. */
  readonly targetRevision: number;
}

export interface Mirror extends AsyncDisposable {
  /** Where it is now: nobody is asked. */
  status(): MirrorStatus;
  /** Resolves when everything up to this revision of the source, or all there is now, is in the target. Rejects when the mirror ends before. */
  caughtUp(revision?: number): Promise<Fenced>;
  /**
   * For switching over: stop the writers of the source, call this, and let them write to the target when it resolves. It marks the source
   * with a key of its own and waits until the target has everything before the mark. What is written to the source later is still
   * followed, and counted in `status().afterFence`: it must stay 0.
   */
  fence(): Promise<Fenced>;
  /** Resolves when the mirror was closed; rejects with the reason why it ended by itself. */
  readonly ended: Promise<void>;
  /** Ends it after the transaction under way. Another mirror of the same name goes on where it was. Idempotent. */
  close(): Promise<void>;
}
