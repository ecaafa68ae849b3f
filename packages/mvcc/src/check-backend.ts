/** What is given for a backend must be one. */
import type { Backend } from '@varve/backend';

/** @throws TypeError for what is no Backend */
export function checkBackend(backend: Backend): void {
  if (typeof backend === 'object' && backend !== null && typeof backend.batchTx === 'function') return;
  throw new TypeError('backend must be a Backend: what openBackend gives');
}
