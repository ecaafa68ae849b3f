// @ts-check
/**
 * `look-image.mjs` as a process whose answers have a deadline: who never answers is ended, by its own id, and replaced.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../look-image.mjs', import.meta.url));

/** @typedef {{ code: string, text: string } | { revision: number, answer: string, warnings: readonly string[] }} Shown */

export class Looker {
  #deadlineMs;
  /** @type {ReturnType<typeof start> | undefined} */
  #running;

  /** @param {number} deadlineMs */
  constructor(deadlineMs) {
    this.#deadlineMs = deadlineMs;
  }

  /**
   * What a file holds; `hang` if there is no answer in time, `died` if the process ended.
   * @param {string} path
   * @returns {Promise<Shown | 'hang' | 'died'>}
   */
  async look(path) {
    this.#running ??= start();
    const late = new AbortController();
    const nothing = delay(this.#deadlineMs, /** @type {const} */ ('hang'), { signal: late.signal });
    nothing.catch(() => undefined); // it is not waited for any more
    const answer = await Promise.race([this.#running.ask(path), nothing]);
    late.abort();
    if (answer !== 'hang' && answer.done !== true) return JSON.parse(answer.value);
    this.end();
    return answer === 'hang' ? 'hang' : 'died';
  }

  end() {
    this.#running?.end();
    this.#running = undefined;
  }
}

function start() {
  const child = spawn(process.execPath, ['--max-old-space-size=512', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @param {string} path */
    ask(path) {
      child.stdin.write(`${path}\n`);
      return lines.next();
    },
    end() {
      child.kill('SIGKILL');
    },
  };
}
