// @ts-check
/**
 * Child processes: run to their end, quiet when all is well, and never left behind.
 *
 * CHL1  While a child runs, SIGINT, SIGTERM and SIGHUP go to it, and we outlive it by one step: see `leave`.
 * CHL2  What a quiet child printed is shown only when it fails.
 * CHL3  A child in a group of its own takes all it started with it when it ends: a test that spins in a worker cannot
 *     answer anything milder. A child that shares our terminal shares our group instead, and reads the keyboard.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { root } from './root.mjs';

/** npm and pnpm are `.cmd` files on Windows, which only a shell starts; and there are no process groups. */
const windows = process.platform === 'win32';

/** How long a child has to end after a signal, before its group is killed. */
const graceMs = 5000;

/** @typedef {{ code: number, output: string }} Ended */

/** The signal somebody sent us, if any. @type {NodeJS.Signals | undefined} */
let received;

/**
 * Runs a program to its end.
 * @param {string} command a program on PATH, or `node` for the Node that runs us
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, group?: boolean, cwd?: string, env?: Record<string, string | undefined> }} [options] quiet: keep the
 *   output, do not print it; group: in a process group of its own, as quiet children always are
 * @returns {Promise<Ended>} code is 128 + n when a signal ended it, 127 when there is no such program
 */
export function run(command, args, options = {}) {
  const { quiet = false, cwd = root, env = {} } = options;
  const group = (quiet || options.group === true) && !windows;
  const self = command === 'node';
  return new Promise((resolve) => {
    const child = spawn(self ? process.execPath : command, args, {
      cwd,
      env: { ...process.env, ...(quiet ? { NO_COLOR: '1', FORCE_COLOR: undefined } : {}), ...env },
      stdio: [group ? 'ignore' : 'inherit', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      shell: windows && !self,
      detached: group,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    /** @param {NodeJS.Signals} signal */
    const send = (signal) => {
      if (!group) return child.kill(signal);
      try {
        return child.pid !== undefined && process.kill(-child.pid, signal);
      } catch {
        return false; // nobody is left in it
      }
    };
    /** @type {NodeJS.Timeout | undefined} */
    let grace;
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      received = signal;
      // A terminal sends Ctrl-C to all of our group: a child in it has heard.
      if (group || signal !== 'SIGINT' || !process.stdin.isTTY) send(signal);
      grace ??= setTimeout(send, graceMs, 'SIGKILL');
    };
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, forward);
    /** @param {Ended} ended */
    const settle = (ended) => {
      clearTimeout(grace);
      for (const signal of signals) process.off(signal, forward);
      resolve(ended);
    };
    child.on('error', (error) => settle({ code: 127, output: `${command}: ${error.message}\n` }));
    child.on('exit', () => group && send('SIGKILL'));
    child.on('close', (code, signal) =>
      settle({
        code: signal ? 128 + constants.signals[signal] : (code ?? 1),
        // Some colour their output for CI whatever NO_COLOR says.
        output: stripVTControlCharacters(output),
      }),
    );
  });
}

/**
 * Ends this process as its child ended: with its code, or by the signal we were sent.
 * @param {number} code
 */
export function leave(code) {
  process.exitCode = code;
  if (received !== undefined) process.kill(process.pid, received);
}

/** Whether somebody asked us to stop. */
export function interrupted() {
  return received !== undefined;
}

/**
 * One step of work, as one line: what, then how long. Prints the output of a failed one.
 * @template {Ended} T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  process.stdout.write(`  ${what} `);
  const start = performance.now();
  const ended = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (ended.code === 0) {
    process.stdout.write(`${seconds} s\n`);
  } else if (interrupted()) {
    process.stdout.write('stopped\n');
  } else {
    process.stdout.write(`FAILED after ${seconds} s\n\n${indent(ended.output.trimEnd())}\n\n`);
  }
  return ended;
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^(?=.)/gm, '    ');
}
