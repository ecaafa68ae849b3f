/**
 * An etcd for tests: one of its own for each test, in memory, ready in milliseconds, gone at the end.
 *
 * ETS1  The system chooses the port, so tests run beside each other.
 * ETS2  It is closed from the outside in: clients, server, store.
 * ETS3  What its tests call is etcd's API: the same test runs on a real etcd, given its address.
 */
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { memory } from '@varve/kv';
import { openLayers } from '@varve/kv/layers';
import { createServer } from '@varve/server';

export interface TestEtcd extends AsyncDisposable {
  /** `127.0.0.1:PORT`, for any client of etcd. */
  readonly address: string;
  readonly client: Client;
  close(): Promise<void>;
}

export async function startEtcd(): Promise<TestEtcd> {
  const layers = await openLayers(memory());
  try {
    const server = await createServer(layers);
    const address = `${server.host}:${server.port}`;
    const client = new Client(address, credentials.createInsecure());
    const close = async (): Promise<void> => {
      client.close();
      await server.close();
      await layers.close();
    };
    return { address, client, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await layers.close();
    throw error;
  }
}

/** One call: `call(client, kvService.put, create(PutRequestSchema, { key, value }))`. Rejects with etcd's code and text. */
export function call<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) => {
      if (answer === undefined) reject(error ?? new Error('etcd gave no answer'));
      else resolve(answer);
    });
  });
}
