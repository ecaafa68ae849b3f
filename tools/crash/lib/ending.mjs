// @ts-check
/**
 * Why the workload ended, for who finds it gone: a soak runs for hours, and what it said last may be read by nobody.
 *
 * EN1  Every end that the process sees is one line of JSON in the file `ended` of the store's folder: when, which process,
 *     exit code, and the error with its stack and its causes. Killed processes write nothing.
 * EN2  Whatever nobody caught is told as `error CODE text` like any other error, and on standard error with its stack.
 */
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { sayError } from './lines.mjs';

/** A file of this size is begun anew: a workload is started again and again. */
const mostBytes = 1 << 20;

export class Ending {
  /** @type {string | undefined} */
  #path;
  /** @type {unknown[]} */
  #causes = [];

  constructor() {
    process.on('uncaughtException', (error, origin) => this.#isOver(error, origin));
    process.on('exit', (code) => this.#keep(code));
  }

  /** From now on it can be written down. @param {string} directory the store's folder */
  keepIn(directory) {
    this.#path = join(directory, 'ended');
  }

  /** What is going to end the process. @param {unknown} cause */
  because(cause) {
    this.#causes.push(cause);
  }

  /**
   * @param {unknown} error
   * @param {string} origin `uncaughtException` or `unhandledRejection`
   */
  #isOver(error, origin) {
    this.because(error);
    try {
      process.stderr.write(`${origin}: ${inspect(error)}\n`);
      sayError(error);
    } catch (second) {
      this.because(second);
    }
    process.exit(1);
  }

  /** @param {number} code */
  #keep(code) {
    if (this.#path === undefined) return;
    const causes = this.#causes.map((cause) => inspect(cause, { depth: 4 }));
    const line = `${JSON.stringify({ at: new Date().toISOString(), pid: process.pid, code, causes })}\n`;
    const length = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (length > mostBytes) writeFileSync(this.#path, line);
    else appendFileSync(this.#path, line);
  }
}
