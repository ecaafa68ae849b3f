// @ts-check
/** Clusters that the page's commands make of a snapshot, each machine of it a folder and an address of the loopback. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, connect } from '@varve/etcd';
import { freePorts } from '@varve/base/node/free-ports';
import { startShell } from './commands.mjs';

const names = ['a', 'b', 'c'];

/**
 * @param {import('./guide.mjs').Guide} guide
 * @param {string} snapshot
 * @param {string} folder of the whole cluster, made here
 * @param {1 | 3} members
 * @param {Partial<import('@varve/etcd').ConnectOptions>} [options] of a client, to see whether it is there
 */
export async function restored(guide, snapshot, folder, members, options = {}) {
  const [client, peer] = await freePorts(2);
  const places = { '10.0.0.': '127.0.0.', ':2379': `:${client}`, ':2380': `:${peer}` };
  const machines = names.slice(0, members).map((name, i) => {
    const machine = join(folder, name);
    mkdirSync(machine, { recursive: true });
    copyFileSync(snapshot, join(machine, 'all.db'));
    const own = { 'NAME=a ADDRESS=10.0.0.1': `NAME=${name} ADDRESS=10.0.0.${i + 1}` };
    return startShell(machine, guide.fence(members === 1 ? 'one' : 'three', { ...own, ...places }));
  });
  const end = async () => {
    await Promise.all(machines.map((machine) => machine.end()));
  };
  const name = `etcd://${machines.map((_, i) => `127.0.0.${i + 1}:${client}`).join()}`;
  const open = () => connect(name, { timeoutMs: 60_000, ...options, key: bytes, value: bytes });
  try {
    await (await open()).close();
  } catch (error) {
    await end();
    throw new Error(machines.map((machine) => machine.said()).join('\n'), { cause: error });
  }
  return { name, places, open, end };
}
