/**
 * What all services share: the layers, who we are, and what the server keeps beside the store.
 *
 * SVSS1  The compacted revision is etcd's: -1 before any compaction, and 0 once that was asked for (S47), which the store does not
 *     know; a restart forgets a compaction at 0.
 */
import { create } from '@bufbuild/protobuf';
import { CompactionResponseSchema, type CompactionResponse } from '@varve/etcd-api';
import type { Backend, WatchableStore } from '@varve/watch';
import { Auth } from './auth/auth.ts';
import type { AuthOptions } from './auth/auth-options.ts';
import type { Layers, Lessor } from './layers.ts';
import type { Limits } from './limits.ts';
import { Alarms } from './state/alarms.ts';
import { clusterIdOf, loadMember, storeMember, type Member, type NewMember } from './state/identity.ts';
import { Quota } from './state/quota.ts';
import { Writes } from './state/writes.ts';
import { failures } from './status.ts';
import { Header } from './wire/header.ts';

export interface StateOptions {
  /** Who it is, when there is no member yet. */
  readonly member: NewMember;
  readonly version: string;
  readonly auth: AuthOptions;
}

export class ServerState {
  readonly store: WatchableStore;
  readonly backend: Backend;
  readonly lessor: Lessor | undefined;
  readonly limits: Limits;
  readonly header: Header;
  readonly writes: Writes;
  readonly alarms: Alarms;
  readonly auth: Auth;
  readonly quota: Quota;
  /** The version of etcd that clients are told. */
  readonly version: string;
  /** Where clients reach this server; known when it listens. */
  clientUrls: readonly string[] = [];
  #member: Member;
  #zeroCompacted = false;

  private constructor(
    layers: Layers,
    limits: Limits,
    version: string,
    member: Member,
    kept: { readonly writes: Writes; readonly alarms: Alarms; readonly auth: Auth },
  ) {
    const { writes, alarms, auth } = kept;
    this.store = layers.store;
    this.backend = layers.backend;
    this.lessor = layers.lessor;
    this.limits = limits;
    this.version = version;
    this.writes = writes;
    this.alarms = alarms;
    this.auth = auth;
    this.#member = member;
    this.header = new Header(clusterIdOf(member.id), member.id);
    this.quota = new Quota(layers.backend, alarms, member.id, limits.quotaBytes);
  }

  /** Reads what earlier starts have left. @throws ServerError `SERVER_DATA` */
  static async load(
    layers: Layers,
    limits: Limits,
    { member: who, version, auth: authOptions }: StateOptions,
  ): Promise<ServerState> {
    const writes = new Writes(layers.store, limits.pendingWrites);
    const member = await loadMember(layers.backend, layers.store, who);
    const alarms = await Alarms.load(layers.backend, writes);
    const auth = await Auth.load(layers.backend, writes, authOptions);
    return new ServerState(layers, limits, version, member, { writes, alarms, auth });
  }

  get member(): Member {
    return this.#member;
  }

  async setPeerUrls(peerUrls: readonly string[]): Promise<void> {
    const member = { ...this.#member, peerUrls };
    await storeMember(this.store, member);
    this.#member = member;
  }

  get compacted(): number {
    return this.store.firstRev() || (this.#zeroCompacted ? 0 : -1);
  }

  /** @param physical resolve when the records are gone, and that is durable */
  async compact(revision: bigint, physical: boolean): Promise<void> {
    const { store, alarms } = this;
    if (revision <= this.compacted) throw failures.compacted();
    if (revision > store.rev()) throw failures.futureRevision();
    alarms.check(false);
    if (revision === 0n) {
      this.#zeroCompacted = true;
      return;
    }
    const compaction = await store.compact(Number(revision));
    if (!physical) return;
    await compaction.finished();
    await store.commit();
  }

  compactionAnswer(): CompactionResponse {
    return create(CompactionResponseSchema, { header: this.header.message(this.store.rev()) });
  }
}
