// @ts-check
/** The servers that programs are tried against: varve in its two forms, and a real etcd beside them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../run/root.mjs';

/** @typedef {'varve-etcd' | 'varve-serve' | 'etcd'} ServerName */

export const serverNames = /** @type {const} */ (['varve-etcd', 'varve-serve', 'etcd']);

/**
 * @param {ServerName} name @param {string} data @param {number} port
 * @returns {[string, string[]]}
 */
function commandOf(name, data, port) {
  const url = `http://127.0.0.1:${port}`;
  const dist = join(root, 'packages', 'cli', 'dist');
  const flags = ['--data-dir', data, '--listen-client-urls', url, '--advertise-client-urls', url];
  if (name === 'varve-etcd') return [process.execPath, [join(dist, 'etcd', 'bin-etcd.js'), ...flags]];
  if (name === 'varve-serve') {
    const listen = ['serve', '--data', data, '--listen', `127.0.0.1:${port}`];
    return [process.execPath, [join(dist, 'bin.js'), ...listen]];
  }
  return ['etcd', [...flags, '--listen-peer-urls', 'http://127.0.0.1:0']];
}

/** A server in a process of its own, over a folder that is gone with it. */
export class Server {
  /** @type {ServerName} */
  name;
  /** @type {number} */
  port;
  #data = mkdtempSync(join(tmpdir(), 'varve-programs-'));
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #log = '';

  /** @param {ServerName} name @param {number} port */
  constructor(name, port) {
    this.name = name;
    this.port = port;
  }

  /** What it has written so far. */
  get log() {
    return this.#log;
  }

  async start() {
    const [command, args] = commandOf(this.name, join(this.#data, 'store'), this.port);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.#log += text;
      });
    }
    await until(`${this.name} to be healthy`, 20_000, async () => {
      if (child.exitCode !== null) throw new Error(`${this.name} has ended with ${child.exitCode}:\n${this.#log}`);
      const health = await fetch(`http://127.0.0.1:${this.port}/health`);
      return health.ok;
    });
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal) {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'close');
  }

  async end() {
    await this.stop('SIGKILL');
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/**
 * Asks again and again until it is so. What `ask` rejects with counts as no, until the time is over.
 * @param {string} what @param {number} withinMs @param {() => Promise<boolean>} ask
 */
export async function until(what, withinMs, ask) {
  const end = performance.now() + withinMs;
  /** @type {unknown} */
  let last;
  for (;;) {
    try {
      if (await ask()) return;
      last = undefined;
    } catch (error) {
      last = error;
      if (error instanceof Error && error.message.includes('has ended')) throw error;
    }
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for ${what}`, { cause: last });
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}
