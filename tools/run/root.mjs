// @ts-check
/** Where the repository is, and what its packages are. Read from disk on each call: the tools are short-lived. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder, without a trailing separator. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * The part of a package.json the tools look at.
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {string} [description]
 * @property {string} [license]
 * @property {string} [type]
 * @property {boolean} [sideEffects]
 * @property {string} [packageManager]
 * @property {string[]} [files]
 * @property {string | Record<string, string>} [bin]
 * @property {Record<string, string>} [exports]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [engines]
 * @property {{ access?: string }} [publishConfig]
 * @property {{ directory?: string }} [repository]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/**
 * @typedef {object} Package
 * @property {string} dir relative to the root, with forward slashes
 * @property {string} folder the last part of `dir`
 * @property {Manifest} manifest
 */

/**
 * @param {string} path relative to the root
 * @returns {any} whatever the file says
 */
export function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/**
 * The workspace's packages below one top folder, in name order.
 * @param {'packages' | 'tools' | 'examples'} top
 * @returns {Package[]}
 */
export function packagesIn(top) {
  if (!existsSync(join(root, top))) return [];
  return readdirSync(join(root, top))
    .filter((folder) => existsSync(join(root, top, folder, 'package.json')))
    .toSorted()
    .map((folder) => ({ dir: `${top}/${folder}`, folder, manifest: readJson(`${top}/${folder}/package.json`) }));
}

/**
 * The packages we publish.
 * @returns {Package[]}
 */
export function publishedPackages() {
  return packagesIn('packages').filter((one) => one.manifest.private !== true);
}

/**
 * The files with one of some endings below a folder, by their path in it. None when there is no such folder.
 * @param {string} folder relative to the root
 * @param {string[]} endings
 * @returns {Map<string, string>}
 */
export function textsBelow(folder, ...endings) {
  const base = join(root, folder);
  if (!existsSync(base)) return new Map();
  return new Map(
    filesBelow(base, '')
      .filter((path) => endings.some((ending) => path.endsWith(ending)))
      .toSorted()
      .map((path) => [path, readFileSync(join(base, path), 'utf8')]),
  );
}

/**
 * Paths of files, with slashes. What is installed is not looked into: its links lead from package to package without end.
 * @param {string} base @param {string} inside @returns {string[]}
 */
function filesBelow(base, inside) {
  return readdirSync(join(base, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(base, path);
    return entry.isFile() ? [path] : [];
  });
}
