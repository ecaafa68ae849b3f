// @ts-check
/** Somebody who guesses passwords: a thousand attempts a second, on a few connections, whatever is answered (R113). */
import { create } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { AuthenticateRequestSchema, authService } from '@varve/etcd-api';

const EACH_MS = 10;
/** A thousand a second, and what was missed is not made up for: that would be another attack. */
const AT_ONCE = 10;

/** @type {import('./attacks.mjs').Attack} */
export async function wrongPasswords({ port, isOver }) {
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const clients = Array.from(
    { length: 4 },
    () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options),
  );
  const { path, requestSerialize, responseDeserialize } = authService.authenticate;
  let count = 0;
  let guessed = 0;
  while (!isOver()) {
    for (let at = 0; at < AT_ONCE; at++) {
      const request = create(AuthenticateRequestSchema, {
        name: count % 2 === 0 ? 'root' : 'nobody',
        password: `${count}`,
      });
      const client = clients[count % clients.length];
      client?.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) => {
        if (error === null) guessed += 1;
      });
      count += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, EACH_MS));
  }
  for (const client of clients) client.close();
  return guessed > 0 ? -1 : count;
}
