// @ts-check
/**
 * The ways to install our tarballs: npm, yarn 1 (`yarn`) and yarn 4 (`berry`, into node_modules).
 *
 * Yarn's Plug'n'Play is not among them: its stand-in for `node:fs` has no `sync` on a file handle, so no store can be opened.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { download, saysNoNetwork } from '../run/download.mjs';
import { catalogVersion, writeConsumer } from '../checks/lib/packing.mjs';
import { provide } from '../run/runtimes.mjs';

export const managers = /** @type {const} */ (['npm', 'yarn', 'berry']);

/** @typedef {typeof managers[number]} Manager */
/** @typedef {import('../checks/lib/packing.mjs').Packed} Packed */
/** @typedef {{ installed: true } | { absent: string } | { problem: string }} Installed */

/**
 * @param {Manager} manager
 * @param {string} folder empty
 * @param {readonly Packed[]} packed
 * @returns {Promise<Installed>}
 */
export async function install(manager, folder, packed) {
  // What users install besides: LevelDB's driver, and what the adapters are for.
  const beside = Object.fromEntries(['classic-level', 'keyv', 'unstorage'].map((name) => [name, catalogVersion(name)]));
  writeConsumer(folder, packed, manager === 'npm' ? 'overrides' : 'resolutions', beside);
  if (manager === 'npm') {
    const quiet = ['--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
    return ended(
      await download('npm', ['install', '--ignore-scripts', '--prefer-offline', ...quiet], inFolder(folder)),
    );
  }
  const provided = await provide(manager);
  if (!('program' in provided)) return provided;
  const { command, args } = provided.program;
  if (manager === 'yarn') {
    // A cache of its own: yarn 1 knows a tarball by name and version, and ours stay 0.0.0 while they change.
    const quiet = ['--no-lockfile', '--non-interactive', '--cache-folder', join(folder, '.yarn-cache')];
    return ended(await download(command, [...args, 'install', '--ignore-scripts', ...quiet], inFolder(folder)));
  }
  const settings = ['nodeLinker: node-modules', 'enableScripts: false', 'enableTelemetry: false'];
  // In CI yarn 4 refuses to make the lockfile that an empty folder does not have yet.
  writeFileSync(join(folder, '.yarnrc.yml'), [...settings, 'enableImmutableInstalls: false', ''].join('\n'));
  writeFileSync(join(folder, 'yarn.lock'), '');
  return ended(await download(command, [...args, 'install'], inFolder(folder)));
}

/** @param {string} cwd */
function inFolder(cwd) {
  return { quiet: true, cwd };
}

/** @param {{ code: number, output: string }} ended @returns {Installed} */
function ended({ code, output }) {
  if (code === 0) return { installed: true };
  return saysNoNetwork(output) ? { absent: output.trim() } : { problem: output.trim() };
}
