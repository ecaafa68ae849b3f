/** The records of many keys at one revision, in as few calls as the cluster's limit allows. */
import type { StoredRecord } from '@varve/api/implement';
import { kvService, type RequestOp, type TxnRequest } from '@varve/etcd-api';
import { serverTxnOps } from '../channel/verdict.ts';
import type { Core } from '../core.ts';
import { rangeRequest, storedRecord } from '../messages.ts';

/** @param revision 0 for the present @returns each at the place of its key */
export async function recordsOfKeys(
  core: Core,
  keys: readonly Uint8Array[],
  revision: number,
  signal: AbortSignal | undefined,
): Promise<readonly (StoredRecord | undefined)[]> {
  const found: (StoredRecord | undefined)[] = [];
  let at = revision;
  for (let from = 0; from < keys.length; from += serverTxnOps) {
    const part = keys.slice(from, from + serverTxnOps);
    const answer = await core.calls.unary(kvService.txn, reading(core, part, at), { signal });
    const present = core.calls.see(answer.header);
    if (at === 0) at = present;
    for (const [i] of part.entries()) {
      const { response } = answer.responses[i] ?? {};
      const kv = response?.case === 'responseRange' ? response.value.kvs[0] : undefined;
      found.push(kv && storedRecord(kv));
    }
  }
  return found;
}

function reading(core: Core, keys: readonly Uint8Array[], revision: number): TxnRequest {
  // Parts that ask for a revision of another part's answer must not meet a member that is behind.
  const serializable = core.calls.settings.serializable && revision === 0;
  const success = keys.map((key): RequestOp => {
    const value = rangeRequest({ bounds: { key, end: undefined }, revision, serializable });
    return { $typeName: 'etcdserverpb.RequestOp', request: { case: 'requestRange', value } };
  });
  return { $typeName: 'etcdserverpb.TxnRequest', compare: [], success, failure: [] };
}
