// @ts-check
/**
 * The mirror as a process of its own, killed and started again, and what it said of itself meanwhile.
 *
 * RDM1  A process that ended by itself is a failure, and stays one.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('mirror-child.mjs', import.meta.url));

/**
 * @typedef {object} Said
 * @property {import('@varve/mirror').MirrorStatus} [status]
 * @property {import('@varve/mirror').Fenced} [fenced]
 * @property {string} [failed]
 * @property {boolean} [closed]
 */

export class MirrorProcess {
  /** Of the process that runs now. @type {import('@varve/mirror').MirrorStatus | undefined} */
  status;
  /** The farthest behind that any of them said to be while it followed. */
  mostBehind = 0;
  /** Changes followed and copies begun by all of them. */
  events = 0;
  copies = 0;
  #args;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {string | undefined} */
  #failure;
  /** @type {((said: Said) => void) | undefined} */
  #hear;

  /** @param {string} from @param {string} to @param {number} maxOps */
  constructor(from, to, maxOps) {
    this.#args = [from, to, String(maxOps)];
    this.start();
  }

  start() {
    this.status = undefined;
    const child = fork(program, this.#args);
    this.#child = child;
    // What one that was killed had still to say is not of the one that runs now.
    child.on('message', (/** @type {Said} */ said) => this.#child === child && this.#heard(said));
    child.on('exit', (code) => this.#child === child && this.#fail(`the mirror's process ended with ${code}`));
  }

  async kill() {
    const child = this.#child;
    this.#child = undefined;
    this.#count();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** @param {'fence' | 'close'} what @returns {Promise<Said>} its answer */
  ask(what) {
    return new Promise((resolve, reject) => {
      this.#hear = (said) => {
        if (said.failed !== undefined) reject(new Error(said.failed));
        else if (said.fenced !== undefined || said.closed !== undefined) resolve(said);
      };
      if (this.#failure === undefined) this.#child?.send({ [what]: true });
      else reject(new Error(this.#failure));
    });
  }

  /** Waits until the process that runs now says so of itself. @param {(status: import('@varve/mirror').MirrorStatus) => boolean} holds */
  async until(holds) {
    while (this.status === undefined || !holds(this.status)) {
      this.throwIfFailed();
      await pause(20);
    }
  }

  throwIfFailed() {
    if (this.#failure !== undefined) throw new Error(this.#failure);
  }

  /** @param {Said} said */
  #heard(said) {
    if (said.status !== undefined) {
      this.status = said.status;
      if (said.status.phase === 'following') this.mostBehind = Math.max(this.mostBehind, said.status.behind);
    }
    if (said.failed !== undefined) this.#fail(said.failed);
    this.#hear?.(said);
  }

  /** @param {string} failure */
  #fail(failure) {
    this.#failure ??= failure;
    this.#hear?.({ failed: failure });
  }

  #count() {
    this.events += this.status?.events ?? 0;
    this.copies += this.status?.copies ?? 0;
  }
}
