// @ts-check
/** `varve serve` as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Of memory, on the machines that we use. */
const PAGE_BYTES = 4096;
const cli = createRequire(import.meta.url).resolve('@varve/cli/package.json');

/** @typedef {{ readonly address: string, readonly port: number, residentBytes(): Promise<number>, isAlive(): boolean, complaints(): string, close(): Promise<void> }} Served */

/** @param {readonly string[]} [store] where it keeps what it is given: in memory @returns {Promise<Served>} */
export async function serve(store = ['--engine', 'memory']) {
  const args = [join(cli, '..', 'dist', 'bin.js'), 'serve', ...store, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints = (complaints + text).slice(-100_000)));
  const ended = once(child, 'close');
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => Promise.reject(new Error(`varve serve has ended: ${complaints}`))),
  ]);
  const address = String(line).replace(/^.*http:\/\//, '');
  return {
    address,
    port: Number(address.split(':').at(-1)),
    residentBytes: async () => {
      // Asking the server would be one more thing that it has to do, and that its good client waits for.
      if (process.platform === 'linux') {
        return Number(readFileSync(`/proc/${child.pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
      }
      const page = await fetch(`http://${address}/metrics`, { headers: { connection: 'close' } });
      return Number(/^process_resident_memory_bytes (\S+)$/m.exec(await page.text())?.[1]);
    },
    isAlive: () => child.exitCode === null && child.signalCode === null,
    complaints: () => complaints,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
