/**
 * A range in pieces, all of one revision, in the order of the keys (3.7).
 *
 * SVRS1  Pieces grow and shrink with the size of the last one, so that neither a message nor what waits to be sent becomes large.
 * SVRS2  Header, `more` and count come with the last piece only.
 *
 * etcd: spec server-api.md 5.7.
 */
import {
  kvService,
  RangeRequest_SortOrder as Order,
  RangeRequest_SortTarget as Target,
  type RangeRequest,
} from '@varve/etcd-api';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { permitRange } from '../auth/permits.ts';
import { NOBODY } from '../auth/tokens.ts';
import { signalOf, type Calls } from '../rpc/calls.ts';
import { room } from '../rpc/flow.ts';
import type { ServerState } from '../server-state.ts';
import { failures } from '../status.ts';
import { encodeStreamedRange, type RangeAnswer } from '../wire/kv-answers.ts';
import { checkRange, planRange, rangeAnswer, revisionOf } from './range.ts';

const FIRST_RECORDS = 10;

interface Piece {
  readonly answer: RangeAnswer;
  readonly isLast: boolean;
}

export function registerRangeStream(calls: Calls, state: ServerState): void {
  const { path, requestDeserialize: read } = kvService.rangeStream;
  const write = ({ answer, isLast }: Piece): Buffer => encodeStreamedRange(state.header, answer, isLast);
  calls.serverStream<RangeRequest, Piece>({ path, read, write }, (request, call) => rangeStream(request, call, state));
}

async function rangeStream(
  request: RangeRequest,
  call: ServerWritableStream<RangeRequest, Piece>,
  { auth, store, limits }: ServerState,
): Promise<void> {
  checkRange(request);
  const isPlain = request.sortTarget === Target.KEY && request.sortOrder !== Order.DESCEND;
  if (!isPlain) throw failures.rangeStreamSort();
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if ((minModRevision | maxModRevision | minCreateRevision | maxCreateRevision) !== 0n)
    throw failures.rangeStreamFilter();
  const caller = auth.enabled ? await auth.caller(call) : NOBODY;
  if (auth.enabled) permitRange(auth.rightsOf(caller), request);
  const current = store.rev();
  const revision = revisionOf(request.revision, current) || current;
  const plan = planRange({ ...request, limit: 0n }, revision);
  const limit = request.limit > 0n ? Number(request.limit) : Infinity;
  let left = limit;
  let from = request.key;
  let records = FIRST_RECORDS;
  const signal = signalOf(call);
  const total = plan && (await store.range(plan.key, plan.end, { revision, countOnly: true, signal })).count;
  for (;;) {
    const wanted = Math.min(records, left);
    const found = plan && (await store.range(from, plan.end, { revision, limit: wanted + 1, signal }));
    const piece = rangeAnswer({ ...request, limit: BigInt(wanted) }, found && { ...found, count: total ?? 0 }, current);
    const { kvs } = piece;
    left -= kvs.length;
    const isLast = !piece.more || left <= 0;
    await room(call);
    if (call.cancelled) return;
    auth.checkUnchanged(caller);
    call.write({ answer: piece, isLast });
    if (isLast) return;
    from = Buffer.concat([kvs.at(-1)!.key, Buffer.of(0)]);
    const bytes = kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    if (bytes < limits.requestBytes / 2) records *= 2;
    else if (bytes > limits.requestBytes * 2) records = Math.max(1, Math.floor(records / 2));
  }
}
