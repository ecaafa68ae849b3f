// @ts-check
/** One program, run to its end or for so long, with all it printed. */
import { spawn } from 'node:child_process';

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, output: string }} Ran output: both streams, as they came */

/**
 * @param {import('./runtimes.mjs').Program} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, limitMs: number }} options after `limitMs` it is killed, and `signal` is SIGKILL
 * @returns {Promise<Ran>}
 */
export function runLimited(program, args, { cwd, limitMs }) {
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(program.command, [...program.args, ...args], {
      cwd,
      env: { ...env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, output });
    });
  });
}
