// @ts-check
/** Stores that another process serves, each with a client of its own. */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@varve/etcd';
import { newFolder } from './etcds.mjs';

/**
 * @param {'memory' | 'log' | 'file' | 'level'} engine
 * @returns {import('./kv-targets.mjs').Target}
 */
export function servedStores(engine) {
  const folder = newFolder();
  const program = fileURLToPath(new URL('serve-child.mjs', import.meta.url));
  // What it logs is about stores that end, which is what is wanted.
  const child = fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  /** @type {Map<string, (answer: { address?: string, failed?: string }) => void>} */
  const waiting = new Map();
  child.on(
    'message',
    (/** @type {{ opened?: number, closed?: number, address?: string, failed?: string }} */ answer) => {
      const name = answer.opened === undefined ? `closed ${answer.closed}` : `opened ${answer.opened}`;
      waiting.get(name)?.(answer);
    },
  );
  /** @type {WeakMap<object, number>} */
  const ids = new WeakMap();
  /** @type {Set<number>} */
  const open = new Set();
  let stores = 0;

  /** @param {number} id @returns {Promise<string>} its address */
  async function serve(id) {
    const answer = await ask({ open: id, engine, data: join(folder, `store-${id}`) }, `opened ${id}`);
    if (answer.address === undefined) throw new Error(answer.failed ?? 'the store was not served');
    open.add(id);
    return answer.address;
  }

  /** @param {number} id */
  async function stop(id) {
    if (open.delete(id)) await ask({ close: id }, `closed ${id}`);
  }

  /** @param {object} message @param {string} name @returns {Promise<{ address?: string, failed?: string }>} */
  function ask(message, name) {
    return new Promise((resolve) => {
      waiting.set(name, resolve);
      child.send(message);
    });
  }

  return {
    async open(codecs) {
      const id = stores++;
      const kv = await connect(`etcd://${await serve(id)}`, codecs);
      ids.set(kv, id);
      return kv;
    },
    async reopen(closed) {
      const id = ids.get(closed) ?? 0;
      await stop(id);
      const kv = await connect(`etcd://${await serve(id)}`);
      ids.set(kv, id);
      return kv;
    },
    async after() {
      for (const id of [...open]) await stop(id);
    },
    end() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
