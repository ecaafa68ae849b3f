/**
 * One watcher that outlives its connection: what comes for it, from a first revision on.
 *
 * WLI1  `next` is the first revision that has not come yet. Whatever happens to the connection, the watcher is made again from there: no gap,
 *      and nothing twice. etcd never splits a revision over two answers unless it is asked to.
 * WLI2  What waits for the consumer is bounded: beyond it the watcher is given up, and made again from `next` when all of it was taken (law 9).
 * WLI3  An exact one also knows how far it is while nothing comes. Where the member tells that too early (before 3.4.27 and 3.5.10: it answers
 *      before what is on its way), the whole store is watched and passed over here: each revision has an event.
 * WLI4  Where the member drops deletions of the compacted revision itself and refuses no watcher there (watch/versions.ts), what comes of
 *      history is handed on when the revision before it was still readable afterwards: so nothing before it was dropped, or it is
 *      `MVCC_COMPACTED`.
 * WLI5  It is of the cluster that it began on: where another one makes it, now or again, or one that has not come as far, it ends with
 *      `KV_REPLACED`. From `next` on that one has a history of its own.
 */
import { codeOf, KvError } from '@varve/api';
import { contains, type Bounds, type StoredChange } from '@varve/api/implement';
import { until } from '@varve/base/abort';
import { WatchCreateRequest_FilterType, type WatchCreateRequest, type WatchResponse } from '@varve/etcd-api';
import { verdictOf } from '../channel/verdict.ts';
import { endOf, storedChange } from '../messages.ts';

export interface Watched {
  readonly bounds: Bounds;
  readonly previous: boolean;
  readonly only: 'put' | 'delete' | undefined;
  /** It will be asked how far it is. */
  readonly exact: boolean;
}

export type Item =
  | { readonly type: 'changes'; readonly changes: readonly StoredChange[] }
  /** Everything up to this revision has come. */
  | { readonly type: 'progress'; readonly revision: number };

/** What a line needs of the hub. */
export interface Connection {
  /** Makes the watcher, now or with the next connection. */
  make(line: WatchLine): void;
  /** Gives the watcher up, for a while. */
  park(line: WatchLine): void;
  /** Gives it up for good. */
  drop(line: WatchLine): void;
  /** Asks how far it is; the answer comes as an item. @param known the revision that the asker wants to hear of, if there is one */
  ask(line: WatchLine, known: number | undefined): void;
  /** Resolves when the revision can still be read. @throws KvError `MVCC_COMPACTED`, and why it cannot be asked */
  check(line: WatchLine, revision: number): Promise<void>;
}

const { NOPUT, NODELETE } = WatchCreateRequest_FilterType;
const all: Bounds = { key: Uint8Array.of(0), end: new Uint8Array(0) };

export class WatchLine {
  readonly watched: Watched;
  /** It was refused for want of a right once, with a token that may have been too old. */
  denied = false;
  readonly #connection: Connection;
  readonly #most: number;
  #next: number;
  #whole = false;
  #parked = false;
  #items: Item[] = [];
  #queued = 0;
  /** The asker wants to hear when it is so far. */
  #target: number | undefined;
  #error: unknown;
  #closed = false;
  #wake: (() => void) | undefined;
  /** Answers that wait until it is known that they are whole (WLI4), and their events. */
  #unsure: { readonly events: number; readonly take: () => void }[] = [];
  #unsureEvents = 0;
  /** What is answered up to here may be of history; 0 where that does no harm. */
  #historyUntil = 0;
  /** The cluster that it is of; 0 where none has said which it is, as some proxies do not. */
  #cluster: bigint;
  /** The newest revision that is known of it. */
  #come: number;
  /** Tells the checks of the watcher before from those of this one. */
  #made = 0;
  #checking = false;
  /** The oldest revision that must be readable; `undefined` where its user sees to that. */
  readonly #floor: number | undefined;

  constructor(
    connection: Connection,
    watched: Watched,
    from: number,
    most: number,
    floor: number | undefined,
    { cluster, present = 0 }: { readonly cluster: bigint; readonly present: number | undefined },
  ) {
    this.#connection = connection;
    this.#cluster = cluster;
    this.#come = present;
    this.#floor = floor;
    this.watched = watched;
    this.#next = from;
    this.#most = most;
  }

  get next(): number {
    return this.#next;
  }

  get parked(): boolean {
    return this.#parked;
  }

  /** What waits already. */
  poll(): Item | undefined {
    const item = this.#items.shift();
    if (item?.type === 'changes') this.#queued -= item.changes.length;
    if (this.#items.length === 0 && this.#unsure.length === 0 && this.#parked && !this.#isOver()) {
      this.#parked = false;
      this.#connection.make(this);
    }
    return item;
  }

  #isOver(): boolean {
    return this.#closed || this.#error !== undefined;
  }

  /** The next of what comes; `undefined` once it is closed. @throws KvError why it ended */
  async pull(signal?: AbortSignal): Promise<Item | undefined> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#closed) return undefined;
      const item = this.poll();
      if (item !== undefined) return item;
      if (this.#error !== undefined) throw this.#error;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await until(woken, signal);
    }
  }

  ask(known?: number): void {
    if (this.#isOver() || this.#parked) return;
    this.#connection.ask(this, known);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#items = [];
    this.#unsure = [];
    this.#connection.drop(this);
    this.#wake?.();
  }

  /** It ends with this, once what waits was taken. */
  fail(error: unknown): void {
    if (this.#isOver()) return;
    this.#error = error;
    this.#connection.drop(this);
    this.#wake?.();
  }

  /**
   * Asks for it at a member.
   * @param trueProgress the member tells how far it is when it is so far
   * @param keepsDeletions it drops nothing of the compacted revision that a watcher there should get
   */
  request(id: number, trueProgress: boolean, keepsDeletions: boolean): WatchCreateRequest {
    const { bounds, previous, only, exact } = this.watched;
    this.#made++;
    this.#checking = false;
    this.#unsure = [];
    this.#unsureEvents = 0;
    this.#historyUntil = keepsDeletions || this.#floor === undefined ? 0 : Number.POSITIVE_INFINITY;
    this.#whole = exact && !trueProgress;
    const asked = this.#whole ? all : bounds;
    // Passed over here where the whole store is watched: each revision must come.
    const filters = only === undefined || this.#whole ? [] : [only === 'put' ? NODELETE : NOPUT];
    return {
      $typeName: 'etcdserverpb.WatchCreateRequest',
      key: asked.key,
      rangeEnd: endOf(asked),
      startRevision: BigInt(this.#next),
      progressNotify: false,
      filters,
      prevKv: previous,
      watchId: BigInt(id),
      fragment: false,
    };
  }

  /** True where each revision comes, so that the last one tells how far it is. */
  get whole(): boolean {
    return this.#whole;
  }

  /** Whether the member that answers is one of the cluster that this is a watch of; where it is not, the watch has ended (WLI5). */
  belongsTo(cluster: bigint): boolean {
    if (cluster === 0n || cluster === this.#cluster) return true;
    if (this.#cluster === 0n) {
      this.#cluster = cluster;
      return true;
    }
    this.fail(replaced(`the cluster ${cluster.toString(16)}, and the watch is of ${this.#cluster.toString(16)}`));
    return false;
  }

  /** The member has made it. @param present its revision then */
  created(present: number): void {
    if (present < this.#come) this.#checkCome(this.#come);
    if (this.#historyUntil === 0) return;
    this.#historyUntil = present;
    // Also where nothing comes: what was dropped was perhaps all there was.
    if (this.#next <= present) this.#check();
  }

  /** Events of an answer. */
  receive(answer: WatchResponse): void {
    this.#whenSure(answer.events.length, () => this.#receive(answer));
  }

  /** Everything up to this revision has come, whatever it is about. */
  progress(revision: number): void {
    this.#whenSure(0, () => this.#progress(revision));
  }

  #whenSure(events: number, take: () => void): void {
    if (this.#next > this.#historyUntil && this.#unsure.length === 0) {
      take();
      return;
    }
    this.#unsure.push({ events, take });
    this.#unsureEvents += events;
    this.#check();
    if (this.#queued + this.#unsureEvents > this.#most) this.#park();
  }

  /** Asks whether what has come by now is whole. */
  #check(): void {
    if (this.#checking) return;
    this.#checking = true;
    const [made, come] = [this.#made, this.#unsure.length];
    const isOld = (): boolean => made !== this.#made || this.#isOver();
    this.#connection.check(this, Math.max(this.#floor ?? 0, this.#next - 1)).then(
      () => {
        if (isOld()) return;
        this.#checking = false;
        for (const { events, take } of this.#unsure.splice(0, come)) {
          this.#unsureEvents -= events;
          take();
        }
        if (this.#unsure.length > 0) this.#check();
        this.#wake?.();
      },
      (error: unknown) => {
        if (!isOld()) this.fail(error);
      },
    );
  }

  /** A member that is behind is fine; a cluster that is behind is another one. */
  #checkCome(come: number): void {
    this.#connection.check(this, come).catch((error: unknown) => {
      // Whatever else there is, the stream finds out.
      if (codeOf(error) === 'MVCC_FUTURE_REVISION')
        this.fail(replaced(`not at revision ${come} yet, which there was before`));
    });
  }

  #park(): void {
    if (this.#parked) return;
    this.#parked = true;
    this.#connection.park(this);
  }

  #receive({ events }: WatchResponse): void {
    const changes: StoredChange[] = [];
    let last = this.#next - 1;
    for (const event of events) {
      const change = storedChange(event);
      if (change === undefined) continue;
      last = Math.max(last, change.kv.modRevision);
      if (this.#isWanted(change)) changes.push(change);
    }
    if (last < this.#next) return;
    this.#next = last + 1;
    this.#come = Math.max(this.#come, last);
    if (changes.length > 0) {
      this.#items.push({ type: 'changes', changes });
      this.#queued += changes.length;
    }
    if (this.#target !== undefined && last >= this.#target) this.#push(last);
    if (this.#queued > this.#most) this.#park();
    this.#wake?.();
  }

  #progress(revision: number): void {
    if (revision >= this.#next) this.#next = revision + 1;
    this.#come = Math.max(this.#come, revision);
    if (this.watched.exact) this.#push(this.#next - 1);
    this.#wake?.();
  }

  /** Tells when it is so far; only where each revision comes. */
  aim(revision: number): void {
    if (this.#next > revision) this.progress(revision);
    else this.#target = revision;
  }

  /** The member has ended the watcher. */
  canceled({ compactRevision, cancelReason }: WatchResponse): void {
    const oldest = Number(compactRevision);
    if (oldest > 0) {
      const message = `the history this watch needs is compacted; go on from revision ${oldest}, or with initial`;
      this.fail(new KvError('MVCC_COMPACTED', message, { compactRevision: oldest }));
      return;
    }
    const verdict = verdictOf({ details: cancelReason === '' ? 'the watch was ended without a reason' : cancelReason });
    this.fail('error' in verdict ? verdict.error : new KvError('KV_REMOTE', verdict.said));
  }

  #isWanted({ type, kv }: StoredChange): boolean {
    if (!this.#whole) return true;
    const { bounds, only } = this.watched;
    return (only === undefined || only === type) && contains(bounds, kv.key);
  }

  #push(revision: number): void {
    this.#target = undefined;
    // The newest says all: nothing grows while nobody pulls.
    if (this.#items.at(-1)?.type === 'progress') this.#items.pop();
    this.#items.push({ type: 'progress', revision });
  }
}

function replaced(what: string): KvError {
  return new KvError(
    'KV_REPLACED',
    `what answers is another store, or an older copy: ${what}. Watch again, from its present on`,
  );
}
