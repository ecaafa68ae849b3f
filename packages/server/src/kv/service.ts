/**
 * The KV service: checks, alarms and quota in etcd's order, then the store.
 *
 * SVKS1  A read is answered at the visible revision: what was acknowledged is durable and visible, so serializable and
 *     linearizable are one thing here (law 1).
 * SVKS2  A write is checked in this order: quota, request, caller, size; then, in the tick of its section, alarms, rights, leases,
 *     keys (spec server-api.md 4.1).
 * SVKS3  A read is held to the rights that it began with: where users or roles change while it is under way, it is refused.
 *
 * etcd: server/etcdserver/api/v3rpc/key.go, server/etcdserver/v3_server.go.
 */
import {
  kvService,
  type CompactionRequest,
  type CompactionResponse,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type TxnRequest,
} from '@varve/etcd-api';
import { permitDelete, permitPut, permitRange, permitTxn } from '../auth/permits.ts';
import { NOBODY } from '../auth/tokens.ts';
import type { AnyCall, Calls, Sized } from '../rpc/calls.ts';
import { method, signalOf, sized } from '../rpc/calls.ts';
import type { ServerState } from '../server-state.ts';
import { putCost, txnCost } from '../state/quota.ts';
import { failures } from '../status.ts';
import {
  encodeAnswer,
  type DeleteAnswer,
  type OpAnswer,
  type PutAnswer,
  type RangeAnswer,
  type TxnAnswer,
} from '../wire/kv-answers.ts';
import { checkPut, checkTxn, hasPut, isReadOnly } from './check-txn.ts';
import { checkRange, planRange, rangeAnswer, rangeOfOne, revisionOf } from './range.ts';
import { registerRangeStream } from './range-stream.ts';
import { readTxn } from './read-txn.ts';
import { checkLease, runDelete, runPut, runTxn } from './txn.ts';

export function registerKv(calls: Calls, state: ServerState, service: KvService): void {
  const write = (answer: OpAnswer): Buffer => encodeAnswer(state.header, answer);
  const { range, put, deleteRange, txn, compact } = kvService;
  calls.unary({ path: range.path, read: range.requestDeserialize, write }, (request, call) =>
    service.range(request, call),
  );
  calls.unary({ path: put.path, read: sized(put), write }, (request, call) => service.put(request, call));
  calls.unary({ path: deleteRange.path, read: sized(deleteRange), write }, (request, call) =>
    service.deleteRange(request, call),
  );
  calls.unary({ path: txn.path, read: sized(txn), write }, (request, call) => service.txn(request, call));
  calls.unary(method(compact), (request, call) => service.compact(request, call));
  registerRangeStream(calls, state);
}

/** What the KV service does, for a caller that the call speaks for. */
export class KvService {
  readonly #state: ServerState;

  constructor(state: ServerState) {
    this.#state = state;
  }

  async range(request: RangeRequest, call: AnyCall): Promise<RangeAnswer> {
    checkRange(request);
    const { auth, store } = this.#state;
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    if (auth.enabled) permitRange(auth.rightsOf(caller), request);
    const current = store.rev();
    const revision = revisionOf(request.revision, current);
    if (request.rangeEnd.length === 0) return rangeOfOne(request, store, revision, current);
    const plan = planRange(request, revision);
    // An empty range has the errors of its revision still.
    if (plan === undefined) return rangeAnswer(request, void store.get(request.key, { revision }), current);
    const found = await store.range(plan.key, plan.end, { ...plan.options, signal: signalOf(call) });
    auth.checkUnchanged(caller);
    return rangeAnswer(request, found, current);
  }

  async put({ message, size }: Sized<PutRequest>, call: AnyCall): Promise<PutAnswer> {
    const { alarms, auth, lessor, limits, quota, store, writes } = this.#state;
    const cost = putCost(message);
    if (!quota.fits(cost)) await quota.refuse();
    checkPut(message);
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    limits.checkSize(size);
    const { key, value, lease, prevKv, ignoreValue, ignoreLease } = message;
    return writes.run(() => {
      alarms.check(true);
      if (auth.enabled) permitPut(auth.rightsOf(caller), message, lessor);
      if (prevKv || ignoreValue || ignoreLease) {
        return store.write((txn) => {
          checkLease(lease, lessor);
          return runPut(message, txn);
        }).value;
      }
      checkLease(lease, lessor);
      return { type: 'put', revision: store.put(key, value, lease), previous: undefined };
    });
  }

  async deleteRange({ message, size }: Sized<DeleteRangeRequest>, call: AnyCall): Promise<DeleteAnswer> {
    if (message.key.length === 0) throw failures.emptyKey();
    const { alarms, auth, limits, writes } = this.#state;
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    limits.checkSize(size);
    return writes.section((txn) => {
      alarms.check(false);
      if (auth.enabled) permitDelete(auth.rightsOf(caller), message);
      return runDelete(message, txn);
    });
  }

  async txn({ message, size }: Sized<TxnRequest>, call: AnyCall): Promise<TxnAnswer> {
    const { alarms, auth, lessor, limits, quota, store, writes } = this.#state;
    const readOnly = isReadOnly(message);
    const cost = readOnly ? 0 : txnCost(message);
    if (!quota.fits(cost)) await quota.refuse();
    checkTxn(message, limits.txnOps);
    const caller = auth.enabled ? await auth.caller(call) : NOBODY;
    if (readOnly) {
      if (auth.enabled) permitTxn(auth.rightsOf(caller), message, lessor);
      const answer = await readTxn(message, store, this.#state.compacted, signalOf(call));
      auth.checkUnchanged(caller);
      return answer;
    }
    limits.checkSize(size);
    const grows = hasPut(message);
    return writes.section((txn) => {
      alarms.check(grows);
      if (auth.enabled) permitTxn(auth.rightsOf(caller), message, lessor);
      return runTxn(message, txn, { lessor, compacted: this.#state.compacted });
    });
  }

  async compact({ revision, physical }: CompactionRequest, call: AnyCall): Promise<CompactionResponse> {
    const { auth } = this.#state;
    if (auth.enabled) auth.checkAdmin(await auth.caller(call));
    await this.#state.compact(revision, physical);
    return this.#state.compactionAnswer();
  }
}
