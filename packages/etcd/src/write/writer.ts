/**
 * Writes: checked and encoded, let in by the line, sent once.
 *
 * EWR1  What codecs give is in bytes of its own before anything is awaited (KK4).
 * EWR2  A write is one message: one revision, wholly or not at all, whatever becomes of this process.
 * EWR3  When its answer is lost the call ends with `KV_UNKNOWN_OUTCOME`; it is not sent again (channel/calls.ts).
 */
import { KvError } from '@varve/api';
import type {
  CreateOptions,
  CreateResult,
  DeleteOptions,
  DeleteResult,
  DeleteSelector,
  PutOptions,
  PutResult,
  SignalOptions,
  Txn,
  UpdateOptions,
  UpdateResult,
} from '@varve/api';
import {
  checkNames,
  checkOptionalBoolean,
  checkSignal,
  checkSignalOptions,
  keyName,
  leaseText,
  planCreate,
  planDelete,
  planLease,
  planTxn,
  planUpdate,
  type Bounds,
  type ConditionalPut,
  type Records,
  type RecordsInside,
} from '@varve/api/implement';
import { kvService, type TxnRequest } from '@varve/etcd-api';
import type { Core } from '../core.ts';
import { deleteRequest, putRequest, rangeRequest, storedRecord } from '../messages.ts';
import { modIs } from './compares.ts';
import { deleteFirst } from './delete-first.ts';
import { leasePlansOf, plansUsed, withLeases } from './granted.ts';
import { sendTxn, tracing } from './send-txn.ts';
import { AnswerReader, deleteResult, putResult, readDone, type TxnAnswer } from './txn-answer.ts';
import { requestOp, txnRequest } from './txn-request.ts';

const putNames = ['previous', 'lease', 'ttl', 'signal'];

export function putKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: PutOptions = {},
): Promise<PutResult<K, V>> {
  return core.call(() => {
    checkNames(options, 'options', putNames);
    const { previous, signal } = options;
    checkOptionalBoolean(previous, 'previous');
    const lease = planLease(options);
    checkSignal(signal);
    const keyBytes = records.newOwnKey(key);
    const valueBytes = records.newOwnValue(value, keyBytes);
    return core.line.enter(
      () =>
        withLeases(core, [lease], async (leaseOf) => {
          const request = putRequest(keyBytes, valueBytes, leaseOf(lease), previous === true);
          const write = tracing(core, `the key ${keyName(records.keys.relative(keyBytes))}`);
          const answer = await core.calls.unary(kvService.put, request, { signal, write });
          const revision = core.calls.see(answer.header);
          const granted = lease !== undefined && 'ttl' in lease ? leaseOf(lease) : undefined;
          const read = (): PutResult<K, V> => putResult(records, answer, revision, granted);
          return { used: () => true, read: () => readDone(revision, read) };
        }),
      signal,
    );
  });
}

export function deleteKeys<K, V>(
  core: Core,
  records: Records<K, V>,
  selector: DeleteSelector<K>,
  options: DeleteOptions = {},
): Promise<DeleteResult<K, V>> {
  return core.call(() => {
    const { at, previous, limit, signal } = planDelete(records, selector, options);
    return core.line.enter(async () => {
      if (limit !== undefined) return deleteFirst(core, records, { at, limit, previous, signal });
      await checkDeletes(core, records, at, signal);
      const write = tracing(core, 'the keys it deletes: those that are there are not deleted, and');
      const answer = await core.calls.unary(kvService.deleteRange, deleteRequest(at, previous), {
        signal,
        write,
      });
      const revision = core.calls.see(answer.header);
      return readDone(revision, () => deleteResult(records, answer, revision, previous));
    }, signal);
  });
}

/** Refuses a range of more keys than the caller's own limit. The cluster has none, so it is looked at before. */
async function checkDeletes<K, V>(
  core: Core,
  { limits }: Records<K, V>,
  at: Bounds,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { maxDeletes } = limits;
  if (at.end === undefined || maxDeletes === Number.MAX_SAFE_INTEGER) return;
  const { count } = await core.range({ bounds: at, revision: 0, countOnly: true }, signal);
  if (Number(count) <= maxDeletes) return;
  const message = `the range holds more keys than limits.maxDeletes, ${maxDeletes}; delete it in parts, delete(range, { limit }) until there are no more`;
  throw new KvError('KV_TOO_LARGE', message, { limit: maxDeletes });
}

export function runTransaction<K, V>(
  core: Core,
  records: Records<K, V>,
  txn: Txn<K, V>,
  options: SignalOptions = {},
): Promise<TxnAnswer> {
  return core.call(() => {
    checkSignalOptions(options);
    const { signal } = options;
    const inside: RecordsInside = (namespace) => core.views.recordsOf(namespace as never);
    const plan = planTxn(txn, records, inside);
    const run = (): Promise<TxnAnswer> =>
      withLeases(core, leasePlansOf(plan), async (leaseOf) => {
        const request = txnRequest(plan, leaseOf);
        const answer = await sendTxn(core, request, signal, plan.writes);
        const revision = core.calls.see(answer.header);
        const used = plansUsed(plan, answer);
        const read = (): TxnAnswer => new AnswerReader(records, leaseOf, revision).read(plan, answer);
        return { used: (lease) => used.has(lease), read: plan.writes ? () => readDone(revision, read) : read };
      });
    return core.line.enter(run, signal);
  });
}

export function createKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: CreateOptions = {},
): Promise<CreateResult<K, V>> {
  return core.call(async () => {
    const result = await putIf(core, records, planCreate(records, key, value, options));
    // Lost means that the key is there.
    return result as CreateResult<K, V>;
  });
}

export function updateKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: UpdateOptions,
): Promise<UpdateResult<K, V>> {
  return core.call(() => putIf(core, records, planUpdate(records, key, value, options)));
}

function putIf<K, V>(
  core: Core,
  records: Records<K, V>,
  { key, value, lease, wanted, signal }: ConditionalPut,
): Promise<UpdateResult<K, V>> {
  const run = (): Promise<UpdateResult<K, V>> =>
    withLeases<UpdateResult<K, V>>(core, [lease], async (leaseOf) => {
      const put = putRequest(key, value, leaseOf(lease), false);
      const get = rangeRequest({ bounds: { key, end: undefined }, revision: 0 });
      const request: TxnRequest = {
        $typeName: 'etcdserverpb.TxnRequest',
        compare: [modIs(key, wanted)],
        success: [requestOp({ case: 'requestPut', value: put })],
        failure: [requestOp({ case: 'requestRange', value: get })],
      };
      const answer = await sendTxn(core, request, signal, true);
      const revision = core.calls.see(answer.header);
      const { succeeded } = answer;
      if (succeeded) {
        const granted = lease !== undefined && 'ttl' in lease ? { lease: leaseText(leaseOf(lease)) } : undefined;
        return { used: () => true, read: () => ({ succeeded, revision, ...granted }) };
      }
      const response = answer.responses[0]?.response;
      const found = response?.case === 'responseRange' ? response.value.kvs[0] : undefined;
      const read = (): UpdateResult<K, V> =>
        found === undefined
          ? { succeeded, revision }
          : { succeeded, revision, entry: records.entry(storedRecord(found)) };
      return { used: () => false, read };
    });
  return core.line.enter(run, signal);
}
