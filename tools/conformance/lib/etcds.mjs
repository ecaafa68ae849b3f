// @ts-check
/**
 * Clusters of real etcds, of the binary that Debian has: started, killed, paused, brought back and ended.
 *
 * ECL1  Everything is on the loopback, on free ports, below one folder, and gone afterwards: members are ended by their own process ids.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '@varve/base/node/free-ports';

/** In memory where there is such a place: what is tried is the protocol, not the disk. */
export function newFolder() {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'varve-etcds-'));
}

export class EtcdCluster {
  /** `host:port` of each member. @type {readonly string[]} */
  endpoints;
  /** @type {readonly string[][]} */
  #arguments;
  /** @type {(import('node:child_process').ChildProcess | undefined)[]} */
  #members = [];
  #folder;
  #ended = false;

  /** @param {string} folder @param {string[][]} args @param {readonly string[]} endpoints */
  constructor(folder, args, endpoints) {
    this.#folder = folder;
    this.#arguments = args;
    this.endpoints = endpoints;
    for (const [i] of args.entries()) this.start(i);
  }

  /**
   * @param {number} count of members
   * @param {{ more?: readonly string[], secure?: boolean }} [options] more: arguments of each member
   */
  static async start(count, { more = [], secure = false } = {}) {
    const folder = newFolder();
    const ports = await freePorts(2 * count);
    const peers = ports.slice(count).map((port) => `http://127.0.0.1:${port}`);
    const endpoints = ports.slice(0, count).map((port) => `127.0.0.1:${port}`);
    const initial = peers.map((url, i) => `m${i}=${url}`).join();
    const args = endpoints.map((endpoint, i) => {
      const url = `${secure ? 'https' : 'http'}://${endpoint}`;
      return [
        ...['--name', `m${i}`, '--data-dir', join(folder, `m${i}`), '--initial-cluster', initial],
        ...['--listen-client-urls', url, '--advertise-client-urls', url, '--initial-cluster-state', 'new'],
        ...['--listen-peer-urls', peers[i] ?? '', '--initial-advertise-peer-urls', peers[i] ?? ''],
        ...['--heartbeat-interval', '50', '--election-timeout', '500', '--logger', 'zap', '--log-level', 'error'],
        ...more,
      ];
    });
    return new EtcdCluster(folder, args, endpoints);
  }

  /** The name that a client is given. */
  get name() {
    return /** @type {const} */ (`etcd://${this.endpoints.join()}`);
  }

  /** @param {number} member brought up, or back with its data @param {readonly string[]} [more] arguments, this time */
  start(member, more = []) {
    if (this.#ended) return;
    const child = spawn('etcd', [...(this.#arguments[member] ?? []), ...more], { stdio: 'ignore' });
    this.#members[member] = child;
    // Somebody may have had its port for a moment.
    child.once('exit', () => setTimeout(() => this.#members[member] === child && this.start(member, more), 200));
  }

  /** @param {number} member which is killed, and loses what it has */
  async wipe(member) {
    await this.kill(member);
    rmSync(join(this.#folder, `m${member}`), { recursive: true, force: true });
  }

  /** @param {number} member killed without a word; resolves when it is gone */
  async kill(member) {
    const child = this.#members[member];
    this.#members[member] = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** @param {number} member stopped, so that it neither answers nor goes away */
  pause(member) {
    this.#members[member]?.kill('SIGSTOP');
  }

  /** @param {number} member */
  resume(member) {
    this.#members[member]?.kill('SIGCONT');
  }

  async end() {
    this.#ended = true;
    await Promise.all(this.endpoints.map((_, i) => this.kill(i)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
