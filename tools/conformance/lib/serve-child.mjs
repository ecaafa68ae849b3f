// @ts-check
/**
 * A process that runs `varve serve` as often as it is told to: one store each, by message.
 *
 *   { open: 7, engine: 'log', data: 'folder' }  ->  { opened: 7, address: '127.0.0.1:1234' }
 *   { close: 7 }                                ->  { closed: 7 }
 */
import process from 'node:process';
import { run } from '@varve/cli';

/** @type {Map<number, { stop: AbortController, ended: Promise<unknown> }>} */
const stores = new Map();

process.on('message', (/** @type {{ open?: number, engine?: string, data?: string, close?: number }} */ message) => {
  if (message.open !== undefined) open(message.open, message.engine ?? 'memory', message.data ?? '');
  else if (message.close !== undefined) void close(message.close);
});
process.on('disconnect', () => process.exit(0));

/** @param {number} id @param {string} engine @param {string} data */
function open(id, engine, data) {
  const stop = new AbortController();
  let said = '';
  const ended = run(['serve', '--listen', '127.0.0.1:0', '--engine', engine, '--data', data], {
    out(text) {
      const address = /http:\/\/(\S+)/.exec((said += text))?.[1];
      if (address !== undefined) process.send?.({ opened: id, address });
    },
    error: (text) => process.send?.({ opened: id, failed: text }),
    signal: stop.signal,
  });
  stores.set(id, { stop, ended });
}

/** @param {number} id */
async function close(id) {
  const store = stores.get(id);
  stores.delete(id);
  store?.stop.abort();
  await store?.ended;
  process.send?.({ closed: id });
}
