// @ts-check
/**
 * What a reader of the page would do at a terminal, in a folder.
 *
 * RDC1  A command that goes on, such as an etcd, has a group of its own, which is ended as a whole, by its id.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { etcdctlEnvironment } from '../../conformance/lib/grpc/etcd.mjs';

const env = etcdctlEnvironment;
const installed = fileURLToPath(new URL('../node_modules', import.meta.url));

/** @param {string} folder @param {string} code @returns {Promise<string>} what it printed */
export async function shell(folder, code) {
  const { stdout } = await promisify(execFile)('bash', ['-euc', code], { cwd: folder, env });
  return stdout;
}

/** A program of the page, beside the packages that it imports. @param {string} folder @param {string} name @param {string} code */
export async function program(folder, name, code) {
  writeFileSync(join(folder, name), code);
  const { stdout } = await promisify(execFile)(process.execPath, [name], { cwd: folder, env });
  return stdout;
}

/** A folder in which programs find the packages. @param {string} folder */
export function install(folder) {
  symlinkSync(installed, join(folder, 'node_modules'));
}

/** What goes on until it is ended. @param {string} folder @param {string} code */
export function startShell(folder, code) {
  const child = spawn('bash', ['-euc', code], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-2000)));
  const gone = once(child, 'exit');
  return {
    said: () => said,
    async end() {
      if (child.pid === undefined || child.exitCode !== null) return;
      process.kill(-child.pid, 'SIGKILL');
      await gone;
    },
  };
}

/** @param {string} name @param {string} argument @returns {Promise<string | undefined>} its version, or `undefined` where it is not installed */
export async function versionOf(name, argument) {
  try {
    const { stdout } = await promisify(execFile)(name, [argument], { env });
    return /version: (\d+\.\d+\.\d+)/i.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
