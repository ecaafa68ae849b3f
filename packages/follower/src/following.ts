/**
 * Following a source: its state once, then every change after it, into a replica.
 *
 *   source ──watch──> state ──> fill           the first time, and when something is missing
 *             '─────> changes ──> apply        each under the source's revision
 *   source ──status──> lag, compactions        now and then
 *
 * FOG1  Going on from a copy is right if what it ends with is what the source had there, and if that can still be read once the present has come:
 *       until then changes are held back. A compaction may have taken deletions without a word (decisions/0035). Else the whole is copied.
 * FOG2  A source with another cluster's id, or at a revision below what was seen of it, or whose past is another one (PAS1), is another source, and
 *       following is over (`KV_REPLACED`). That is asked before the watch begins, again before a state or what was held back is taken in, and
 *       then every `checkMs`. A watch of a cluster ends when another cluster would go on with it (WLI5): so nothing of that one gets in. An open
 *       store whose content is exchanged while its watch goes on is found out by the next question.
 * FOG3  A change that does not fit, or history that is gone, leads to another copy; what cannot be reached is waited for; everything else ends it.
 * FOG4  Between two changes others run: whoever reads does not wait for one who follows.
 * FOG5  Where a change does not fit, something before it was missed, and nobody knows what: so the copy is not compared, watches of it end
 *       with `MVCC_COMPACTED`, and what is kept says so, too.
 */
import { codeOf, KvError, type Range, type Status, type WatchBatch } from '@varve/api';
import { invalidType } from '@varve/api/implement';
import { onAbort } from '@varve/base/abort';
import type { World } from '@varve/base/world';
import { MisfitError, type Replica, type ReplicaRecord, type ReplicaView } from '@varve/kv/layers';
import type { ByteKv, FollowerPhase } from './contract.ts';
import type { Copy } from './copy.ts';
import type { Lag } from './lag.ts';
import { Past, replaced, unlessCompacted } from './past.ts';

/** How often the source says where it is while nothing happens, or as often as it is asked: a read of the newest revision may wait for that. */
const mostProgressMs = 250;
const firstRetryMs = 50;
/** Changes held back while it is not known whether they are all; more of them are dearer than a copy. */
const mostHeld = 50_000;
/** Something is not there now; another try may find it. */
const passing = new Set<string>(['KV_UNAVAILABLE', 'KV_REMOTE']);

/** To find out what has changed is dearer than a copy. Nothing was missed by it. */
class TooMuchError extends Error {}

/** Types say so, but not all programs have them. */
const wrongValues = 'the source must be a store of bytes: open it with key: bytes, value: bytes';

type Batch = WatchBatch<Uint8Array, Uint8Array>;

export interface FollowingParts {
  readonly source: ByteKv;
  readonly replica: Replica;
  readonly view: ReplicaView<Uint8Array, Uint8Array>;
  readonly copy: Copy;
  /** As the source takes it. */
  readonly range: Range<Uint8Array>;
  readonly lag: Lag;
  readonly world: World;
  readonly checkMs: number;
  readonly retryMs: number;
  /** The first copy is there. */
  readonly onCopy: () => void;
  /** The source was reached, and everything that it had then is here. */
  readonly onSynced: () => void;
  readonly onOver: (reason: unknown) => void;
}

export class Following {
  /** Why it waits, or why it is over. */
  reason: unknown;
  copies = 0;
  events = 0;
  readonly #parts: FollowingParts;
  readonly #closing = new AbortController();
  /** What there is does not do. */
  #stale: boolean;
  /** There was one that could be shown, from the beginning. */
  readonly #hadCopy: boolean;
  readonly #past: Past;
  /** The state that is coming in. */
  #state: ReplicaRecord[] | undefined;
  /** Changes whose completeness is not known yet, and the revision with which it is. */
  #held: Batch[] | undefined;
  #heldN = 0;
  #present = 0;
  #sourceCompacted = 0;
  #asking = false;
  #isOver = false;
  /** The source has been asked, and is what is copied, or its newer state. */
  #isTrusted = false;
  #ended: Promise<void> | undefined;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
    this.#stale = parts.copy.hasGap;
    this.#hadCopy = parts.copy.isThere && !parts.copy.hasGap;
    this.#past = new Past(parts.source, parts.view, parts.range);
  }

  get phase(): FollowerPhase {
    if (this.#isOver) return 'ended';
    if (this.#state !== undefined || !this.copy.isThere) return 'copying';
    return this.reason === undefined ? 'following' : 'waiting';
  }

  get copy(): Copy {
    return this.#parts.copy;
  }

  /** Whether the source has no more of the past than there is here, as far as was heard. */
  get holdsThePast(): boolean {
    return this.copy.eventsFrom <= Math.max(1, this.#sourceCompacted);
  }

  /** The source has come this far, as is known for sure. */
  get #seen(): number {
    return this.copy.isThere ? this.#parts.replica.revision : 0;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
    await this.copy.settled;
    this.#noteDown(0);
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts.world;
    const stop = clock.every(this.#parts.checkMs, () => void this.#ask());
    let tries = 0;
    try {
      while (!this.#closed) {
        const before = this.events + this.copies;
        try {
          await this.#follow();
          if (!this.#closed) throw new KvError('KV_CLOSED', 'the source was closed');
        } catch (error) {
          if (this.#closed) return;
          const code: string | undefined = codeOf(error);
          if (error instanceof MisfitError) this.#misfit();
          else if (error instanceof TooMuchError || code === 'MVCC_COMPACTED') this.#stale = true;
          // Before there is anything to show, who opens it is told.
          else if (code === undefined || !passing.has(code) || !(this.#hadCopy || this.copies > 0)) throw error;
          tries = this.events + this.copies > before ? 0 : tries + 1;
          this.reason = error;
          this.#isTrusted = false;
          await this.#pause(Math.min(this.#parts.retryMs, firstRetryMs * 2 ** Math.min(tries, 20)));
        }
      }
    } catch (error) {
      this.#over(error);
    } finally {
      stop();
    }
  }

  /** What there is may be wrong: that is written down with it, so that it is copied again also by who opens it next. */
  #misfit(): void {
    this.#stale = true;
    this.copy.missed();
  }

  #over(error: unknown): void {
    if (this.#closed) return;
    this.#isOver = true;
    this.reason = error;
    this.#closing.abort();
    this.#parts.onOver(error);
  }

  /** A pause that keeps no process alive. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#parts.world.clock.after(ms, () => {
        letGo();
        resolve();
      });
      const letGo = onAbort(this.#closing.signal, () => {
        stop();
        resolve();
      });
    });
  }

  async #follow(): Promise<void> {
    const { source, replica, range, checkMs } = this.#parts;
    const { signal } = this.#closing;
    await this.copy.settled;
    const here = replica.revision;
    const goesOn = this.copy.isThere && !this.#stale;
    const status = await this.#status();
    this.#state = undefined;
    this.#held = undefined;
    if (goesOn) {
      await this.#past.check(here, signal);
      this.#level(status.at, status.revision);
      this.#held = [];
      this.#heldN = 0;
      this.#present = status.revision;
    } else {
      // What may be wrong cannot be compared.
      if (this.copy.isThere && !this.copy.hasGap) await this.#past.check(here, signal).catch(unlessCompacted);
      this.#state = [];
    }
    const progressIntervalMs = Math.min(mostProgressMs, Math.ceil(checkMs));
    const from = goesOn ? { from: here + 1 } : { initial: true };
    const watch = source.watch(range, { ...from, resync: true, progressIntervalMs });
    watch.unref();
    const letGo = onAbort(signal, () => void watch.close());
    if (signal.aborted) void watch.close();
    try {
      for await (const batch of watch.batches()) await this.#take(batch, here);
    } finally {
      letGo();
      await watch.close();
    }
  }

  async #take(batch: Batch, known: number): Promise<void> {
    if (batch.initial) {
      if (batch.events.length === 0 || this.#state === undefined) this.#state = [];
      this.#held = undefined;
      for (const event of batch.events) {
        if (event.type !== 'put') continue;
        if (!(event.value instanceof Uint8Array)) throw invalidType(wrongValues);
        this.#state.push(event);
      }
      return;
    }
    if (this.#state !== undefined) {
      await this.#status();
      await this.#fill(batch.revision, this.#state);
      if (batch.events.length === 0) return;
    }
    // A member that is behind may tell of what is known.
    if (batch.revision <= known && batch.events.length === 0) return;
    if (this.#held === undefined) {
      await this.#apply(batch);
      return;
    }
    this.#held.push(batch);
    this.#heldN += batch.events.length;
    if (batch.revision >= this.#present) await this.#release(this.#held, known);
    else if (this.#heldN > mostHeld) throw new TooMuchError('too much has changed while nobody followed');
  }

  /** The present has come: if what was known is readable still, everything that was held back is all there is (FOG1). */
  async #release(held: readonly Batch[], known: number): Promise<void> {
    await this.#past.check(known, this.#closing.signal);
    await this.#status();
    this.#held = undefined;
    for (const batch of held) await this.#apply(batch);
  }

  async #apply({ revision, events }: Batch): Promise<void> {
    const { replica, lag } = this.#parts;
    await replica.admit();
    lag.heard(revision);
    if (revision <= replica.revision) {
      if (events.length === 0) return;
      throw new MisfitError(`revision ${revision} comes again`);
    }
    if (events.length === 0) replica.advance(revision);
    else replica.apply(revision, events);
    this.#past.followed(events);
    this.events += events.length;
  }

  async #fill(revision: number, records: readonly ReplicaRecord[]): Promise<void> {
    const { replica, copy, lag } = this.#parts;
    await copy.settled;
    await replica.fill({ revision, records, note: copy.noteFor(revision), gap: copy.hasGap });
    this.#past.filled(records);
    this.#state = undefined;
    this.#stale = false;
    copy.replaced(revision);
    this.copies++;
    lag.heard(revision);
    this.#isTrusted = true;
    void this.#ask();
    this.#parts.onCopy();
  }

  /** Where the source is now, if it is still that one (FOG2). */
  async #status(): Promise<Status & { readonly at: number }> {
    const { source, copy, lag, world } = this.#parts;
    const seen = this.#seen;
    const at = world.clock.now();
    const status = await source.status({ signal: this.#closing.signal });
    if (status.revision < seen)
      throw replaced(`the source is at revision ${status.revision}, and ${seen} was seen of it`);
    const { clusterId } = status;
    if (clusterId !== undefined && copy.clusterId !== undefined && clusterId !== copy.clusterId)
      throw replaced(`the source is the cluster ${clusterId}, and what was copied is of ${copy.clusterId}`);
    copy.clusterId ??= clusterId;
    this.reason = undefined;
    this.#sourceCompacted = Math.max(this.#sourceCompacted, status.compactRevision ?? 0);
    lag.heard(status.revision);
    if (this.#isTrusted) this.#level(at, status.revision);
    return { ...status, at };
  }

  /** At this moment the source was there, and is known to be what is copied. */
  #level(at: number, revision: number): void {
    const { lag, replica, onSynced } = this.#parts;
    this.#isTrusted = true;
    lag.asked(at, revision, replica.revision);
    if (this.copy.isThere && lag.behind(0).ms !== undefined) onSynced();
  }

  /** Asks the source where it is, unless that is under way. */
  async #ask(): Promise<void> {
    if (this.#asking || this.#closed || !this.#isTrusted) return;
    this.#asking = true;
    try {
      const { replica } = this.#parts;
      const status = await this.#status();
      this.#parts.lag.came(replica.revision);
      if (this.#state === undefined) this.copy.giveUp(status.compactRevision ?? 0);
      this.#noteDown(this.#parts.checkMs);
    } catch (error) {
      const code: string | undefined = codeOf(error);
      if (code === 'KV_REPLACED') this.#over(error);
      // What else there is, the watch is told.
      else if (code !== undefined && passing.has(code)) this.reason = error;
    } finally {
      this.#asking = false;
    }
  }

  /** A state that comes in brings its own note. */
  #noteDown(ms: number): void {
    if (this.#state === undefined && this.#isTrusted) this.copy.noteDown(ms);
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }
}
