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
import { method, type Calls } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { failures } from '../status.ts';

export function registerCluster(calls: Calls, state: ServerState): void {
  const service = new ClusterService(state);
  const { memberAdd, memberRemove, memberUpdate, memberList, memberPromote } = clusterService;
  calls.unary(method(memberAdd), (request) => service.add(request));
  calls.unary(method(memberRemove), (request) => service.remove(request));
  calls.unary(method(memberUpdate), (request) => service.update(request));
  calls.unary(method(memberList), () => service.list());
  calls.unary(method(memberPromote), (request) => service.promote(request));
}

class ClusterService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  async list(): Promise<MemberListResponse> {
    return create(MemberListResponseSchema, { header: this.#state.header.message(0), members: [this.#self()] });
  }

  async add({ peerURLs }: MemberAddRequest): Promise<MemberAddResponse> {
    if (peerURLs.length === 0 || !peerURLs.every(isPeerUrl)) throw failures.memberBadUrls();
    if (peerURLs.some((url) => this.#state.member.peerUrls.includes(url))) throw failures.peerUrlExists();
    throw failures.notEnoughStarted();
  }

  async remove({ ID: id }: MemberRemoveRequest): Promise<MemberRemoveResponse> {
    this.#check(id);
    throw failures.notEnoughStarted();
  }

  async update({ ID: id, peerURLs }: MemberUpdateRequest): Promise<MemberUpdateResponse> {
    this.#check(id);
    await this.#state.setPeerUrls(peerURLs);
    return create(MemberUpdateResponseSchema, { header: this.#state.header.message(0), members: [this.#self()] });
  }

  async promote({ ID: id }: MemberPromoteRequest): Promise<MemberPromoteResponse> {
    this.#check(id);
    throw failures.memberNotLearner();
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
