/**
 * One watch stream: requests come in, answers go out, and neither gets ahead of its client.
 *
 *   client ──> requests, one after another ──> store.newWatchStream()
 *   client <── answers <── the sender <───────────────┘        control answers go out in between
 *
 * SVWC1  The client's ids are mapped to the store's, which are never used twice: what was queued for a watcher that is cancelled is
 *     dropped, also when its id has a new owner by now (W90).
 * SVWC2  While the client does not read, nothing is taken out of the queue and no request is carried out: both are bounded (law 9).
 * SVWC3  An answer is written out when its turn to be sent has come: what waits are references to shared events.
 * SVWC4  Requests have their turns among those of others; while one waits, nothing more is read of the stream (R99).
 * SVWC5  Whether a client may watch is looked at when the watcher is made, and never again: one that is there outlives the right to
 *     it, and its token, as in etcd (S183). While a token is read, later requests wait behind the one that brought it.
 *
 * etcd: server/etcdserver/api/v3rpc/watch.go (spec watch.md 9). Departs: SVWC1; nothing is lost or repeated around `created`.
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { WatchCreateRequest_FilterType as Filter, type WatchCreateRequest, type WatchRequest } from '@varve/etcd-api';
import type { EventFilter, WatchResponse, WatchStream } from '@varve/watch';
import { permitRange } from '../auth/permits.ts';
import { NOBODY as NO_CALLER, type Caller } from '../auth/tokens.ts';
import type { Turns } from '../fair/turns.ts';
import { isEmptyRange, storeEnd } from '../kv/keys.ts';
import { room } from '../rpc/flow.ts';
import type { ServerState } from '../server-state.ts';
import { codeOf, failures, goText, StatusError, watchReasons } from '../status.ts';
import { encodeEvents, encodeWatchControl, encodeWatchEvents, type WatchControl } from '../wire/watch-answers.ts';
import { fragments } from './fragments.ts';

/** An answer that is written when it is sent. */
export type Outgoing = () => Buffer;

export interface Progress {
  add(tick: () => void): () => void;
}

/** What a stream is given. */
export interface WatchServices {
  readonly state: ServerState;
  readonly progress: Progress;
  readonly turns: Turns;
}

interface Watcher {
  readonly id: bigint;
  readonly storeId: number;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  /** Something was sent since the last tick. */
  active: boolean;
}

/** Speaks of all watchers, or of one that was not made. */
const NOBODY = -1n;
const FROM_THE_FIRST = new Uint8Array(1);
const NO_BYTES = new Uint8Array(0);

export class WatchCall {
  readonly #call: ServerDuplexStream<WatchRequest, Outgoing>;
  readonly #state: ServerState;
  readonly #progress: Progress;
  readonly #turns: Turns;
  readonly #stream: WatchStream;
  readonly #byId: Map<bigint, Watcher> = new Map();
  readonly #byStoreId: Map<number, Watcher> = new Map();
  #nextId = 0n;
  #wantProgress = 0;
  #stopProgress: (() => void) | undefined;
  /** Requests behind one that waits for its turn, or whose caller is being looked up; that one first. */
  readonly #waiting: WatchRequest[] = [];
  /** What a request has failed with. */
  #failure: { readonly error: unknown } | undefined;

  constructor(call: ServerDuplexStream<WatchRequest, Outgoing>, { state, progress, turns }: WatchServices) {
    this.#call = call;
    this.#state = state;
    this.#progress = progress;
    this.#turns = turns;
    this.#stream = state.store.newWatchStream();
  }

  /** Until the client has gone. Rejects when the store can say no more. */
  async run(): Promise<void> {
    const call = this.#call;
    const close = (): void => {
      this.#stopProgress?.();
      this.#stream.close();
    };
    call.once('cancelled', close);
    // Also when the server ends it; requests that end leave the watchers where they are.
    call.once('error', close);
    // There is nobody above an event to tell, so the sender ends with it.
    const failed = (error: unknown): void => {
      this.#failure ??= { error };
      close();
    };
    call.on('data', (request: WatchRequest) => {
      if (this.#waiting.push(request) === 1) this.#next(failed);
    });
    try {
      await this.#send();
    } finally {
      close();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #send(): Promise<void> {
    const call = this.#call;
    for (;;) {
      const response = this.#stream.poll() ?? (await this.#stream.next());
      if (response === undefined || call.cancelled) return;
      this.#answer(response);
      if (call.writableNeedDrain) await room(call);
    }
  }

  /** What waits, one after another, each in its turn. */
  #next(failed: (error: unknown) => void): void {
    const call = this.#call;
    const over = (): void => {
      this.#waiting.shift();
      if (this.#waiting.length > 0) this.#next(failed);
      else if (call.writableNeedDrain) this.#rest();
      else if (call.isPaused()) call.resume();
    };
    this.#turns.run(
      () => call.getPeer(),
      () => {
        try {
          const request = this.#waiting[0]!;
          if (request.requestUnion.case !== 'createRequest' || !this.#state.auth.enabled) {
            this.#handle(request, NO_CALLER);
            over();
            return;
          }
          void this.#handleWithCaller(request).then(over, failed);
        } catch (error) {
          failed(error);
        }
      },
    );
    if (this.#waiting.length > 0) call.pause();
  }

  async #handleWithCaller(request: WatchRequest): Promise<void> {
    const caller = await this.#state.auth.caller(this.#call).catch((error: unknown) => {
      if (error instanceof StatusError) return error;
      throw error;
    });
    this.#handle(request, caller);
  }

  /** Reads nothing more until the client has read. */
  #rest(): void {
    this.#call.pause();
    void room(this.#call).then(() => this.#call.resume());
  }

  /** @param caller or why it is not known */
  #handle({ requestUnion: request }: WatchRequest, caller: Caller | StatusError): void {
    if (this.#call.cancelled) return;
    switch (request.case) {
      case 'createRequest':
        this.#create(request.value, caller);
        break;
      case 'cancelRequest':
        this.#cancel(request.value.watchId);
        break;
      case 'progressRequest':
        this.#stream.requestProgressAll();
        break;
      case undefined:
        break;
      default:
        request satisfies never;
    }
  }

  #create(request: WatchCreateRequest, caller: Caller | StatusError): void {
    const { startRevision, watchId: asked, fragment, progressNotify, prevKv: previous } = request;
    const key = request.key.length === 0 ? FROM_THE_FIRST : request.key;
    const end = storeEnd(request.rangeEnd);
    const denied = this.#denied(caller, key, request.rangeEnd);
    if (denied !== undefined) return this.#refuse(goText(denied));
    if (startRevision < 0n) return this.#refuse(watchReasons.compacted);
    if (isEmptyRange(key, end)) return this.#refuse(watchReasons.emptyRange);
    if (asked !== 0n && this.#byId.has(asked)) return this.#refuse(watchReasons.duplicateId);
    const id = asked === 0n ? this.#freeId() : asked;
    const filters = filtersOf(request.filters);
    const { watchId: storeId, revision } = this.#stream.watch(key, end, {
      from: Number(startRevision > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : startRevision),
      filters,
      previous,
    });
    const watcher: Watcher = { id, storeId, fragment, progressNotify, active: true };
    this.#byId.set(id, watcher);
    this.#byStoreId.set(storeId, watcher);
    if (progressNotify && this.#wantProgress++ === 0) this.#stopProgress = this.#progress.add(() => this.#tick());
    this.#control({ watchId: id, revision, created: true });
  }

  #denied(caller: Caller | StatusError, key: Uint8Array, rangeEnd: Uint8Array): StatusError | undefined {
    const { auth } = this.#state;
    if (!auth.enabled) return undefined;
    if (caller instanceof StatusError) return caller;
    try {
      permitRange(auth.rightsOf(caller), { key, rangeEnd });
      return undefined;
    } catch (error) {
      return error instanceof StatusError ? error : failures.permissionDenied();
    }
  }

  #refuse(reason: string): void {
    this.#control({ watchId: NOBODY, revision: this.#stream.rev(), created: true, canceled: true, reason });
  }

  #freeId(): bigint {
    while (this.#byId.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #cancel(id: bigint): void {
    const watcher = this.#byId.get(id);
    if (watcher === undefined) return;
    this.#forget(watcher);
    this.#control({ watchId: id, revision: this.#stream.rev(), canceled: true });
  }

  #forget(watcher: Watcher): void {
    this.#byId.delete(watcher.id);
    this.#byStoreId.delete(watcher.storeId);
    if (watcher.progressNotify && --this.#wantProgress === 0) this.#stopProgress?.();
    try {
      this.#stream.cancel(watcher.storeId);
    } catch (error) {
      // One that was told of a compaction is gone already, as far as the store is concerned.
      if (codeOf(error) !== 'WATCH_NOT_FOUND') throw error;
    }
  }

  #answer(response: WatchResponse): void {
    if (response.watchId === -1) {
      if (response.type === 'progress') this.#control({ watchId: NOBODY, revision: response.revision });
      return;
    }
    const watcher = this.#byStoreId.get(response.watchId);
    if (watcher === undefined) return;
    watcher.active = true;
    switch (response.type) {
      case 'events':
        this.#events(watcher, response);
        break;
      case 'progress':
        this.#control({ watchId: watcher.id, revision: response.revision });
        break;
      case 'compacted':
        this.#control({
          watchId: watcher.id,
          revision: 0,
          canceled: true,
          compactRevision: response.compactRevision,
        });
        break;
      default:
        response satisfies never;
    }
  }

  #events({ id, fragment }: Watcher, { events, revision }: Extract<WatchResponse, { type: 'events' }>): void {
    const { header, limits } = this.#state;
    if (!fragment) {
      this.#call.write(() => encodeWatchEvents(header, revision, id, encodeEvents(events), false));
      return;
    }
    const front = encodeWatchEvents(header, revision, id, NO_BYTES, false).length;
    for (const { bytes, isLast } of fragments(events, limits.messageBytes, front)) {
      this.#call.write(() => encodeWatchEvents(header, revision, id, bytes, !isLast));
    }
  }

  #control(control: WatchControl): void {
    this.#call.write(() => encodeWatchControl(this.#state.header, control));
  }

  #tick(): void {
    for (const watcher of this.#byId.values()) {
      if (!watcher.progressNotify) continue;
      if (!watcher.active) this.#stream.requestProgress(watcher.storeId);
      watcher.active = false;
    }
  }
}

/** Unknown ones are ignored (W94). */
function filtersOf(filters: readonly Filter[]): readonly EventFilter[] {
  const known: EventFilter[] = [];
  if (filters.includes(Filter.NOPUT)) known.push('noput');
  if (filters.includes(Filter.NODELETE)) known.push('nodelete');
  return known;
}
