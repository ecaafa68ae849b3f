/**
 * Whether the server in this container answers: `node health.mjs [PORT | PATH]` ends with 0 or 1. PATH is that of a Unix socket.
 *
 * HLT1  Without TLS and with it; its certificate need not be for the loopback address, on which nobody stands in between.
 * HLT2  Who asks for a certificate of ours, as with --client-ca, is there: it listens only when the store is open.
 */
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const [, , given = '2379'] = process.argv;
const place = given.includes('/') ? { socketPath: given } : { host: '127.0.0.1', port: Number(given) };

/** @returns 'ready', 'not ready', or the code of an error */
function ask(get) {
  const where = { ...place, path: '/readyz', rejectUnauthorized: false, timeout: 1000 };
  return new Promise((resolve) => {
    const request = get(where, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? 'ready' : 'not ready');
    });
    request.on('timeout', () => request.destroy());
    request.on('error', ({ code }) => resolve(code ?? 'timeout'));
  });
}

const found = [await ask(getSecure)];
if (found[0] !== 'ready') found.push(await ask(getPlain));
process.exit(found.includes('ready') || found[0] === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' ? 0 : 1);
