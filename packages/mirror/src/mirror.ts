/**
 * Following a store: copy what it has at one revision, then every change after it.
 *
 *   source ──copy──> target        once, and when history the mirror needs is compacted
 *   source ──watch──> inbox ──> transactions of the target, each with the place that it leads to
 *
 * MIR1  A copy writes what differs and nothing else: begun again, it goes on.
 * MIR2  A store that cannot be reached is waited for; of a write whose outcome is not known the target is asked.
 * MIR3  Whatever ends it is what `ended` rejects with; `close` ends it between two transactions.
 */
import { codeOf, KvError, put, remove, type Range } from '@varve/api';
import { invalidType } from '@varve/api/implement';
import { check, checkOptions, isInteger, isNumber, isSignal, type Faults, type Rules } from '@varve/base/options';
import { hostWorld } from '@varve/base/host';
import { isWorld, type World } from '@varve/base/world';
import { deferred, type Deferred } from '@varve/base/deferred';
import { batchOf, nextGroup, type Bounds, type WriteOp } from './apply.ts';
import { Checkpoint, fenceKey, type Place } from './checkpoint.ts';
import type { ByteKv, Fenced, Mirror, MirrorOptions, MirrorPhase, MirrorStatus } from './contract.ts';
import { Inbox } from './inbox.ts';
import { pairs, sameValue } from './merge.ts';

const faults: Faults = {
  type: (message) => invalidType(message),
  range: (message) => Object.assign(new RangeError(message), { code: 'KV_INVALID' as const }),
};
const isName = {
  what: 'a text that is not empty',
  isKind: (value: unknown): boolean => typeof value === 'string' && value !== '',
};
const isRange = { what: 'a range, as { prefix }', isKind: (value: unknown): boolean => Object(value) === value };
const rules: Rules<MirrorOptions> = {
  range: isRange,
  name: isName,
  maxOps: isInteger(1, 100_000),
  maxBytes: isInteger(1),
  retryMs: isNumber('a number of milliseconds from 1', (ms) => ms >= 1),
  bookmarkMs: isNumber('a number of milliseconds from 1', (ms) => ms >= 1),
  signal: isSignal,
  world: isWorld,
};

/** How often the source is heard of while nothing happens. */
const progressMs = 250;
const firstRetryMs = 50;
/** Something is not there now; another try may find it. */
const passing = new Set<string>(['KV_UNAVAILABLE', 'KV_UNKNOWN_OUTCOME']);

/**
 * Keeps a range of one store in another: what is there now, then every change. Both may be of any kind, and stay open when the mirror ends.
 * Leases do not come along: a key that runs out in the source is deleted in both. What the target holds in the range and the source does
 * not is deleted by the first copy.
 * @throws TypeError, RangeError `KV_INVALID`
 */
export function mirror(from: ByteKv, to: ByteKv, options: MirrorOptions = {}): Mirror {
  checkOptions(options, rules, faults);
  for (const [name, store] of [
    ['from', from],
    ['to', to],
  ] as const) {
    check(store, name, { what: 'an open store', isKind: (value) => typeof Object(value).txn === 'function' }, faults);
  }
  return new RunningMirror(from, to, options);
}

class RunningMirror implements Mirror {
  readonly ended: Promise<void>;
  readonly #from: ByteKv;
  readonly #to: ByteKv;
  readonly #range: Range<Uint8Array>;
  readonly #name: string;
  readonly #bounds: Bounds;
  readonly #retryMs: number;
  readonly #bookmarkMs: number;
  readonly #world: World;
  readonly #checkpoint: Checkpoint;
  readonly #closing = new AbortController();
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
  #fence = Infinity;
  #bookmarked = 0;
  /** Where a write of unknown outcome would have led. */
  #doubt: Place | undefined;

  constructor(from: ByteKv, to: ByteKv, options: MirrorOptions) {
    const {
      range = {},
      name = 'default',
      maxOps = 100,
      maxBytes = 1024 * 1024,
      retryMs = 5000,
      bookmarkMs = 10_000,
    } = options;
    this.#from = from;
    this.#to = to;
    this.#range = range;
    this.#name = name;
    this.#bounds = { maxOps, maxBytes };
    this.#retryMs = retryMs;
    this.#bookmarkMs = bookmarkMs;
    this.#world = options.world ?? hostWorld;
    this.#checkpoint = new Checkpoint(to, name);
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
    const wanted = revision ?? (await this.#from.status()).revision;
    if (this.#revision >= wanted) return this.#reached();
    if (this.#phase === 'ended') throw this.#over();
    const reached = deferred<Fenced>();
    this.#waiting.add({ revision: wanted, reached });
    return reached.promise;
  }

  async fence(): Promise<Fenced> {
    const { revision } = await this.#from.put(fenceKey(this.#name), new Uint8Array(0));
    this.#fence = revision;
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
    const abort = (): void => this.#closing.abort();
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', abort);
      await this.#keepGoing();
      signal?.throwIfAborted();
    } catch (error) {
      this.#reason = error;
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
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
        await this.#checkpoint.read();
        this.#doubt = undefined;
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

  async #wait(reason: unknown, ms: number): Promise<void> {
    this.#phase = 'waiting';
    this.#reason = reason;
    await this.#world.clock.pause(ms, this.#closing.signal);
    this.#reason = undefined;
  }

  /** Makes the target what the source was at one revision. */
  async #copy(): Promise<void> {
    this.#phase = 'copying';
    this.#copies++;
    const { revision } = await this.#from.status();
    this.#heard(revision);
    let ops: WriteOp[] = [];
    let bytes = 0;
    for await (const pair of pairs(this.#from.at(revision), this.#to, this.#range, this.#closing.signal)) {
      if (sameValue(pair)) continue;
      const size = pair.key.length + (pair.first?.value.length ?? 0);
      if (ops.length > 0 && (ops.length >= this.#bounds.maxOps || bytes + size > this.#bounds.maxBytes)) {
        await this.#writeCopied(ops);
        [ops, bytes] = [[], 0];
      }
      ops.push(pair.first === undefined ? remove(pair.key) : put(pair.key, pair.first.value));
      bytes += size;
    }
    await this.#writeCopied(ops, { revision, part: 0 });
  }

  async #writeCopied(ops: readonly WriteOp[], place?: Place): Promise<void> {
    await this.#write(ops, place);
    this.#copied += ops.length;
  }

  async #follow(): Promise<void> {
    this.#phase = 'following';
    const place = this.#checkpoint.place!;
    const { revision } = await this.#from.status();
    this.#heard(revision);
    if (revision < place.revision) throw wrongSource(revision, place);
    this.#advance(place.revision);
    const inbox = new Inbox();
    const reading = new AbortController();
    const listening = this.#listen(inbox, place.revision + 1, reading.signal);
    try {
      await this.#drain(inbox, place.part);
    } finally {
      reading.abort();
      inbox.end();
      await listening;
    }
  }

  /** Puts what happens in the source into the inbox, until it is told to stop. */
  async #listen(inbox: Inbox, from: number, stop: AbortSignal): Promise<void> {
    const watch = this.#from.watch(
      { any: [this.#range, fenceKey(this.#name)] },
      { from, progressIntervalMs: progressMs },
    );
    const close = (): void => void watch.close();
    for (const signal of [stop, this.#closing.signal]) signal.addEventListener('abort', close);
    if (stop.aborted || this.#closed) close();
    try {
      for await (const { revision, events } of watch.batches()) {
        this.#heard(revision);
        const batch = batchOf(revision, events);
        if (revision > this.#fence) this.#afterFence += batch.changes.length;
        await inbox.add(batch);
      }
      inbox.end(stop.aborted || this.#closed ? undefined : { error: sourceClosed() });
    } catch (error) {
      inbox.end({ error });
    } finally {
      for (const signal of [stop, this.#closing.signal]) signal.removeEventListener('abort', close);
      await watch.close();
    }
  }

  async #drain(inbox: Inbox, begun: number): Promise<void> {
    let part = begun;
    for (;;) {
      const batches = await inbox.wait();
      if (batches === undefined || this.#closed) return;
      const group = nextGroup(batches, part, this.#bounds);
      if (group.changes.length > 0 || this.#bookmarkDue()) {
        await this.#write(
          group.changes.map(({ op }) => op),
          group.place,
        );
        this.#events += group.changes.length;
      }
      inbox.drop(group.batches);
      part = group.place.part;
      this.#advance(group.place.revision);
    }
  }

  #bookmarkDue(): boolean {
    return this.#world.clock.now() - this.#bookmarked >= this.#bookmarkMs;
  }

  /** One transaction, if nobody else has moved the mirror's place. */
  async #write(ops: readonly WriteOp[], place: Place | undefined): Promise<void> {
    const then = place === undefined ? ops : [...ops, this.#checkpoint.moveTo(place)];
    if (then.length === 0) return;
    let answer;
    try {
      answer = await this.#to.txn({ if: [this.#checkpoint.condition], then });
    } catch (error) {
      if (codeOf(error) === ('KV_UNKNOWN_OUTCOME' as string)) this.#doubt = place;
      throw error;
    }
    if (!answer.succeeded) await this.#refused();
    this.#targetRevision = answer.revision;
    if (place === undefined) return;
    this.#checkpoint.moved(place, answer.revision);
    this.#bookmarked = this.#world.clock.now();
  }

  /** The place was moved by somebody: by a write of our own that came late, or by another mirror. */
  async #refused(): Promise<never> {
    const expected = this.#doubt;
    const found = await this.#checkpoint.read();
    const own = expected !== undefined && found?.revision === expected.revision && found.part === expected.part;
    throw own ? new LateWrite() : this.#checkpoint.taken();
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

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #over(): unknown {
    return this.#reason ?? new KvError('KV_CLOSED', 'the mirror is closed');
  }
}

/** A write whose outcome was not known has been done after all. */
class LateWrite extends Error {}

function wrongSource(revision: number, place: Place): KvError {
  return new KvError(
    'KV_CONFLICT',
    `the source is at revision ${revision}, and the target has everything up to ${place.revision} of it: it is another store, or an older copy`,
  );
}

function sourceClosed(): KvError {
  return new KvError('KV_CLOSED', 'the source was closed');
}
