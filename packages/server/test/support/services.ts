/** What services are given, without a port: for tests that turn the event loop themselves. */
import { openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { Server } from '@grpc/grpc-js';
import { openWatchableStore } from '@varve/watch';
import { readAuthOptions } from '../../src/auth/auth-options.ts';
import { Limits } from '../../src/limits.ts';
import { Calls } from '../../src/rpc/calls.ts';
import { ServerState } from '../../src/server-state.ts';

export interface Services extends AsyncDisposable {
  readonly state: ServerState;
  readonly calls: Calls;
}

export async function services(): Promise<Services> {
  const backend = await openBackend(memoryEngine());
  const store = await openWatchableStore(backend);
  const member = { name: 'default', peerUrls: undefined, token: undefined };
  const limits = new Limits({});
  const auth = await readAuthOptions({});
  const state = await ServerState.load({ store, backend }, limits, { member, version: '3.6.0', auth });
  const calls = new Calls(new Server(), { ms: Infinity, tell: undefined }, limits.fields);
  return {
    state,
    calls,
    [Symbol.asyncDispose]: async () => {
      await state.auth.close();
      await store.close();
      await backend.close();
    },
  };
}
