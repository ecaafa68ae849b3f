/**
 * The Lock service: whoever is first in the queue has the lock, until its key is deleted or its lease ends.
 *
 * SVLO1  A lease has one place: locking again with it returns at once where it has the lock (S199).
 * SVLO2  Whose key is gone when its turn comes has no lock, and is told so (S204).
 *
 * etcd: server/etcdserver/api/v3lock/lock.go, client/v3/concurrency/mutex.go (spec server-api.md 11.1).
 */
import { create } from '@bufbuild/protobuf';
import {
  DeleteRangeRequestSchema,
  lockService,
  LockResponseSchema,
  RangeRequest_SortOrder as Order,
  RangeRequestSchema,
  UnlockResponseSchema,
  type LockRequest,
  type LockResponse,
} from '@varve/etcd-api';
import { status } from '@grpc/grpc-js';
import { method, type Calls } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { StatusError } from '../status.ts';
import type { LongCall } from './long-call.ts';
import { asClient, firstOf, getOp, putOp, underPrefix, type Queue } from './queue.ts';

const NO_BYTES = new Uint8Array(0);

export function registerLock(calls: Calls, state: ServerState, queue: Queue): void {
  calls.unary(method(lockService.lock), (request, call) => asClient(call, (long) => lock(request, long, state, queue)));
  calls.unary(method(lockService.unlock), ({ key }, call) =>
    asClient(call, async (long) => {
      const { revision } = await queue.delete(create(DeleteRangeRequestSchema, { key }), long);
      return create(UnlockResponseSchema, { header: state.header.message(revision) });
    }),
  );
}

async function lock(
  { name, lease }: LockRequest,
  call: LongCall,
  state: ServerState,
  queue: Queue,
): Promise<LockResponse> {
  const place = await queue.place(name, lease, call);
  const { key, prefix } = place;
  const own = create(RangeRequestSchema, { key });
  const owner = getOp(underPrefix(prefix, Order.ASCEND));
  const answer = await queue.txn(key, 0n, [putOp(key, NO_BYTES, place.lease), owner], [getOp(own), owner], call);
  const since = answer.succeeded ? answer.revision : (firstOf(answer, 0)?.createRevision ?? 0);
  const first = firstOf(answer, 1);
  if (first === undefined || first.createRevision === since) {
    return create(LockResponseSchema, { header: state.header.message(answer.revision), key });
  }
  try {
    await queue.turn(prefix, since, call);
    const seen = await queue.range(own, call);
    if (seen.kvs[0]?.createRevision !== since) throw new StatusError(status.UNKNOWN, 'mutex: session is expired');
    return create(LockResponseSchema, { header: state.header.message(seen.revision), key });
  } catch (error) {
    await queue.leave(key, since);
    throw error;
  }
}
