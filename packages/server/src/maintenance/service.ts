/**
 * The Maintenance service: what operators and their tools ask for.
 *
 * SVMT1  Defragment, Snapshot and MoveLeader answer without a header, as etcd does (spec server-api.md 4.2).
 * SVMT2  The leader is this node, always; no downgrade is ever under way.
 *
 * etcd: server/etcdserver/api/v3rpc/maintenance.go (spec server-api.md 8).
 */
import { create } from '@bufbuild/protobuf';
import {
  AlarmRequest_AlarmAction as Action,
  AlarmResponseSchema,
  AlarmType,
  DefragmentResponseSchema,
  DowngradeInfoSchema,
  DowngradeRequest_DowngradeAction as DowngradeAction,
  HashKVResponseSchema,
  HashResponseSchema,
  maintenanceService,
  MoveLeaderResponseSchema,
  StatusResponseSchema,
  type AlarmMember,
  type AlarmRequest,
  type AlarmResponse,
  type DefragmentResponse,
  type DowngradeRequest,
  type DowngradeResponse,
  type HashKVRequest,
  type HashKVResponse,
  type HashResponse,
  type MoveLeaderRequest,
  type MoveLeaderResponse,
  type StatusResponse,
} from '@varve/etcd-api';
import type { MethodDefinition } from '@grpc/grpc-js';
import { method, type AnyCall, type Calls } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { failures } from '../status.ts';
import { RAFT_TERM } from '../wire/header.ts';
import { sendSnapshot } from './snapshot.ts';

export function registerMaintenance(calls: Calls, state: ServerState): void {
  const service = new MaintenanceService(state);
  const { alarm, status, defragment, hash, hashKV, moveLeader, downgrade, snapshot } = maintenanceService;
  const { auth } = state;
  /** Registers what only an administrator may do. */
  const admin = <Request, Answer>(
    definition: MethodDefinition<Request, Answer>,
    run: (request: Request) => Promise<Answer>,
  ): void => {
    calls.unary(method(definition), async (request, call) => {
      if (auth.enabled) auth.checkAdmin(await auth.caller(call));
      return run(request);
    });
  };
  calls.unary(method(alarm), (request, call) => service.alarm(request, call));
  calls.unary(method(status), async (_request, call) => {
    if (auth.enabled) auth.checkKnown(await auth.caller(call));
    return service.status();
  });
  admin(defragment, () => service.defragment());
  admin(hash, () => service.hash());
  admin(hashKV, (request) => service.hashKV(request));
  admin(moveLeader, (request) => service.moveLeader(request));
  admin(downgrade, (request) => service.downgrade(request));
  calls.serverStream(method(snapshot), async (_request, call) => {
    if (auth.enabled) auth.checkAdmin(await auth.caller(call));
    await sendSnapshot(state, call);
  });
}

/** The hash of a history without records: of the three bytes that every hash begins with. */
const EMPTY_HASH = 1_084_519_789;

class MaintenanceService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  async alarm({ action, memberID, alarm }: AlarmRequest, call: AnyCall): Promise<AlarmResponse> {
    const { auth } = this.#state;
    if (auth.enabled) {
      const caller = await auth.caller(call);
      if (action === Action.GET) auth.checkKnown(caller);
      else auth.checkAdmin(caller);
    }
    const alarms = await this.#alarms(action, memberID, alarm);
    const { header, store } = this.#state;
    return create(AlarmResponseSchema, { header: header.message(store.rev()), alarms });
  }

  async status(): Promise<StatusResponse> {
    const { alarms, backend, header, quota, store, version, writes } = this.#state;
    const index = BigInt(writes.index);
    return create(StatusResponseSchema, {
      header: header.message(store.rev()),
      version,
      storageVersion: storageVersionOf(version),
      dbSize: BigInt(backend.size),
      dbSizeInUse: BigInt(backend.sizeInUse),
      dbSizeQuota: quota.bytes === Infinity ? 0n : BigInt(quota.bytes),
      leader: header.memberId,
      raftTerm: RAFT_TERM,
      raftIndex: index,
      raftAppliedIndex: index,
      errors: alarms.list(AlarmType.NONE).map(alarmText),
      downgradeInfo: create(DowngradeInfoSchema),
    });
  }

  async defragment(): Promise<DefragmentResponse> {
    await this.#state.store.defrag();
    return create(DefragmentResponseSchema);
  }

  async hash(): Promise<HashResponse> {
    const { hash, revision } = await this.#state.store.hash();
    return create(HashResponseSchema, { header: this.#state.header.message(revision), hash });
  }

  async hashKV({ revision }: HashKVRequest): Promise<HashKVResponse> {
    const { compacted, header, store } = this.#state;
    const current = store.rev();
    const found = { header: header.message(current), compactRevision: BigInt(compacted) };
    if (revision < 0n) {
      return create(HashKVResponseSchema, { ...found, hash: EMPTY_HASH, hashRevision: revision });
    }
    if (revision > current) throw failures.futureRevision();
    const result = await store.hashByRev(Number(revision));
    return create(HashKVResponseSchema, {
      header: header.message(result.currentRevision),
      compactRevision: BigInt(result.compactRevision || compacted),
      hash: result.hash,
      hashRevision: BigInt(result.revision),
    });
  }

  async moveLeader({ targetID }: MoveLeaderRequest): Promise<MoveLeaderResponse> {
    if (targetID !== this.#state.member.id) throw failures.badTransferee();
    return create(MoveLeaderResponseSchema);
  }

  async downgrade({ action, version }: DowngradeRequest): Promise<DowngradeResponse> {
    if (action === DowngradeAction.CANCEL) throw failures.noDowngrade();
    if (!/^\d+\.\d+(\.\d+)?$/.test(version)) throw failures.badDowngradeVersion();
    throw failures.invalidDowngradeTarget();
  }

  async #alarms(action: Action, memberID: bigint, alarm: AlarmType): Promise<AlarmMember[]> {
    const { alarms } = this.#state;
    switch (action) {
      case Action.GET:
        return alarms.list(alarm);
      case Action.ACTIVATE:
        return alarms.activate(memberID, alarm);
      case Action.DEACTIVATE:
        return alarms.deactivate(memberID, alarm);
      default:
        return [];
    }
  }
}

/** As protobuf's text format has it: fields of zero left out, a space behind each. */
function alarmText({ memberID, alarm }: AlarmMember): string {
  const name = alarm === AlarmType.NOSPACE ? 'NOSPACE' : alarm === AlarmType.CORRUPT ? 'CORRUPT' : String(alarm);
  return `${memberID === 0n ? '' : `memberID:${memberID} `}alarm:${name} `;
}

/** The layout that a version stores: its own, without the patch. */
function storageVersionOf(version: string): string {
  const [major, minor] = version.split('.');
  return `${major}.${minor}.0`;
}
