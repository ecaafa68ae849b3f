// @ts-check
/** Debian's etcd, for comparisons: one member in a folder of its own, on free ports of this machine. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-ports.mjs';

/** @param {string} program */
export function hasProgram(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/**
 * @param {readonly string[]} [more] options of its own
 * @param {string} [data] its data, which is left where it is; absent: a folder that goes with it
 * @returns {Promise<{ endpoint: string, pid: number, close: () => Promise<void> }>}
 */
export async function startEtcd(more = [], data) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-etcd-'));
  const [client, peer] = [await freePort(), await freePort()];
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
  const ended = once(child, 'exit');
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`${clientUrl}/health`).then(
      (response) => response.text(),
      () => '',
    );
    if (answer.includes('"true"')) return { endpoint: `127.0.0.1:${client}`, pid: child.pid ?? 0, close };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await close();
  throw new Error('etcd has not started within 15 seconds');
}
