/**
 * The header of answers: who answers, and the revision.
 *
 * SVHD1  All but the revision stay the same as long as the server runs.
 * SVHD2  Inside a transaction an answer's header has the revision only, and that of a nested transaction is empty (S59, S76).
 */
import { create } from '@bufbuild/protobuf';
import { ResponseHeaderSchema, type ResponseHeader } from '@varve/etcd-api';
import { BackwardWriter } from './backward-writer.ts';

/** A single node is its own leader from its first term on; etcd's is in its second when it answers. */
export const RAFT_TERM = 2n;

export class Header {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Fields 1 and 2, and 4, as they stand in every answer: numbers of 64 bits are slow to write. */
  readonly #ids: Uint8Array;
  readonly #term: Uint8Array;

  constructor(clusterId: bigint, memberId: bigint) {
    this.clusterId = clusterId;
    this.memberId = memberId;
    const out = new BackwardWriter().begin();
    out.int64(2, memberId);
    out.int64(1, clusterId);
    this.#ids = new Uint8Array(out.take());
    out.begin().int64(4, RAFT_TERM);
    this.#term = new Uint8Array(out.take());
  }

  /** As a message of the generated kind. */
  message(revision: number): ResponseHeader {
    const { clusterId, memberId } = this;
    return create(ResponseHeaderSchema, { clusterId, memberId, revision: BigInt(revision), raftTerm: RAFT_TERM });
  }

  /** As field 1 of an answer. */
  write(out: BackwardWriter, revision: number): void {
    const end = out.length;
    out.raw(this.#term);
    out.uint(3, revision);
    out.raw(this.#ids);
    out.close(1, end);
  }
}

/** Field 1 of an answer inside a transaction. */
export function writeInnerHeader(out: BackwardWriter, revision: number): void {
  const end = out.length;
  out.uint(3, revision);
  out.close(1, end);
}
