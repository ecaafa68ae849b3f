// @ts-check
/**
 * The ends of a road, each a server in processes of its own that can be killed without a word and started again on its data.
 *
 * RDE1  Everything is on the loopback, below one folder, and gone afterwards; processes are ended by their own ids.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EtcdCluster, newFolder } from '../../conformance/lib/etcds.mjs';
import { freePorts } from '@varve/base/node/free-ports';

/**
 * @typedef {object} End
 * @property {string} kind
 * @property {`etcd://${string}`} name for `connect`
 * @property {() => Promise<void>} kill
 * @property {() => void} start
 * @property {() => Promise<void>} end
 * @property {() => Promise<void>} replace killed, and another one started in its place, with nothing in it
 */

/** One etcd. @param {{ sameId?: boolean }} [options] sameId: what replaces it is configured alike, so that its cluster has the same id @returns {Promise<End>} */
export async function etcdEnd({ sameId = false } = {}) {
  const cluster = await EtcdCluster.start(1);
  return {
    kind: sameId ? 'etcd, the same id' : 'etcd',
    name: cluster.name,
    kill: () => cluster.kill(0),
    start: () => cluster.start(0),
    end: () => cluster.end(),
    async replace() {
      await cluster.wipe(0);
      cluster.start(0, sameId ? [] : ['--initial-cluster-token', 'another']);
    },
  };
}

/** The program `varve`, as it is built here. */
export const varve = fileURLToPath(new URL('bin.js', import.meta.resolve('@varve/cli')));

/** `varve serve` on a log. @param {readonly string[]} [more] options @returns {Promise<End>} */
export async function servedEnd(more = []) {
  const folder = newFolder();
  const [port] = await freePorts(1);
  const options = ['--engine', 'log', '--data', join(folder, 'data'), '--listen', `127.0.0.1:${port}`];
  const args = [varve, 'serve', ...options, ...more];
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  const start = () => {
    const started = spawn(process.execPath, args, { stdio: 'ignore' });
    child = started;
    // Somebody may have had its port for a moment.
    started.on('exit', () => setTimeout(() => child === started && start(), 200));
  };
  const kill = async () => {
    const gone = child;
    child = undefined;
    if (gone === undefined || gone.exitCode !== null || gone.signalCode !== null) return;
    gone.kill('SIGKILL');
    await once(gone, 'exit');
  };
  start();
  return {
    kind: 'varve serve',
    name: `etcd://127.0.0.1:${port}`,
    kill,
    start,
    async end() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
    async replace() {
      await kill();
      rmSync(join(folder, 'data'), { recursive: true });
      start();
    },
  };
}
