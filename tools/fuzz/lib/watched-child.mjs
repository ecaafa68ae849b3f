// @ts-check
/**
 * The process that opens hostile stores, watched from outside: what hangs or swells is ended, and another one goes on.
 *
 * A call has its time of the processor, so that a busy machine or a slow disk is not taken for a hang, and five times that by
 * the clock.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const lookMs = 50;
const patience = 5;
/** Of the system's clock in /proc. */
const ticksPerSecond = 100;

/**
 * @typedef {import('./child.mjs').Task} Task
 * @typedef {import('./child.mjs').Ended} Ended
 * @typedef {{ ended: readonly Ended[], peak: number, fault?: string }} Verdict
 */

export class WatchedChild {
  /** The process, once there is one. @type {import('node:child_process').ChildProcess[]} */
  #running = [];
  #limitMs;
  #growth;

  /** @param {number} limitMs of a call @param {number} growth bytes that the process may grow by, over what the task allows */
  constructor(limitMs, growth) {
    this.#limitMs = limitMs;
    this.#growth = growth;
  }

  /** @param {Task} task @param {number} allowed bytes in addition to the growth @returns {Promise<Verdict>} */
  async run(task, allowed) {
    const child = this.#running[0] ?? (await started());
    this.#running = [child];
    const limit = this.#growth + allowed;
    const before = residentBytes(child.pid);
    return new Promise((resolve) => {
      let call = 'nothing';
      let since = performance.now();
      let used = processorMs(child.pid);
      /** @type {Ended[]} */
      const none = [];
      let stray = '';
      const finish = (/** @type {Verdict} */ verdict) => {
        clearInterval(look);
        child.removeAllListeners('message');
        child.removeAllListeners('exit');
        if (verdict.fault !== undefined) this.end();
        resolve(stray === '' ? verdict : { ...verdict, fault: `${verdict.fault ?? ''} unhandled: ${stray}` });
      };
      const look = setInterval(() => {
        const grown = residentBytes(child.pid) - before;
        const ms = Math.max(processorMs(child.pid) - used, (performance.now() - since) / patience);
        if (ms > this.#limitMs)
          finish({ ended: none, peak: grown, fault: `${call}: no answer after ${Math.round(ms)} ms` });
        else if (grown > limit) finish({ ended: none, peak: grown, fault: `${call}: ${grown} bytes of memory` });
      }, lookMs);
      child.on(
        'message',
        (/** @type {{ call?: string, stray?: string, ended?: Ended[], peak?: number }} */ message) => {
          if (message.call !== undefined) ({ call } = message);
          if (message.stray !== undefined) ({ stray } = message);
          since = performance.now();
          used = processorMs(child.pid);
          const { ended, peak = 0 } = message;
          if (ended === undefined) return;
          const raw = ended.find(({ outcome }) => outcome.startsWith('RAW'));
          if (raw !== undefined) finish({ ended, peak, fault: `${raw.call}: ${raw.outcome}` });
          else if (peak > limit) finish({ ended, peak, fault: `${peak} bytes of memory` });
          else finish({ ended, peak });
        },
      );
      child.on('exit', (code, signal) =>
        finish({ ended: none, peak: 0, fault: `${call}: the process ended (${code ?? signal})` }),
      );
      child.send(task);
    });
  }

  end() {
    for (const child of this.#running) child.kill('SIGKILL');
    this.#running = [];
  }
}

async function started() {
  const child = fork(join(import.meta.dirname, 'child.mjs'), {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error('the child did not start')));
  });
  child.removeAllListeners('exit');
  return child;
}

/** @param {number | undefined} pid */
function residentBytes(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  } catch {
    return 0;
  }
}

/** Time that the process has had. @param {number | undefined} pid */
function processorMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  } catch {
    return 0;
  }
}
