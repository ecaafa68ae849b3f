/**
 * What a follower has of its source: of which one, from where on it is whole, and that this is written down with it.
 *
 * FCP1  Of the revision that it was made of, nobody knows what was deleted there: states are whole from there on, changes behind it.
 * FCP2  Something that was missed makes all of it doubtful, and the note says so at once: whoever opens it next copies it again, too.
 * FCP3  One compaction at a time; where another copy comes meanwhile, or somebody was faster, nothing older is there.
 */
import { codeOf } from '@varve/api';
import type { Bounds } from '@varve/api/implement';
import type { Clock } from '@varve/base/clock';
import type { Replica } from '@varve/kv/layers';
import { noteBytes, rangeText, type Note } from './note.ts';

export interface CopyParts {
  readonly replica: Replica;
  readonly bounds: Bounds;
  /** What there is; absent for nothing. */
  readonly note: Note | undefined;
  readonly clock: Clock;
  readonly historyRevisions: number | undefined;
}

export class Copy {
  /** Of the source, as far as it has one, and has said it. */
  clusterId: string | undefined;
  readonly #parts: CopyParts;
  /** As `Note.base`; undefined for no copy. */
  #base: number | undefined;
  #gap: boolean;
  #noted = 0;
  #compacting: Promise<void> = Promise.resolve();

  constructor(parts: CopyParts) {
    this.#parts = parts;
    this.#base = parts.note?.base;
    this.clusterId = parts.note?.clusterId;
    this.#gap = parts.note?.gap === true;
  }

  get isThere(): boolean {
    return this.#base !== undefined;
  }

  /** Something of it was missed: it may be wrong, and what was told of it, too. */
  get hasGap(): boolean {
    return this.#gap;
  }

  /** Watches, history and changes from here on are whole. */
  get eventsFrom(): number {
    return Math.max((this.#base ?? Number.MAX_SAFE_INTEGER - 1) + 1, this.#parts.replica.eventsFrom);
  }

  /** States from here on are whole. */
  get statesFrom(): number {
    return Math.max(this.#base ?? Number.MAX_SAFE_INTEGER, this.#parts.replica.compactRevision, 1);
  }

  /** The note of a copy that is about to take the place of this one. */
  noteFor(revision: number): Uint8Array {
    return this.#noteOf(baseOf(revision), revision, false);
  }

  /** Another one has taken its place. */
  replaced(revision: number): void {
    this.#base = baseOf(revision);
    this.#gap = false;
  }

  missed(): void {
    this.#gap = true;
    this.#keepNote();
  }

  /** Writes down where it is, if that was so many milliseconds ago. */
  noteDown(ms: number): void {
    const now = this.#parts.clock.now();
    if (this.#base === undefined || now - this.#noted < ms) return;
    this.#noted = now;
    this.#keepNote();
  }

  /** No compaction is under way any more. */
  get settled(): Promise<void> {
    return this.#compacting;
  }

  /** Gives up what the source has given up, and what is more than is wanted. */
  giveUp(compactRevision: number): void {
    const { replica, historyRevisions } = this.#parts;
    if (this.#base === undefined) return;
    const wanted = historyRevisions === undefined ? 0 : replica.revision - historyRevisions;
    const least = Math.min(Math.max(compactRevision, wanted), replica.revision);
    if (least <= replica.compactRevision) return;
    // A store that cannot be written any more says so when the next change comes.
    this.#compacting = this.compact(least, false).catch(() => undefined);
  }

  /** Gives up what is older than `revision`, here. */
  async compact(revision: number, physical: boolean): Promise<void> {
    await this.#compacting;
    await this.#parts.replica.compact(revision, physical).catch((error: unknown) => {
      const code = codeOf(error);
      if (code === undefined || !code.startsWith('MVCC_')) throw error;
    });
  }

  #keepNote(): void {
    const { replica } = this.#parts;
    if (this.#base !== undefined) replica.keepNote(this.#noteOf(this.#base, replica.revision, this.#gap));
  }

  #noteOf(base: number, revision: number, gap: boolean): Uint8Array {
    const { clusterId } = this;
    const range = rangeText(this.#parts.bounds);
    return noteBytes({ range, base, revision, ...(clusterId && { clusterId }), ...(gap && { gap }) });
  }
}

/** A copy of revision 1 has all there ever was. */
function baseOf(revision: number): number {
  return revision === 1 ? 0 : revision;
}
