/**
 * The Cluster service of a cluster of one, which stays one.
 *
 * SVCS1  Headers have revision 0, as etcd's.
 * SVCS2  The client URLs lead back to this server: clients leave the address they were given for these (C1).
 *
 * etcd: server/etcdserver/api/v3rpc/member.go (spec server-api.md 9). Departs: a member that could be added is refused, as there
 * is nobody to replicate to.
 */
import { create } from '@bufbuild/protobuf';
import {
  clusterService,
  MemberListResponseSchema,
  MemberSchema,
  MemberUpdateResponseSchema,
  type Member,
  type MemberAddRequest,
  type MemberAddResponse,
  type MemberListResponse,
  type MemberPromoteRequest,
  type MemberPromoteResponse,
  type MemberRemoveRequest,
  type MemberRemoveResponse,
  type MemberUpdateRequest,
  type MemberUpdateResponse,
} from '@varve/etcd-api';
import { method, type AnyCall, type Calls } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { failures } from '../status.ts';

export function registerCluster(calls: Calls, state: ServerState): void {
  const service = new ClusterService(state);
  const { memberAdd, memberRemove, memberUpdate, memberList, memberPromote } = clusterService;
  calls.unary(method(memberAdd), (request, call) => service.add(request, call));
  calls.unary(method(memberRemove), (request, call) => service.remove(request, call));
  calls.unary(method(memberUpdate), (request, call) => service.update(request, call));
  calls.unary(method(memberList), (_request, call) => service.list(call));
  calls.unary(method(memberPromote), (request, call) => service.promote(request, call));
}

class ClusterService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  async list(call: AnyCall): Promise<MemberListResponse> {
    const { auth } = this.#state;
    if (auth.enabled) auth.checkKnown(await auth.caller(call));
    return create(MemberListResponseSchema, { header: this.#state.header.message(0), members: [this.#self()] });
  }

  async add({ peerURLs }: MemberAddRequest, call: AnyCall): Promise<MemberAddResponse> {
    if (peerURLs.length === 0 || !peerURLs.every(isPeerUrl)) throw failures.memberBadUrls();
    await this.#checkAdmin(call);
    if (peerURLs.some((url) => this.#state.member.peerUrls.includes(url))) throw failures.peerUrlExists();
    throw failures.notEnoughStarted();
  }

  async remove({ ID: id }: MemberRemoveRequest, call: AnyCall): Promise<MemberRemoveResponse> {
    await this.#checkAdmin(call);
    this.#check(id);
    throw failures.notEnoughStarted();
  }

  async update({ ID: id, peerURLs }: MemberUpdateRequest, call: AnyCall): Promise<MemberUpdateResponse> {
    await this.#checkAdmin(call);
    this.#check(id);
    await this.#state.setPeerUrls(peerURLs);
    return create(MemberUpdateResponseSchema, { header: this.#state.header.message(0), members: [this.#self()] });
  }

  async promote({ ID: id }: MemberPromoteRequest, call: AnyCall): Promise<MemberPromoteResponse> {
    await this.#checkAdmin(call);
    this.#check(id);
    throw failures.memberNotLearner();
  }

  async #checkAdmin(call: AnyCall): Promise<void> {
    const { auth } = this.#state;
    if (auth.enabled) auth.checkAdmin(await auth.caller(call));
  }

  #check(id: bigint): void {
    if (id !== this.#state.member.id) throw failures.memberNotFound();
  }

  #self(): Member {
    const { member, clientUrls } = this.#state;
    const { id, name, peerUrls } = member;
    return create(MemberSchema, { ID: id, name, peerURLs: [...peerUrls], clientURLs: [...clientUrls] });
  }
}

/** A scheme that peers speak, a host and a port, and nothing behind. */
function isPeerUrl(url: string): boolean {
  return /^(https?|unixs?):\/\/(\[[^\]]+\]|[^/:?#]+):\d+$/.test(url);
}
