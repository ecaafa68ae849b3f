/** Sending a transaction, once where it writes, and what is said of a write whose answer is lost. */
import { kvService, type TxnRequest, type TxnResponse } from '@varve/etcd-api';
import type { Core } from '../core.ts';

/** How to find out what became of a write: for the message of `KV_UNKNOWN_OUTCOME`. */
export function tracing(core: Core, what: string): string {
  return `To find out, read ${what}: what it has written has a modRevision above ${core.calls.seen}. A cluster that lost its leader may take some ten seconds to do it still.`;
}

/** @param writes false for one that may be sent again */
export function sendTxn(
  core: Core,
  request: TxnRequest,
  signal: AbortSignal | undefined,
  writes: boolean,
): Promise<TxnResponse> {
  const write = writes ? tracing(core, 'the keys it writes') : undefined;
  return core.calls.unary(kvService.txn, request, { signal, write });
}
