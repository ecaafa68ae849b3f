// @ts-check
/**
 * Other programs that run JavaScript, and package managers: fetched with npm into `.tools`, at versions that were tried.
 *
 * RU1  Nothing global and no install script: each of these npm packages holds the program itself.
 * RU2  What cannot be fetched is told apart: no network (`absent`), or a real failure.
 * RU3  `node` is the Node that runs us, and a Node on PATH of the wanted major is not used: the versions are ours.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { download, saysNoNetwork } from './download.mjs';
import { root } from './root.mjs';

/** @typedef {{ name: string, package: string, version: string, program: string, args: readonly string[] }} Tool */
/** @typedef {{ command: string, args: readonly string[] }} Program how a program is started */
/** @typedef {{ program: Program } | { absent: string } | { problem: string }} Provided */

const here = `${process.platform}-${process.arch}`;

/** @type {readonly Tool[]} */
const tools = [
  // The oldest that `engines` admits.
  { name: 'node20.19', package: `node-${here}`, version: '20.19.0', program: 'bin/node', args: [] },
  { name: 'node22.12', package: `node-${here}`, version: '22.12.0', program: 'bin/node', args: [] },
  { name: 'node20', package: `node-${here}`, version: '20.20.2', program: 'bin/node', args: [] },
  { name: 'node22', package: `node-${here}`, version: '22.23.5', program: 'bin/node', args: [] },
  { name: 'node24', package: `node-${here}`, version: '24.22.3', program: 'bin/node', args: [] },
  { name: 'node26', package: `node-${here}`, version: '26.12.1', program: 'bin/node', args: [] },
  { name: 'bun', package: `@oven/bun-${here}`, version: '1.4.5', program: 'bin/bun', args: [] },
  { name: 'deno', package: `@deno/${here}-glibc`, version: '2.9.6', program: 'deno', args: ['run', '-A'] },
  { name: 'yarn', package: 'yarn', version: '1.22.22', program: 'bin/yarn.js', args: [] },
  { name: 'berry', package: '@yarnpkg/cli-dist', version: '4.18.1', program: 'bin/yarn.js', args: [] },
];

/** The names that `provide` knows. @returns {string[]} */
function knownTools() {
  return ['node', ...tools.map(({ name }) => name)];
}

/**
 * Makes a program available, fetching it once.
 * @param {string} name one of `knownTools()`
 * @returns {Promise<Provided>}
 */
export async function provide(name) {
  if (name === 'node') return { program: { command: process.execPath, args: [] } };
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) return { problem: `there is no ${name}: ${knownTools().join(', ')}` };
  const folder = join(root, '.tools', name);
  const inside = join(folder, 'node_modules', ...tool.package.split('/'));
  if (installedVersion(inside) !== tool.version) {
    const wanted = `${tool.package}@${tool.version}`;
    const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--fetch-retries=1', ...quiet, wanted];
    const { code, output } = await download('npm', args, { quiet: true });
    if (code !== 0) {
      const said = output.trim().split('\n').slice(0, 3).join('; ');
      return saysNoNetwork(output) || output.includes('E404') ? { absent: said } : { problem: said };
    }
  }
  const file = join(inside, ...tool.program.split('/'));
  if (!existsSync(file)) return { problem: `${tool.package}@${tool.version} holds no ${tool.program}` };
  const script = file.endsWith('.js');
  return { program: { command: script ? process.execPath : file, args: script ? [file] : tool.args } };
}

/** The folder to put first on PATH for a program to be the one that is found. @param {Program} program */
export function folderOf(program) {
  return dirname(program.command);
}

/** @param {string} folder of an installed package */
function installedVersion(folder) {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}
