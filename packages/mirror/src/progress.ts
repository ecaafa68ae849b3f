/**
 * How far a mirror has come, what it has done on the way, and who waits for a revision.
 *
 * MPR1  Revisions only rise, whichever member of a cluster tells of them.
 * MPR2  Behind a fence every change counts. What a copy writes counts as a whole if it is of a revision behind the fence: what came
 *       between the fence and the copy cannot be told from what was there before.
 */
import { deferred, type Deferred } from '@varve/base/deferred';
import type { Batch } from './apply.ts';
import type { Fenced, MirrorStatus } from './contract.ts';

export class Progress {
  events = 0;
  #copied = 0;
  #copies = 0;
  #revision = 0;
  #sourceRevision = 0;
  #targetRevision = 0;
  #afterFence = 0;
  /** The newest fence that was put, and the newest that is applied. */
  #asked = Infinity;
  #fence = Infinity;
  /** Whether what the copy writes counts as behind a fence. */
  #isBehind = false;
  readonly #waiting = new Set<{ readonly revision: number; readonly reached: Deferred<Fenced> }>();

  /** Everything of the source up to here is in the target. */
  get revision(): number {
    return this.#revision;
  }

  /** Keys and changes that are written. */
  get done(): number {
    return this.#copied + this.events;
  }

  get counts(): Omit<MirrorStatus, 'phase' | 'reason'> {
    return {
      revision: this.#revision,
      sourceRevision: this.#sourceRevision,
      behind: Math.max(0, this.#sourceRevision - this.#revision),
      copied: this.#copied,
      events: this.events,
      copies: this.#copies,
      afterFence: this.#afterFence,
    };
  }

  get reached(): Fenced {
    return { sourceRevision: this.#revision, targetRevision: this.#targetRevision };
  }

  /** Resolves when everything up to this revision of the source is in the target. */
  until(revision: number): Promise<Fenced> {
    const reached = deferred<Fenced>();
    this.#waiting.add({ revision, reached });
    return reached.promise;
  }

  /** Nothing more comes. */
  end(reason: unknown): void {
    for (const { reached } of this.#waiting) reached.reject(reason);
    this.#waiting.clear();
  }

  /** The source is known to have come so far. */
  heard(revision: number): void {
    this.#sourceRevision = Math.max(this.#sourceRevision, revision);
  }

  /** What was written so far is in the target at this revision of it. */
  wrote(targetRevision: number): void {
    this.#targetRevision = Math.max(this.#targetRevision, targetRevision);
  }

  advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiting of this.#waiting) {
      if (waiting.revision > this.#revision) continue;
      this.#waiting.delete(waiting);
      waiting.reached.resolve(this.reached);
    }
  }

  /** A fence was put at this revision of the source. */
  fenced(revision: number): void {
    this.#asked = revision;
  }

  /** A copy of this revision begins. */
  copying(revision: number): void {
    this.#copies++;
    this.#isBehind = this.#asked < revision;
  }

  /** A part of the copy is written. */
  copied(operations: number): void {
    this.#copied += operations;
    if (this.#isBehind) this.#afterFence += operations;
  }

  /** What came with one revision is written. */
  followed({ revision, isFence, changes }: Batch): void {
    if (isFence) {
      this.#fence = revision;
      this.#afterFence = 0;
    } else if (revision > this.#fence) {
      this.#afterFence += changes.length;
    }
  }
}
