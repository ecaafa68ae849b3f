// @ts-check
/**
 * The page that tells users the way, as something that is run: its fences by name, which stands behind their language.
 *
 * RDG1  A command is run as it stands on the page, but for addresses and ports, which become free ones of this machine.
 * RDG2  A fence that nothing has run is told: what a reader is shown has been done.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../run/root.mjs';

const page = 'docs/guide/leaving.md';

export class Guide {
  /** @type {ReadonlyMap<string, string>} */
  #fences;
  /** @type {Set<string>} */
  #used = new Set();

  constructor() {
    const text = readFileSync(join(root, page), 'utf8');
    const found = text.matchAll(/^```(?:sh|js) (\S+)\n(.*?)^```$/gms);
    this.#fences = new Map([...found].map(([, name = '', code = '']) => [name, code]));
  }

  /**
   * @param {string} name
   * @param {Readonly<Record<string, string>>} places what stands on the page, and what it is here
   */
  fence(name, places = {}) {
    let code = this.#fences.get(name);
    if (code === undefined) throw new Error(`${page} has no fence ${name}`);
    this.#used.add(name);
    for (const [there, here] of Object.entries(places)) code = code.replaceAll(there, here);
    return code;
  }

  /** The names of those that nothing has run. */
  unused() {
    return [...this.#fences.keys()].filter((name) => !this.#used.has(name));
  }
}
