// @ts-check
/**
 * A process that mirrors one store to another until it is killed: `node mirror-child.mjs FROM TO MAX_OPS`.
 *
 *   every 100 ms          ->  { status }
 *   { fence: true }       ->  { fenced, status }
 *   { close: true }       ->  { closed: true }
 *   it ends by itself     ->  { failed }
 */
import process from 'node:process';
import { bytes, connect } from '@varve/etcd';
import { mirror } from '@varve/mirror';

const [from = '', to = '', maxOps = ''] = process.argv.slice(2);
/** @param {object} message */
const say = (message) => process.connected && process.send?.(message);
process.on('disconnect', () => process.exit(0));

const codecs = { key: bytes, value: bytes, timeoutMs: 60_000 };
const [source, target] = await Promise.all([connect(from, codecs), connect(to, codecs)]);
const running = mirror(source, target, { maxOps: Number(maxOps), retryMs: 500 });
running.ended.catch((error) => say({ failed: String(error) }));
setInterval(() => say({ status: running.status() }), 100);

process.on('message', async (/** @type {{ fence?: boolean, close?: boolean }} */ message) => {
  try {
    if (message.fence) say({ fenced: await running.fence(), status: running.status() });
    if (message.close) {
      await running.close();
      await Promise.all([source.close(), target.close()]);
      say({ closed: true, status: running.status() });
    }
  } catch (error) {
    say({ failed: String(error) });
  }
});
