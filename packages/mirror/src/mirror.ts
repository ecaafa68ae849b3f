/**
 * Following a store: copy what it has at one revision, then every change after it.
 *
 *   source ──copy──> target        once, and when history the mirror needs is compacted
 *   source ──watch──> inbox ──> transactions of the target, each with the place that it leads to
 *
 * MIR1  A copy writes what differs and nothing else: begun again, it goes on.
 * MIR2  A store that cannot be reached is waited for; of a write whose outcome is not known the target is asked.
 * MIR3  Whatever ends it is what `ended` rejects with; `close` ends it between two transactions.
 * MIR4  What a watch tells is complete if the revision before it can still be read once the present has come: a compaction may have taken
 *       deletions without a word, on an etcd that is asked for the very next revision (decisions/0035). Else the whole is compared.
 * MIR5  Before anything of a cluster is written it is known to be that one (MSO1): a copy asks before a few parts, behind their reading; a watch is of one id as long
 *       as it lasts, so that is asked once; and what was heard until the target's newest change was found there again is of a store that has it.
 */
import { codeOf, KvError, type Range } from '@varve/api';
import { onAbort } from '@varve/base/abort';
import { deferred, type Deferred } from '@varve/base/deferred';
import { hostWorld } from '@varve/base/host';
import { byteKey } from '@varve/base/order';
import type { World } from '@varve/base/world';
import { batchOf, nextGroup, type Batch, type Bounds, type WriteOp } from './apply.ts';
import { Checkpoint, fenceKey, type Place } from './checkpoint.ts';
import type { ByteKv, Fenced, Mirror, MirrorOptions, MirrorPhase, MirrorStatus } from './contract.ts';
import { partsOf, type Part } from './copy.ts';
import { Inbox } from './inbox.ts';
import { pairs } from './merge.ts';
import { checkMirror, rangeText } from './options.ts';
import { newestOf, replaced, Source } from './source.ts';

/** Parts of a copy for which the source is asked once whether it is still that one. */
const partsAtOnce = 8;
/** How often the source is heard of while nothing happens. */
const progressMs = 250;
const firstRetryMs = 50;
/** Something is not there now; another try may find it, or that the source is another store, which has not come so far. */
const passing = new Set<string>(['KV_UNAVAILABLE', 'KV_UNKNOWN_OUTCOME', 'MVCC_FUTURE_REVISION']);

/**
 * Keeps a range of one store in another: what is there now, then every change. Both may be of any kind, and stay open when the mirror ends.
 * Leases do not come along: a key that runs out in the source is deleted in both. What the target holds in the range and the source does
 * not is deleted by the first copy.
 * @throws TypeError, RangeError `KV_INVALID`
 */
export function mirror(from: ByteKv, to: ByteKv, options: MirrorOptions = {}): Mirror {
  checkMirror(from, to, options);
  return new RunningMirror(from, to, options);
}

class RunningMirror implements Mirror {
  readonly ended: Promise<void>;
  readonly #from: ByteKv;
  readonly #to: ByteKv;
  readonly #range: Range<Uint8Array>;
  readonly #fenceKey: Uint8Array;
  readonly #bounds: Bounds;
  readonly #retryMs: number;
  readonly #bookmarkMs: number;
  readonly #world: World;
  readonly #checkpoint: Checkpoint;
  readonly #closing = new AbortController();
  readonly #source: Source;
  readonly #waiting = new Set<{ readonly revision: number; readonly reached: Deferred<Fenced> }>();
  #phase: MirrorPhase = 'copying';
  #reason: unknown;
  #revision = 0;
  #sourceRevision = 0;
  #targetRevision = 0;
  #copied = 0;
  #events = 0;
  #copies = 0;
  #afterFence = 0;
  /** The newest fence that was put, and the newest that is applied. */
  #asked = Infinity;
  #fence = Infinity;
  #bookmarked = 0;

  constructor(from: ByteKv, to: ByteKv, options: MirrorOptions) {
    const { range = {}, name = 'default', maxOps = 100, maxBytes = 1024 * 1024 } = options;
    this.#from = from;
    this.#to = to;
    this.#range = { ...range };
    this.#fenceKey = fenceKey(name);
    this.#bounds = { maxOps, maxBytes };
    this.#retryMs = options.retryMs ?? 5000;
    this.#bookmarkMs = options.bookmarkMs ?? 10_000;
    this.#world = options.world ?? hostWorld;
    this.#checkpoint = new Checkpoint(to, name, rangeText(range));
    this.#source = new Source(from, this.#checkpoint, this.#signal);
    this.ended = this.#run(options.signal);
    // Whoever does not ask finds it in `status()`.
    this.ended.catch(() => undefined);
  }

  status(): MirrorStatus {
    return {
      phase: this.#phase,
      revision: this.#revision,
      sourceRevision: this.#sourceRevision,
      behind: Math.max(0, this.#sourceRevision - this.#revision),
      copied: this.#copied,
      events: this.#events,
      copies: this.#copies,
      afterFence: this.#afterFence,
      ...(this.#reason === undefined ? undefined : { reason: this.#reason }),
    };
  }

  async caughtUp(revision?: number): Promise<Fenced> {
    const wanted = revision ?? (await this.#source.ask(this.#revision));
    if (this.#revision >= wanted) return this.#reached();
    if (this.#phase === 'ended') throw this.#over();
    const reached = deferred<Fenced>();
    this.#waiting.add({ revision: wanted, reached });
    return reached.promise;
  }

  async fence(): Promise<Fenced> {
    const before = this.#revision;
    const { revision } = await this.#from.put(this.#fenceKey, new Uint8Array(0));
    if (revision <= before) throw replaced(`the fence is at revision ${revision}, and ${before} was there before it`);
    this.#asked = revision;
    return this.caughtUp(revision);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.ended.catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(signal: AbortSignal | undefined): Promise<void> {
    const letGo = signal && onAbort(signal, () => this.#closing.abort());
    try {
      signal?.throwIfAborted();
      await this.#keepGoing();
      this.#reason = undefined;
      signal?.throwIfAborted();
    } catch (error) {
      this.#reason = error;
      throw error;
    } finally {
      letGo?.();
      this.#phase = 'ended';
      for (const { reached } of this.#waiting) reached.reject(this.#over());
      this.#waiting.clear();
    }
  }

  async #keepGoing(): Promise<void> {
    let stale = false;
    let tries = 0;
    while (!this.#closed) {
      const before = this.#copied + this.#events;
      try {
        await this.#checkpoint.read(this.#signal);
        this.#targetRevision = Math.max(this.#targetRevision, this.#checkpoint.targetRevision);
        if (stale || this.#checkpoint.place === undefined) await this.#copy();
        stale = false;
        await this.#follow();
      } catch (error) {
        if (this.#closed) return;
        if (error instanceof LateWrite) continue;
        const code: string | undefined = codeOf(error);
        if (code === 'MVCC_COMPACTED') stale = true;
        else if (code === undefined || !passing.has(code)) throw error;
        tries = this.#copied + this.#events > before ? 0 : tries + 1;
        await this.#wait(error, Math.min(this.#retryMs, firstRetryMs * 2 ** Math.min(tries, 20)));
      }
    }
  }

  /** The reason stands until one of the stores has answered (MRR3). */
  async #wait(reason: unknown, ms: number): Promise<void> {
    this.#phase = 'waiting';
    this.#reason = reason;
    await this.#world.clock.pause(ms, this.#signal);
  }

  #goOn(phase: MirrorPhase, sourceRevision: number): void {
    this.#phase = phase;
    this.#reason = undefined;
    this.#heard(sourceRevision);
  }

  /** Makes the target what the source was at one revision. */
  async #copy(): Promise<void> {
    const place = this.#checkpoint.place;
    const revision = await this.#source.ask(place?.revision ?? 0, this.#signal);
    await this.#source.checkPastIfThere();
    this.#goOn('copying', revision);
    this.#copies++;
    // What was written between a fence and here cannot be told from what was before: all of it counts.
    const counts = this.#asked < revision;
    const write = async (parts: readonly Part[]): Promise<void> => {
      await this.#source.askAgain(revision);
      for (const { ops, isLast, newest } of parts) {
        this.#signal.throwIfAborted();
        await this.#write(ops, isLast ? { revision, part: 0, newest } : undefined);
        this.#copied += ops.length;
        if (counts) this.#afterFence += ops.length;
      }
    };
    let parts: Part[] = [];
    // They go out while the next ones are read.
    let writing: Promise<void> = Promise.resolve();
    try {
      for await (const part of partsOf(
        pairs(this.#from.at(revision), this.#to, this.#range, this.#signal),
        this.#bounds,
      )) {
        parts.push(part);
        if (parts.length < partsAtOnce) continue;
        await writing;
        writing = write(parts);
        // Told where it is awaited.
        writing.catch(() => undefined);
        parts = [];
      }
    } finally {
      await writing;
    }
    if (parts.length > 0) await write(parts);
  }

  async #follow(): Promise<void> {
    const place = this.#checkpoint.place!;
    const revision = await this.#source.ask(place.revision, this.#signal);
    await this.#source.checkPast();
    this.#goOn('following', revision);
    this.#advance(place.revision);
    const inbox = new Inbox();
    const reading = new AbortController();
    const listening = this.#listen(inbox, place.revision, revision, reading.signal);
    try {
      await this.#drain(inbox, place.part);
    } finally {
      reading.abort();
      inbox.end();
      await listening;
    }
  }

  /** Puts what happens in the source behind `known` into the inbox, until it is told to stop. @param present its revision of now */
  async #listen(inbox: Inbox, known: number, present: number, stop: AbortSignal): Promise<void> {
    const letGo: (() => void)[] = [];
    try {
      const watch = this.#from.watch(
        { any: [this.#range, this.#fenceKey] },
        { from: known + 1, progressIntervalMs: progressMs },
      );
      const close = (): void => void watch.close();
      for (const signal of [stop, this.#signal]) letGo.push(onAbort(signal, close));
      letGo.push(close);
      if (stop.aborted || this.#closed) close();
      await this.#hear(watch.batches(), inbox, known, present);
      inbox.end(stop.aborted || this.#closed ? undefined : { error: sourceClosed() });
    } catch (error) {
      inbox.end({ error });
    } finally {
      for (const release of letGo) release();
    }
  }

  async #hear(
    batches: AsyncIterable<{ readonly revision: number; readonly events: Parameters<typeof batchOf>[1] }>,
    inbox: Inbox,
    known: number,
    present: number,
  ): Promise<void> {
    const fence = byteKey(this.#fenceKey);
    const readable = (): Promise<unknown> => this.#from.at(known).get(this.#fenceKey, { signal: this.#signal });
    await readable();
    let [isNew, isKnown] = [false, false];
    for await (const { revision, events } of batches) {
      // A member that is behind may tell of what is known.
      if (revision <= known) continue;
      if (!isKnown) {
        await this.#source.askAgain(known);
        isKnown = true;
      }
      this.#heard(revision);
      if (!isNew && revision >= present) {
        await readable();
        isNew = true;
      }
      await inbox.add(batchOf(revision, events, fence));
    }
  }

  async #drain(inbox: Inbox, begun: number): Promise<void> {
    let part = begun;
    let sure = 0;
    for (;;) {
      const batches = await inbox.wait();
      if (batches === undefined || this.#closed) return;
      const group = nextGroup(batches, part, this.#bounds);
      const taken = batches.slice(0, group.batches);
      const isNews = group.changes.length > 0 || taken.some(({ isFence }) => isFence);
      if (isNews && sure < Math.max(1, group.batches)) {
        const { length } = batches;
        await this.#source.checkPastAgain();
        sure = length;
      }
      if (group.changes.length > 0 || this.#bookmarkDue(group.place)) {
        const newest = newestOf(taken, this.#checkpoint.place?.newest);
        await this.#write(
          group.changes.map(({ op }) => op),
          { ...group.place, newest },
        );
        this.#events += group.changes.length;
      }
      for (const batch of taken) this.#countFence(batch);
      inbox.drop(group.batches);
      sure -= group.batches;
      part = group.place.part;
      this.#advance(group.place.revision);
    }
  }

  #countFence({ revision, isFence, changes }: Batch): void {
    if (isFence) {
      this.#fence = revision;
      this.#afterFence = 0;
    } else if (revision > this.#fence) {
      this.#afterFence += changes.length;
    }
  }

  #bookmarkDue(place: Place): boolean {
    const isFurther = place.revision > (this.#checkpoint.place?.revision ?? 0);
    return isFurther && this.#world.clock.now() - this.#bookmarked >= this.#bookmarkMs;
  }

  /** One transaction, if nobody else has written the mirror's row. @param place not given: the whole is being copied */
  async #write(ops: readonly WriteOp[], place: Place | undefined): Promise<void> {
    const checkpoint = this.#checkpoint;
    const row = checkpoint.rowOf(place);
    let answer;
    try {
      answer = await this.#to.txn({ if: [checkpoint.condition], then: [...ops, checkpoint.write(row)] });
    } catch (error) {
      if (codeOf(error) === 'KV_UNKNOWN_OUTCOME') checkpoint.doubt(row);
      throw error;
    }
    if (!answer.succeeded) {
      await checkpoint.read(this.#signal);
      throw checkpoint.isOwnLate ? new LateWrite() : checkpoint.taken();
    }
    checkpoint.written(row, place, answer.revision);
    this.#targetRevision = answer.revision;
    this.#bookmarked = this.#world.clock.now();
  }

  #heard(revision: number): void {
    this.#sourceRevision = Math.max(this.#sourceRevision, revision);
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiting of this.#waiting) {
      if (waiting.revision > this.#revision) continue;
      this.#waiting.delete(waiting);
      waiting.reached.resolve(this.#reached());
    }
  }

  #reached(): Fenced {
    return { sourceRevision: this.#revision, targetRevision: this.#targetRevision };
  }

  get #signal(): AbortSignal {
    return this.#closing.signal;
  }

  get #closed(): boolean {
    return this.#signal.aborted;
  }

  #over(): unknown {
    return this.#reason ?? new KvError('KV_CLOSED', 'the mirror is closed');
  }
}

/** A write whose outcome was not known has been done after all. */
class LateWrite extends Error {}

function sourceClosed(): KvError {
  return new KvError('KV_CLOSED', 'the source was closed');
}
