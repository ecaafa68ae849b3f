/**
 * What all views of one connection share: the calls, the line of the writes, the stream of the watches, and whether it is open.
 *
 * ECR1  Closing lets in what was called before, and waits for its answers; then watches end and leases say that nothing can be said of them.
 *     Of an optimistic transaction that holds while its body waits for nothing but its own reads (RNG1).
 * ECR2  An error says what the contract says with it: the oldest revision that can be read, or the newest. etcd does not say it, so it is
 *     asked for when the error is there; where that fails, too, the error comes without.
 */
import { KvError } from '@varve/api';
import { RunningTransactions, Views, type Bounds, type StreamOwner } from '@varve/api/implement';
import type { World } from '@varve/base/world';
import { kvService, type RangeResponse } from '@varve/etcd-api';
import { askRevision } from './ask-revision.ts';
import { closedError, type Calls } from './channel/calls.ts';
import { compactedTo } from './read/compacted.ts';
import { rangeRequest, type RangeAsked } from './messages.ts';
import { WatchHub } from './watch/watch-hub.ts';
import { WriteLine } from './write/write-line.ts';

/** Between two looks at transactions that are waited for. */
const lookMs = 2;

export class Core {
  readonly calls: Calls;
  readonly world: World;
  readonly line: WriteLine;
  readonly hub: WatchHub;
  /** Each ends a watch, or a lease. */
  readonly ends: Set<(reason: KvError) => void> = new Set<(reason: KvError) => void>();
  /** For streams of what is in it. */
  readonly streams: StreamOwner;
  readonly running: RunningTransactions = new RunningTransactions();
  readonly views: Views = new Views('connection');
  #closing: Promise<void> | undefined;
  #shut = false;

  constructor(calls: Calls) {
    this.calls = calls;
    this.world = calls.settings.world;
    this.streams = {
      slice: this.world.slice,
      check: () => this.check(),
      failed: (error) => this.explained(error),
    };
    this.line = new WriteLine(calls.settings.inOrder);
    this.hub = new WatchHub(calls);
  }

  /** For calls that begin. @throws KvError `KV_CLOSED` from the call of `close` on */
  check(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** For what had begun before `close`. @throws KvError `KV_CLOSED` once that has let in what it lets in */
  checkShut(): void {
    if (this.#shut) throw closedError();
  }

  /** Runs a call: refused after `close`, its errors with their facts, and a turn for others behind it. */
  async call<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      this.check();
      return await work();
    } catch (error) {
      throw await this.explained(error);
    } finally {
      if (this.world.slice.over()) await this.world.slice.next();
    }
  }

  /** The error as it goes out (ECR2). */
  async explained(error: unknown): Promise<unknown> {
    if (!(error instanceof KvError) || this.#shut) return error;
    const bare =
      (error.code === 'MVCC_COMPACTED' && error.compactRevision === undefined) ||
      (error.code === 'MVCC_FUTURE_REVISION' && error.currentRevision === undefined);
    if (!bare) return error;
    try {
      if (error.code === 'MVCC_FUTURE_REVISION') {
        const currentRevision = await this.present();
        const message = `the revision does not exist yet; ask for ${currentRevision} or earlier`;
        return new KvError(error.code, message, { currentRevision, cause: error.cause });
      }
      const compactRevision = await compactedTo(this);
      const message = `the revision is compacted; the oldest that can be read is ${compactRevision}`;
      return new KvError(error.code, message, { compactRevision, cause: error.cause });
    } catch {
      return error;
    }
  }

  /** A range of an answer, from one revision. */
  async range(asked: RangeAsked, signal?: AbortSignal): Promise<RangeResponse> {
    const { serializable } = this.calls.settings;
    const how = { signal, leaderless: serializable };
    let answer: RangeResponse;
    try {
      answer = await this.calls.unary(kvService.range, rangeRequest({ ...asked, serializable }), how);
    } catch (error) {
      // A member that is behind has not got so far: another one answered with the revision before.
      if (!serializable || asked.revision === 0 || !(error instanceof KvError) || error.code !== 'MVCC_FUTURE_REVISION')
        throw error;
      answer = await this.calls.unary(kvService.range, rangeRequest(asked), { signal });
    }
    this.calls.see(answer.header);
    return answer;
  }

  /** The newest revision of all that was answered before, whatever the option `reads`. @param near a key that the user may read */
  async present(near: Bounds = wholeStore, signal?: AbortSignal): Promise<number> {
    return askRevision(this.calls, near, 0, signal);
  }

  /** Resolves with the newest revision. @throws KvError `MVCC_COMPACTED`, `MVCC_FUTURE_REVISION` for a revision that cannot be read */
  async checkReadable(revision: number, near: Bounds, signal?: AbortSignal): Promise<number> {
    // What has changed since nothing is read from the first revision on.
    return askRevision(this.calls, near, Math.max(revision, 1), signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock } = this.world;
    await this.running.passed(() => clock.turn().then(() => clock.pause(lookMs)));
    await this.line.passed();
    this.#shut = true;
    for (const end of this.ends) end(closedError());
    this.hub.close();
    this.calls.close();
  }
}

const wholeStore: Bounds = { key: Uint8Array.of(0), end: new Uint8Array(0) };
