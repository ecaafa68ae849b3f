// @ts-check
/** Debian's etcd, for comparisons: one member in a folder of its own, on free ports of this machine. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '@varve/base/node/free-ports';

/** @param {string} program */
export function hasProgram(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** How long one may take to be there: a machine that does other work, too, takes its time. */
const patienceMs = 120_000;

/** @typedef {{ endpoint: string, pid: number, close: () => Promise<void> }} RunningEtcd */

/**
 * @param {readonly string[]} [more] options of its own
 * @param {string} [data] its data, which is left where it is; absent: a folder that goes with it
 * @returns {Promise<RunningEtcd>}
 */
export async function startEtcd(more = [], data) {
  for (let tries = 0; tries < 5; tries++) {
    const started = await startOnce(more, data);
    if (started !== undefined) return started;
  }
  throw new Error('etcd has ended five times before it answered');
}

/** @param {readonly string[]} more @param {string | undefined} data @returns {Promise<RunningEtcd | undefined>} undefined: it has ended, as where somebody has its port */
async function startOnce(more, data) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-etcd-'));
  const [client, peer] = await freePorts(2);
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const child = spawn(
    'etcd',
    [
      ...['--data-dir', data ?? join(folder, 'data'), '--name', 'default', '--log-level', 'error'],
      ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `default=${peerUrl}`],
      ...more,
    ],
    { stdio: 'ignore' },
  );
  let isOver = false;
  const ended = once(child, 'exit').then(() => (isOver = true));
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (const end = performance.now() + patienceMs; !isOver && performance.now() < end;) {
    const answer = await fetch(`${clientUrl}/health`).then(
      (response) => response.text(),
      () => '',
    );
    // Who has taken its port might answer, too.
    if (answer.includes('"true"') && !isOver) return { endpoint: `127.0.0.1:${client}`, pid: child.pid ?? 0, close };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const isGone = isOver;
  await close();
  if (isGone) return undefined;
  throw new Error(`etcd has not started within ${patienceMs / 1000} seconds`);
}

/** What etcdctl is run with: it takes its time, too, where by itself it gives up after two seconds, or five. */
export const etcdctlEnvironment = Object.freeze({
  ...process.env,
  ETCDCTL_API: '3',
  ETCDCTL_DIAL_TIMEOUT: '60s',
  ETCDCTL_COMMAND_TIMEOUT: '60s',
});
