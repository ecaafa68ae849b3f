// @ts-check
/**
 * What an install has put into `node_modules`: how much, and what in it runs or is native.
 *
 * ISD1  A package is a folder with a package.json that says a name and a version, below a `node_modules`. Links are not followed, so
 *     what a package manager links into place is counted once.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * @typedef {object} Installed
 * @property {readonly string[]} packages `name@version`, in order, each once
 * @property {number} bytes of all files, as they are long
 * @property {readonly string[]} scripts `name@version: which` runs something when it is installed
 * @property {readonly string[]} addons paths of native code, and of what would be compiled
 */

/** What npm runs of a package when it is installed as a dependency. */
const ran = ['preinstall', 'install', 'postinstall'];
const native = /(\.node|^binding\.gyp)$/;

/** @param {string} folder where the package.json of the program is @returns {Installed} */
export function installedIn(folder) {
  const top = join(folder, 'node_modules');
  /** @type {Set<string>} */
  const packages = new Set();
  /** @type {Set<string>} */
  const scripts = new Set();
  /** @type {string[]} */
  const addons = [];
  let bytes = 0;
  /** @param {string} path */
  const walk = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) walk(inner);
      else if (entry.isFile()) {
        bytes += lstatSync(inner).size;
        if (native.test(entry.name)) addons.push(relative(top, inner));
        if (entry.name === 'package.json') look(inner);
      }
    }
  };
  /** @param {string} path of a package.json */
  const look = (path) => {
    if (!/node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+[\\/]package\.json$/.test(path)) return;
    const { name, version, scripts: own = {} } = JSON.parse(readFileSync(path, 'utf8'));
    if (name === undefined || version === undefined) return;
    packages.add(`${name}@${version}`);
    for (const which of ran) if (own[which] !== undefined) scripts.add(`${name}@${version}: ${which}`);
  };
  walk(top);
  return { packages: [...packages].toSorted(), bytes, scripts: [...scripts].toSorted(), addons: addons.toSorted() };
}

/** Why an install is not what `@varve/kv` promises: no script, nothing native. @param {Installed} installed @returns {string[]} */
export function burdens({ scripts, addons }) {
  return [
    ...scripts.map((which) => `runs a script when it is installed: ${which}`),
    ...addons.map((path) => `is native code: ${path}`),
  ];
}
