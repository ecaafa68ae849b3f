// @ts-check
/** Somebody who guesses passwords: a thousand attempts a second, on a few connections, whatever is answered (R113); and as many calls that do nothing wrong. */
import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { AuthenticateRequestSchema, authService, kvService, RangeRequestSchema } from '@varve/etcd-api';

const EACH_MS = 10;
/** A thousand a second, and what was missed is not made up for: that would be another attack. */
const AT_ONCE = 10;

/** @type {import('./attacks.mjs').Attack} */
export async function wrongPasswords(target) {
  let guessed = 0;
  const count = await thousandASecond(target, new Metadata(), (client, at, metadata) => {
    const name = at % 2 === 0 ? 'root' : 'nobody';
    const request = create(AuthenticateRequestSchema, { name, password: `${at}` });
    call(client, authService.authenticate, request, metadata).then(
      () => (guessed += 1),
      () => undefined,
    );
  });
  return guessed > 0 ? -1 : count;
}

/** What a thousand calls a second cost by themselves, of somebody who may read. @type {import('./attacks.mjs').Attack} */
export async function asManyReads(target) {
  const metadata = new Metadata();
  const client = clientOf(target.port);
  const login = create(AuthenticateRequestSchema, { name: 'root', password: 'root' });
  const { token } = await call(client, authService.authenticate, login, metadata);
  client.close();
  metadata.set('token', token);
  const request = create(RangeRequestSchema, { key: Buffer.from('good') });
  return thousandASecond(target, metadata, (one) => void call(one, kvService.range, request, metadata).catch(() => 0));
}

/**
 * @param {import('./attacks.mjs').Target} target
 * @param {Metadata} metadata
 * @param {(client: Client, at: number, metadata: Metadata) => void} begin
 */
async function thousandASecond({ port, isOver }, metadata, begin) {
  const clients = Array.from({ length: 4 }, () => clientOf(port));
  let count = 0;
  while (!isOver()) {
    for (let more = AT_ONCE; more > 0; more--) {
      const client = clients[count % clients.length];
      if (client !== undefined) begin(client, count, metadata);
      count += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, EACH_MS));
  }
  for (const client of clients) client.close();
  return count;
}

/** @param {number} port */
function clientOf(port) {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
}

/**
 * @template Request, Answer
 * @param {Client} client
 * @param {import('@grpc/grpc-js').MethodDefinition<Request, Answer>} method
 * @param {Request} request
 * @param {Metadata} metadata
 * @returns {Promise<Answer>}
 */
function call(client, { path, requestSerialize, responseDeserialize }, request, metadata) {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error, answer) => {
      if (answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer);
    });
  });
}
