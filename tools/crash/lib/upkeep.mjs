// @ts-check
/**
 * What goes on beside the writes: compactions, defragmentations, backups to a folder beside the store.
 *
 * UP1  One at a time, never awaited by the writer. A failure of one is told on standard error and is not the store's end:
 *     if it is, the next write says so.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './lines.mjs';

const compactEvery = 50;
const defragEvery = 200;
const backupEvery = 330;
/** Revisions that a compaction leaves readable. */
const kept = 20;

export class Upkeep {
  /** @type {import('./target.mjs').Target} */
  #target;
  #folder;
  #running = Promise.resolve();

  /**
   * @param {import('./target.mjs').Target} target
   * @param {string} directory the store's folder
   */
  constructor(target, directory) {
    this.#target = target;
    this.#folder = `${directory.replace(/[\\/]+$/, '')}.backups`;
  }

  /**
   * Transaction `seq` was acknowledged.
   * @param {number} seq
   * @param {number} revision
   */
  after(seq, revision) {
    if (seq % compactEvery === 0 && revision > kept)
      this.#begin('compact', () => this.#target.compact(revision - kept));
    if (seq % defragEvery === 0) this.#begin('defrag', () => this.#target.defrag());
    if (seq % backupEvery === 0) this.#begin('backup', () => this.#backup(seq));
  }

  /** Resolves when nothing is under way. */
  ended() {
    return this.#running;
  }

  /**
   * @param {string} what
   * @param {() => Promise<void>} work
   */
  #begin(what, work) {
    this.#running = this.#running.then(work).catch((error) => {
      process.stderr.write(`${what}: ${codeOf(error)} ${error instanceof Error ? error.message : ''}\n`);
    });
  }

  /** @param {number} seq */
  async #backup(seq) {
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `${seq}.db`);
    rmSync(path, { force: true });
    try {
      await this.#target.backup(path);
    } finally {
      rmSync(path, { force: true });
    }
  }
}
