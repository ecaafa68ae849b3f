/**
 * Between etcd's messages and what every `Kv` shares.
 *
 * MSG1  A range without an end is written as one zero byte there, where an empty end means a single key.
 * MSG2  Revisions are numbers here: etcd's are below 2^53 for 285 years at a million writes a second.
 */
import type { RevisionFilter } from '@varve/api';
import type { Bounds, StoredChange, StoredRecord } from '@varve/api/implement';
import {
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type CompactionRequest,
  type DeleteRangeRequest,
  type Event,
  type KeyValue,
  type PutRequest,
  type RangeRequest,
} from '@varve/etcd-api';

const nothing = new Uint8Array(0);
const toTheLast = Uint8Array.of(0);
/** A deletion, in the numbers of mvccpb. */
const DELETE = 1;

/** The end of bounds as etcd takes it. */
export function endOf({ end }: Bounds): Uint8Array {
  if (end === undefined) return nothing;
  return end.length === 0 ? toTheLast : end;
}

export interface RangeAsked {
  readonly bounds: Bounds;
  /** 0 for the present. */
  readonly revision: number;
  /** 0 for all. */
  readonly limit?: number | undefined;
  readonly reverse?: boolean | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
  readonly serializable?: boolean | undefined;
  readonly filter?: RevisionFilter | undefined;
}

export function rangeRequest(asked: RangeAsked): RangeRequest {
  const { bounds, revision, limit = 0, reverse = false, filter = {} } = asked;
  return {
    $typeName: 'etcdserverpb.RangeRequest',
    key: bounds.key,
    rangeEnd: endOf(bounds),
    limit: BigInt(limit),
    revision: BigInt(revision),
    sortOrder: reverse ? RangeRequest_SortOrder.DESCEND : RangeRequest_SortOrder.NONE,
    sortTarget: RangeRequest_SortTarget.KEY,
    serializable: asked.serializable === true,
    keysOnly: asked.keysOnly === true,
    countOnly: asked.countOnly === true,
    minModRevision: BigInt(filter.minModRevision ?? 0),
    maxModRevision: BigInt(filter.maxModRevision ?? 0),
    minCreateRevision: BigInt(filter.minCreateRevision ?? 0),
    maxCreateRevision: BigInt(filter.maxCreateRevision ?? 0),
  };
}

export function putRequest(key: Uint8Array, value: Uint8Array, lease: bigint, previous: boolean): PutRequest {
  return {
    $typeName: 'etcdserverpb.PutRequest',
    key,
    value,
    lease,
    prevKv: previous,
    ignoreValue: false,
    ignoreLease: false,
  };
}

export function deleteRequest(bounds: Bounds, previous: boolean): DeleteRangeRequest {
  return {
    $typeName: 'etcdserverpb.DeleteRangeRequest',
    key: bounds.key,
    rangeEnd: endOf(bounds),
    prevKv: previous,
  };
}

export function compactRequest(revision: number, physical: boolean): CompactionRequest {
  return { $typeName: 'etcdserverpb.CompactionRequest', revision: BigInt(revision), physical };
}

/** A record of an answer; its bytes are views of what came in, which nobody else has. */
export function storedRecord(kv: KeyValue): StoredRecord {
  const { key, value, lease } = kv;
  return {
    key,
    value,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
    lease,
  };
}

export function storedChange({ type, kv, prevKv }: Event): StoredChange | undefined {
  if (kv === undefined) return undefined;
  const change = { type: type === DELETE ? 'delete' : 'put', kv: storedRecord(kv) } as const;
  return prevKv === undefined ? change : { ...change, previous: storedRecord(prevKv) };
}
