/**
 * Calls to the cluster: to another member where one fails, with pauses in between, until the time is over.
 *
 * CLL1  A read, and whatever may be done twice, is tried again whatever became of it. A write only when it was surely not done; else it is
 *     `KV_UNKNOWN_OUTCOME`.
 * CLL2  The first time each member is tried at once; then there are pauses, each twice as long as the one before, up to a second, and cut
 *     by chance to between half and all of it, so that many clients do not come back together.
 * CLL3  A token that is of no use any more is renewed once a call; nothing was done then, so writes go on, too.
 * CLL4  Every call ends: with its answer, its signal's reason, a code, or `KV_CLOSED`.
 */
import type { MethodDefinition } from '@grpc/grpc-js';
import { KvError } from '@varve/api';
import { until } from '@varve/base/abort';
import type { World } from '@varve/base/world';
import { authService, type ResponseHeader } from '@varve/etcd-api';
import type { Settings } from '../options.ts';
import { endWith, type Member, type UnaryOptions } from './member.ts';
import type { Members } from './members.ts';
import { isLasting, verdictOf } from './verdict.ts';

export interface How {
  readonly signal?: AbortSignal | undefined;
  /** What it writes, for the message of `KV_UNKNOWN_OUTCOME`: how to find out. Absent: it may be done twice. */
  readonly write?: string | undefined;
  /** Also a member that knows no leader may answer. @default false */
  readonly leaderless?: boolean | undefined;
  /** @default the option `timeoutMs` */
  readonly timeoutMs?: number | undefined;
}

type Attempt<O> = (member: Member, options: UnaryOptions) => Promise<O>;

const firstPauseMs = 50;
const longestPauseMs = 1000;

export class Calls {
  readonly members: Members;
  readonly settings: Settings;
  readonly #world: World;
  readonly #life = new AbortController();
  #token: string | undefined;
  #renewing: Promise<void> | undefined;
  /** The newest revision that an answer has named. */
  #seen = 0;
  #cluster = 0n;

  constructor(members: Members, settings: Settings) {
    this.members = members;
    this.settings = settings;
    this.#world = settings.world;
  }

  get seen(): number {
    return this.#seen;
  }

  /** The cluster that answered last; 0 where it did not say which it is. */
  get cluster(): bigint {
    return this.#cluster;
  }

  /** Notes the revision of an answer, and whose it is. */
  see(header: ResponseHeader | undefined): number {
    this.#cluster = header?.clusterId ?? 0n;
    const revision = Number(header?.revision ?? 0n);
    if (revision > this.#seen) this.#seen = revision;
    return revision;
  }

  unary<I, O>(method: MethodDefinition<I, O>, request: I, how: How): Promise<O> {
    return this.#try((member, options) => member.unary(method, request, options), how);
  }

  /** One message each way over a stream: how leases are renewed. */
  exchange<I, O>(method: MethodDefinition<I, O>, request: I, how: How): Promise<O> {
    return this.#try((member, options) => member.exchange(method, request, options), how);
  }

  /** The token to show now; the first one is fetched. */
  async token(signal?: AbortSignal): Promise<string | undefined> {
    if (this.settings.auth !== undefined && this.#token === undefined) await this.renew(undefined, signal);
    return this.#token;
  }

  /** A new token in the place of `old`, unless there is another one already. @throws the signal's reason as soon as it is aborted */
  async renew(old: string | undefined, signal?: AbortSignal): Promise<void> {
    if (this.#token !== old) return;
    this.#renewing ??= this.#authenticate().finally(() => {
      this.#renewing = undefined;
    });
    // Others may wait for it: who leaves does not end it.
    await until(this.#renewing, signal);
  }

  /** Waits before attempt `attempt`, from 0 on, as CLL2 says. */
  async pause(attempt: number, signal?: AbortSignal): Promise<void> {
    const round = Math.floor(attempt / this.members.count);
    if (round === 0) return;
    const whole = Math.min(firstPauseMs * 2 ** (round - 1), longestPauseMs);
    const [chance = 0] = this.#world.random.bytes(1);
    const over = new AbortController();
    const letGo = endWith([this.#life.signal, signal], () => over.abort());
    await this.#world.clock.pause((whole / 2) * (1 + chance / 255), over.signal);
    letGo();
    signal?.throwIfAborted();
  }

  get closed(): boolean {
    return this.#life.signal.aborted;
  }

  close(): void {
    this.#life.abort();
    this.members.close();
  }

  async #authenticate(): Promise<void> {
    const { user, password } = this.settings.auth!;
    const request = { $typeName: 'etcdserverpb.AuthenticateRequest' as const, name: user, password };
    const attempt: Attempt<string> = async (member, options) =>
      (await member.unary(authService.authenticate, request, { ...options, token: undefined })).token;
    this.#token = await this.#try(attempt, {}, true);
  }

  async #try<O>(attempt: Attempt<O>, how: How, anonymous = false): Promise<O> {
    const { signal, write, leaderless = false, timeoutMs = this.settings.timeoutMs } = how;
    const { clock } = this.#world;
    const end = clock.now() + timeoutMs;
    const said = new Map<string, string>();
    let renewed = false;
    for (let attempts = 0; ; attempts++) {
      signal?.throwIfAborted();
      if (this.closed) throw closedError();
      const token = anonymous ? undefined : await this.token(signal);
      // Much may have passed meanwhile.
      if (this.closed) throw closedError();
      const left = end - clock.now();
      if (left <= 0 || this.#isHopeless(said)) throw unavailable(said, timeoutMs);
      const member = this.members.current;
      const thisMs = write === undefined ? Math.min(left, this.settings.attemptTimeoutMs) : left;
      const signals = write === undefined ? [signal, this.#life.signal] : [this.#life.signal];
      try {
        return await attempt(member, { token, leader: !leaderless, timeoutMs: Math.ceil(thisMs), signals });
      } catch (error) {
        if (signal?.aborted === true && write === undefined) throw signal.reason;
        const verdict = verdictOf(error);
        if (verdict.kind === 'refused') throw verdict.error;
        if (verdict.kind === 'token') {
          if (renewed || this.settings.auth === undefined || anonymous) throw verdict.error;
          renewed = true;
          await this.renew(token, signal);
          continue;
        }
        this.members.failed(member);
        said.set(member.address, verdict.said);
        if (verdict.kind === 'lost' && write !== undefined) throw unknownOutcome(write, verdict.said, error);
        if (this.closed) throw closedError();
        await this.pause(attempts + 1, signal);
      }
    }
  }

  /** Every member was tried, and waiting helps with none. */
  #isHopeless(said: ReadonlyMap<string, string>): boolean {
    return said.size >= this.members.count && [...said.values()].every(isLasting);
  }
}

export function closedError(): KvError {
  return new KvError('KV_CLOSED', 'the connection is closed; connect again to go on');
}

export function unavailable(said: ReadonlyMap<string, string>, timeoutMs: number): KvError {
  const each = [...said].map(([address, words]) => `${address}: ${words}`).join('; ');
  return new KvError('KV_UNAVAILABLE', `no member of the cluster has answered within ${timeoutMs} ms. ${each}`);
}

function unknownOutcome(write: string, said: string, cause: unknown): KvError {
  const message = `the answer to a write was lost (${said}): it was done, or still will be, or never is. ${write}`;
  return new KvError('KV_UNKNOWN_OUTCOME', message, { cause });
}
