/**
 * The stream of the watches: one for all of them, on one member, and on another one when that is lost.
 *
 * WHB1  There is a stream while there is a watcher. When it is lost, every watcher is made again on the next, each from the first revision
 *      that it has not seen (WLI1). While all of them are parked (WLI2) nobody needs one: it is made when one of them goes on, and the time
 *      without counts from then. There are never two: while a token is renewed for the next one, whoever comes waits for that.
 * WHB2  Never silence (law 12): a stream on which nothing comes at first is given up; pings find a member that has stopped; a member that has
 *      lost its leader ends the stream itself, as it is asked to. When no stream can be had for `timeoutMs`, the watches end with
 *      `KV_UNAVAILABLE`.
 * WHB3  Ids are given here and never twice, so that what comes late for a watcher that was given up is nobody's. Only what a member has
 *      refused to make has no id: such answers come in the order of the requests.
 *
 * etcd: clientv3/watch.go (spec watch.md 9 and 10).
 */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { maintenanceService, watchService, type WatchRequest, type WatchResponse } from '@varve/etcd-api';
import { askRevision } from '../ask-revision.ts';
import { closedError, unavailable, type Calls } from '../channel/calls.ts';
import type { Member } from '../channel/member.ts';
import { verdictOf } from '../channel/verdict.ts';
import { keepsDeletions, tellsTrueProgress } from './versions.ts';
import { WatchLine, type Connection, type Watched } from './watch-line.ts';

type Stream = ClientDuplexStream<WatchRequest, WatchResponse>;

/** A stream, and what was asked on it. */
interface Live {
  readonly member: Member;
  readonly stream: Stream;
  readonly token: string | undefined;
  readonly trueProgress: boolean;
  readonly keepsDeletions: boolean;
  readonly byId: Map<number, WatchLine>;
  readonly ids: Map<WatchLine, number>;
  /** Ids that were asked for and have no answer yet, in order. */
  readonly asked: number[];
}

export class WatchHub implements Connection {
  readonly #calls: Calls;
  readonly #lines = new Set<WatchLine>();
  #live: Live | undefined;
  /** A stream is being made, or what must be done before it. */
  #connecting = false;
  #lastId = 0;
  /** When the stream before was lost; `undefined` while there is one that answers. */
  #downSince: number | undefined;
  #attempts = 0;
  #closed = false;
  readonly #said = new Map<string, string>();

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * A watcher, from this revision on, of the cluster that answered last.
   * @param floor the oldest revision that must be readable (WLI4); not given where its user sees to that
   * @param present the cluster has come so far
   */
  open(watched: Watched, from: number, floor?: number, present?: number): WatchLine {
    if (this.#closed) throw closedError();
    const { settings, cluster } = this.#calls;
    const line = new WatchLine(this, watched, from, settings.watchBuffer, floor, { cluster, present });
    this.#lines.add(line);
    this.make(line);
    return line;
  }

  make(line: WatchLine): void {
    const live = this.#live;
    if (live === undefined) {
      this.#connect();
      return;
    }
    const id = ++this.#lastId;
    live.byId.set(id, line);
    live.ids.set(line, id);
    live.asked.push(id);
    send(live, { case: 'createRequest', value: line.request(id, live.trueProgress, live.keepsDeletions) });
  }

  park(line: WatchLine): void {
    const live = this.#live;
    const id = live?.ids.get(line);
    if (live === undefined || id === undefined) return;
    live.ids.delete(line);
    live.byId.delete(id);
    send(live, { case: 'cancelRequest', value: { $typeName: 'etcdserverpb.WatchCancelRequest', watchId: BigInt(id) } });
  }

  drop(line: WatchLine): void {
    this.park(line);
    this.#lines.delete(line);
    if (this.#lines.size === 0) this.#hangUp();
    if (!this.#isWanted()) this.#forget();
  }

  ask(line: WatchLine, known: number | undefined): void {
    const live = this.#live;
    if (live === undefined) return;
    if (!line.whole) {
      send(live, { case: 'progressRequest', value: { $typeName: 'etcdserverpb.WatchProgressRequest' } });
      return;
    }
    if (known === undefined) void this.#aimAtPresent(line);
    else line.aim(known);
  }

  async check(line: WatchLine, revision: number): Promise<void> {
    await askRevision(this.#calls, line.watched.bounds, Math.max(revision, 1));
  }

  close(): void {
    this.#closed = true;
    for (const line of this.#lines) line.close();
    this.#hangUp();
  }

  /** The revision that everything has come up to, once everything has. */
  async #aimAtPresent(line: WatchLine): Promise<void> {
    try {
      line.aim(await askRevision(this.#calls, line.watched.bounds, 0));
    } catch {
      // It is asked again at the next interval; that the cluster is away is found out by the stream.
    }
  }

  #hangUp(): void {
    const live = this.#live;
    this.#live = undefined;
    live?.stream.cancel();
  }

  #connect(): void {
    if (this.#connecting || this.#live !== undefined) return;
    if (!this.#isWanted()) {
      this.#forget();
      return;
    }
    this.#after(this.#dial());
  }

  /** Nobody else makes a stream until this is done; then there is one, or the next is made. */
  #after(step: Promise<void>): void {
    this.#connecting = true;
    void step.then(
      () => {
        this.#connecting = false;
        // Whoever was lost or added meanwhile.
        this.#connect();
      },
      (error: unknown) => {
        this.#connecting = false;
        this.#end(error);
      },
    );
  }

  /** Some watcher waits for a stream, or has one. */
  #isWanted(): boolean {
    if (this.#closed) return false;
    for (const line of this.#lines) if (!line.parked) return true;
    return false;
  }

  /** What was tried so far counts for nothing, for who comes next. */
  #forget(): void {
    this.#downSince = undefined;
    this.#attempts = 0;
    this.#said.clear();
  }

  /** Opens a stream on the member whose turn it is. @throws what ends all watches */
  async #dial(): Promise<void> {
    const { clock } = this.#calls.settings.world;
    const { timeoutMs, attemptTimeoutMs } = this.#calls.settings;
    this.#downSince ??= clock.now();
    if (clock.now() - this.#downSince > timeoutMs) throw unavailable(this.#said, timeoutMs);
    await this.#calls.pause(this.#attempts++);
    if (!this.#isWanted()) return;
    const token = await this.#calls.token();
    const member = this.#calls.members.current;
    try {
      member.version ??= (
        await member.unary(
          maintenanceService.status,
          { $typeName: 'etcdserverpb.StatusRequest' },
          { token, leader: false, timeoutMs: attemptTimeoutMs, signals: [] },
        )
      ).version;
    } catch (error) {
      await this.#lost(member, token, error);
      return;
    }
    if (!this.#isWanted()) return;
    this.#open(member, token);
  }

  #open(member: Member, token: string | undefined): void {
    const { clock } = this.#calls.settings.world;
    const stream = member.duplex(watchService.watch, { token, leader: true });
    const { version = '' } = member;
    const live: Live = {
      member,
      stream,
      token,
      trueProgress: tellsTrueProgress(version),
      keepsDeletions: keepsDeletions(version),
      byId: new Map(),
      ids: new Map(),
      asked: [],
    };
    const giveUp = clock.after(this.#calls.settings.attemptTimeoutMs, () => stream.cancel());
    const ended = (error: unknown): void => {
      giveUp();
      if (this.#live !== live) return;
      this.#live = undefined;
      this.#downSince ??= clock.now();
      this.#after(this.#lost(member, token, error));
    };
    stream.on('data', (answer: WatchResponse) => {
      giveUp();
      if (this.#live !== live) return;
      this.#forget();
      this.#receive(live, answer);
    });
    stream.on('error', ended);
    stream.on('end', () => ended({ code: 14, details: 'the member has ended the stream' }));
    this.#live = live;
    for (const line of this.#lines) if (!line.parked) this.make(line);
  }

  /** The member has not answered, or no more. @throws what ends all watches */
  async #lost(member: Member, token: string | undefined, error: unknown): Promise<void> {
    const verdict = verdictOf(error);
    if (verdict.kind === 'refused') throw verdict.error;
    if (verdict.kind === 'token') {
      if (this.#calls.settings.auth === undefined) throw verdict.error;
      await this.#calls.renew(token);
      return;
    }
    this.#said.set(member.address, verdict.said);
    this.#calls.members.failed(member);
  }

  #end(reason: unknown): void {
    // Who is parked needs no stream now, and asks for one when it does.
    for (const line of this.#lines) if (!line.parked) line.fail(this.#closed ? closedError() : reason);
    this.#forget();
  }

  #receive(live: Live, answer: WatchResponse): void {
    this.#calls.see(answer.header);
    if (answer.created) {
      const id = live.asked.shift();
      const line = id === undefined ? undefined : live.byId.get(id);
      if (id === undefined || line === undefined || !line.belongsTo(answer.header?.clusterId ?? 0n)) return;
      if (answer.canceled) this.#refused(live, id, line, answer);
      else line.created(Number(answer.header?.revision ?? 0n));
      return;
    }
    const id = Number(answer.watchId);
    if (id === -1) {
      if (live.trueProgress && !answer.canceled) this.#progress(live, Number(answer.header?.revision ?? 0n));
      return;
    }
    const line = live.byId.get(id);
    if (line === undefined) return;
    if (!answer.canceled) {
      line.receive(answer);
      return;
    }
    live.byId.delete(id);
    live.ids.delete(line);
    line.canceled(answer);
  }

  /** Everything up to this revision has come, for each watcher that the member knows of. */
  #progress(live: Live, revision: number): void {
    const asked = new Set(live.asked);
    for (const [id, line] of live.byId) if (!asked.has(id)) line.progress(revision);
  }

  #refused(live: Live, id: number, line: WatchLine, answer: WatchResponse): void {
    live.byId.delete(id);
    live.ids.delete(line);
    const verdict = verdictOf({ details: answer.cancelReason });
    const isRight = verdict.kind === 'token' || (verdict.kind === 'refused' && verdict.error.code === 'KV_DENIED');
    if (!isRight || line.denied || this.#calls.settings.auth === undefined) {
      line.canceled(answer);
      return;
    }
    // The token may be too old: etcd 3.4 does not tell that from a right that is missing.
    line.denied = true;
    this.#live = undefined;
    live.stream.cancel();
    this.#after(this.#calls.renew(live.token));
  }
}

function send(live: Live, requestUnion: WatchRequest['requestUnion']): void {
  live.stream.write({ $typeName: 'etcdserverpb.WatchRequest', requestUnion });
}
