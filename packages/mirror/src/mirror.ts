/**
 * Following a store: copy what it has at one revision, then every change after it.
 *
 *   source ──copy──> target        once, and when history the mirror needs is compacted
 *   source ──watch──> inbox ──> transactions of the target, each with the place that it leads to
 *
 * MIR1  A copy writes what differs and nothing else: begun again, it goes on.
 * MIR2  A store that cannot be reached is waited for; of a write whose outcome is not known the target is asked.
 * MIR3  Whatever ends it is what `ended` rejects with; `close` ends it between two transactions.
 * MIR4  Before anything of a cluster is written it is known to be that one (MSO1): a copy asks before a few parts, behind their reading; what is
 *       heard is asked for once (MLI2), and what was heard until the target's newest change was found there again is of a store that has it.
 */
import { codeOf, KvError, type Range } from '@varve/api';
import { onAbort } from '@varve/base/abort';
import { hostWorld } from '@varve/base/host';
import type { World } from '@varve/base/world';
import { nextGroup, type Bounds, type WriteOp } from './apply.ts';
import { Checkpoint, fenceKey, type Place } from './checkpoint.ts';
import type { ByteKv, Fenced, Mirror, MirrorOptions, MirrorPhase, MirrorStatus } from './contract.ts';
import { partsOf, type Part } from './copy.ts';
import { Inbox } from './inbox.ts';
import { listen } from './listening.ts';
import { pairs } from './merge.ts';
import { checkMirror, rangeText } from './options.ts';
import { Progress } from './progress.ts';
import { newestOf, replaced, Source } from './source.ts';

/** Parts of a copy for which the source is asked once whether it is still that one. */
const partsAtOnce = 8;
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
  readonly #progress = new Progress();
  #phase: MirrorPhase = 'copying';
  #reason: unknown;
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
      ...this.#progress.counts,
      ...(this.#reason === undefined ? undefined : { reason: this.#reason }),
    };
  }

  async caughtUp(revision?: number): Promise<Fenced> {
    const progress = this.#progress;
    const wanted = revision ?? (await this.#source.ask(progress.revision));
    if (progress.revision >= wanted) return progress.reached;
    if (this.#phase === 'ended') throw this.#over();
    return progress.until(wanted);
  }

  async fence(): Promise<Fenced> {
    const before = this.#progress.revision;
    const { revision } = await this.#from.put(this.#fenceKey, new Uint8Array(0));
    if (revision <= before) throw replaced(`the fence is at revision ${revision}, and ${before} was there before it`);
    this.#progress.fenced(revision);
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
      this.#progress.end(this.#over());
    }
  }

  async #keepGoing(): Promise<void> {
    let stale = false;
    let tries = 0;
    while (!this.#closed) {
      const before = this.#progress.done;
      try {
        await this.#checkpoint.read(this.#signal);
        this.#progress.wrote(this.#checkpoint.targetRevision);
        if (stale || this.#checkpoint.place === undefined) await this.#copy();
        stale = false;
        await this.#follow();
      } catch (error) {
        if (this.#closed) return;
        if (error instanceof LateWrite) continue;
        const code: string | undefined = codeOf(error);
        if (code === 'MVCC_COMPACTED') stale = true;
        else if (code === undefined || !passing.has(code)) throw error;
        tries = this.#progress.done > before ? 0 : tries + 1;
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
    this.#progress.heard(sourceRevision);
  }

  /** Makes the target what the source was at one revision. */
  async #copy(): Promise<void> {
    const place = this.#checkpoint.place;
    const revision = await this.#source.ask(place?.revision ?? 0, this.#signal);
    await this.#source.checkPastIfThere();
    this.#goOn('copying', revision);
    this.#progress.copying(revision);
    const write = async (parts: readonly Part[]): Promise<void> => {
      await this.#source.askAgain(revision);
      for (const { ops, isLast, newest } of parts) {
        this.#signal.throwIfAborted();
        await this.#write(ops, isLast ? { revision, part: 0, newest } : undefined);
        this.#progress.copied(ops.length);
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
    this.#progress.advance(place.revision);
    const inbox = new Inbox();
    const reading = new AbortController();
    const listening = listen({
      from: this.#from,
      source: this.#source,
      range: this.#range,
      fenceKey: this.#fenceKey,
      known: place.revision,
      present: revision,
      inbox,
      signals: [this.#signal, reading.signal],
      onHeard: (heard) => this.#progress.heard(heard),
    });
    try {
      await this.#drain(inbox, place.part);
    } finally {
      reading.abort();
      inbox.end();
      await listening;
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
        this.#progress.events += group.changes.length;
      }
      for (const batch of taken) this.#progress.followed(batch);
      inbox.drop(group.batches);
      sure -= group.batches;
      part = group.place.part;
      this.#progress.advance(group.place.revision);
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
    this.#progress.wrote(answer.revision);
    this.#bookmarked = this.#world.clock.now();
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
