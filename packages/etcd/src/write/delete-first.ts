/**
 * A deletion of the first keys of a range: etcd has none, so they are looked for, and deleted if they still are the first.
 *
 * DFI1  One transaction, one revision: it deletes up to the last of the keys that were found, if nothing was written there since, so never
 *      more than `limit`. Keys that others have deleted meanwhile are fewer. It tells in the same transaction whether more are left.
 */
import type { DeleteResult } from '@varve/api';
import { keyAfter, type Bounds, type Records } from '@varve/api/implement';
import type { TxnRequest } from '@varve/etcd-api';
import type { Core } from '../core.ts';
import { deleteRequest, rangeRequest } from '../messages.ts';
import { writtenUntil } from './compares.ts';
import { deleteResult, readDone } from './txn-answer.ts';
import { requestOp } from './txn-request.ts';
import { sendTxn } from './send-txn.ts';

export interface FirstKeys {
  readonly at: Bounds;
  readonly limit: number;
  readonly previous: boolean;
  readonly signal: AbortSignal | undefined;
}

export async function deleteFirst<K, V>(
  core: Core,
  records: Records<K, V>,
  { at, limit, previous, signal }: FirstKeys,
): Promise<DeleteResult<K, V>> {
  for (;;) {
    const read = await core.range({ bounds: at, revision: 0, limit, keysOnly: true }, signal);
    const revision = Number(read.header?.revision ?? 0n);
    const last = read.kvs.at(-1);
    if (last === undefined) return { ...deleteResult(records, undefined, revision, previous), more: false };
    const doomed: Bounds = { key: at.key, end: keyAfter(last.key) };
    const rest: Bounds = { key: keyAfter(last.key), end: at.end };
    const request: TxnRequest = {
      $typeName: 'etcdserverpb.TxnRequest',
      compare: [writtenUntil(doomed, revision)],
      success: [
        requestOp({ case: 'requestDeleteRange', value: deleteRequest(doomed, previous) }),
        requestOp({ case: 'requestRange', value: rangeRequest({ bounds: rest, revision: 0, countOnly: true }) }),
      ],
      failure: [],
    };
    const answer = await sendTxn(core, request, signal, true);
    const made = core.calls.see(answer.header);
    if (!answer.succeeded) continue;
    const [deletion, left] = answer.responses.map(({ response }) => response);
    const deleted = deletion?.case === 'responseDeleteRange' ? deletion.value : undefined;
    const more = left?.case === 'responseRange' && left.value.count > 0n;
    return readDone(made, () => ({ ...deleteResult(records, deleted, made, previous), more }));
  }
}
