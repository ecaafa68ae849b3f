/**
 * A snapshot on its way to a client: a BoltDB file in pieces, then the SHA-256 of it.
 *
 * SVSN1  One state: what is written meanwhile is not in it.
 * SVSN2  Its size is a multiple of 512, so that tools see by the size of the whole that a hash of 32 bytes follows (S141).
 *
 * etcd: server/etcdserver/api/v3rpc/maintenance.go, Snapshot (spec server-api.md 8.4).
 */
import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { SnapshotResponseSchema, type SnapshotRequest, type SnapshotResponse } from '@varve/etcd-api';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { signalOf } from '../rpc/calls.ts';
import { room } from '../rpc/flow.ts';
import type { ServerState } from '../server-state.ts';

const BLOB_BYTES = 32 * 1024;

export async function sendSnapshot(
  { store }: ServerState,
  call: ServerWritableStream<SnapshotRequest, SnapshotResponse>,
): Promise<void> {
  const snapshot = await store.snapshot({ signal: signalOf(call) });
  try {
    const hash = createHash('sha256');
    let remaining = snapshot.size;
    for await (const blob of blobs(snapshot)) {
      hash.update(blob);
      remaining -= blob.length;
      call.write(create(SnapshotResponseSchema, { remainingBytes: BigInt(remaining), blob }));
      await room(call);
      if (call.cancelled) return;
    }
    call.write(create(SnapshotResponseSchema, { blob: hash.digest() }));
  } finally {
    await snapshot[Symbol.asyncDispose]();
  }
}

/** The same bytes, in pieces that a message takes. */
async function* blobs(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    let bytes: Uint8Array = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (; bytes.length >= BLOB_BYTES; bytes = bytes.subarray(BLOB_BYTES)) yield bytes.slice(0, BLOB_BYTES);
    rest = bytes.slice();
  }
  if (rest.length > 0) yield rest;
}
