// @ts-check
/**
 * The ts fences of our Markdown files.
 *
 * FN1  A fence is a whole program. `continued` after the language appends it to the fence before it.
 * FN2  `no-run` after the language: type-checked, not run. What runs is run as it stands, so it is JavaScript (programs.mjs).
 * FN3  A program keeps the line numbers of its Markdown file, so every message points at the line a reader sees.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn, root } from '../run/root.mjs';

/**
 * @typedef {object} Fence
 * @property {string} document the Markdown file, relative to the root
 * @property {number} line of the first line of code
 * @property {boolean} run
 * @property {string} code with empty lines in front, see FN3
 */

/** The files whose fences are examples. */
export function documents() {
  const all = [...packagesIn('packages'), ...packagesIn('examples')].map(({ dir }) => `${dir}/README.md`);
  return ['README.md', 'ARCHITECTURE.md', ...all].filter((path) => existsSync(join(root, path)));
}

/**
 * Every example of every document.
 * @returns {Fence[]}
 */
export function allFences() {
  return documents().flatMap((path) => readFences(path, readFileSync(join(root, path), 'utf8')));
}

/**
 * @param {string} document
 * @param {string} text
 * @returns {Fence[]}
 */
export function readFences(document, text) {
  /** @type {Fence[]} */
  const fences = [];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const open = /^( *)(`{3,}|~{3,})\s*([^\s`]*)(.*)$/.exec(lines[at] ?? '');
    if (open === null) continue;
    const [, indent = '', mark = '', language, rest = ''] = open;
    const start = at + 1;
    const closing = new RegExp(`^ *${mark}${mark[0]}*\\s*$`);
    do at += 1;
    while (at < lines.length && !closing.test(lines[at] ?? ''));
    if (language !== 'ts' && language !== 'typescript') continue;

    const words = rest.trim().split(/\s+/).filter(Boolean);
    const unknown = words.find((word) => word !== 'no-run' && word !== 'continued');
    if (unknown !== undefined)
      throw new Error(`${document}:${start}: a ts fence knows no-run and continued, not ${unknown}`);
    const body = lines.slice(start, at).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    const previous = fences.at(-1);
    if (words.includes('continued')) {
      if (previous === undefined) throw new Error(`${document}:${start}: there is no fence to continue`);
      const gap = start - previous.code.split('\n').length;
      previous.code += '\n'.repeat(gap + 1) + body.join('\n');
      previous.run &&= !words.includes('no-run');
    } else {
      fences.push({
        document,
        line: start + 1,
        run: !words.includes('no-run'),
        code: '\n'.repeat(start) + body.join('\n'),
      });
    }
  }
  return fences;
}
