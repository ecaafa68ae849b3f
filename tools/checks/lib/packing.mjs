// @ts-check
/**
 * The tarballs that users would get, and a folder elsewhere in which they are installed.
 *
 * PCK1  `pnpm pack` makes them from what is built; whoever calls this has built.
 * PCK2  Our packages come from the tarballs, others from the registry: with npm at the versions of our lockfile, with yarn
 *     at what our manifests ask for, as users get them.
 * PCK3  No install script runs: what needs one would not work for the users of several package managers.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../run/child.mjs';
import { publishedPackages, root } from '../../run/root.mjs';

/** @typedef {import('../../run/root.mjs').Package & { tarball: string }} Packed */

/**
 * Packs every published package into a folder.
 * @param {string} folder
 * @returns {Promise<{ packed: Packed[], problems: string[] }>}
 */
export async function packAll(folder) {
  const args = ['--filter', './packages/*', 'pack', '--pack-destination', folder];
  const { code, output } = await run('pnpm', args, { quiet: true });
  if (code !== 0) return { packed: [], problems: [output] };
  const packed = publishedPackages().map(({ dir, folder: short, manifest }) => {
    const file = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`;
    return { dir, folder: short, manifest, tarball: join(folder, file) };
  });
  const problems = packed
    .filter(({ tarball }) => !existsSync(tarball))
    .map(({ dir, tarball }) => `${dir}: pnpm pack made no ${tarball}`);
  return { packed: packed.filter(({ tarball }) => existsSync(tarball)), problems };
}

/**
 * Writes the package.json of a program that uses all of them.
 * @param {string} folder
 * @param {readonly Packed[]} packed
 * @param {'overrides' | 'resolutions'} field where the package manager looks for versions that must be used
 * @param {Readonly<Record<string, string>>} [beside] what the program installs besides
 */
export function writeConsumer(folder, packed, field, beside = {}) {
  const ours = tarballsOf(packed);
  // Yarn asks the registry for ours unless told, and yarn 1 installs whatever stands here, used or not; npm finds ours.
  const fixed = field === 'overrides' ? lockedVersions() : ours;
  const dependencies = { ...ours, ...beside };
  const manifest = { name: 'consumer', private: true, type: 'module', dependencies, [field]: fixed };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
}

/**
 * Writes the package.json of a program that depends on `@varve/kv` alone, as a user's first one does; what that needs of ours comes from
 * the tarballs. Versions of others are those that our manifests ask for.
 * @param {string} folder
 * @param {readonly Packed[]} packed
 * @param {'overrides' | 'resolutions' | 'workspace'} field where the package manager is told; `workspace`: in pnpm-workspace.yaml
 * @param {Readonly<Record<string, string>>} [beside] what the program installs besides
 */
export function writeFirstProgram(folder, packed, field, beside = {}) {
  const ours = tarballsOf(packed);
  const { '@varve/kv': kv = '', ...others } = ours;
  const dependencies = { '@varve/kv': kv, ...beside };
  const shape = { name: 'first-program', version: '1.0.0', private: true, type: 'module', dependencies };
  const told = field === 'workspace' ? {} : { [field]: field === 'resolutions' ? ours : others };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...shape, ...told }, undefined, 2));
  if (field !== 'workspace') return;
  const lines = Object.entries(others).map(([name, from]) => `  ${JSON.stringify(name)}: ${JSON.stringify(from)}\n`);
  // What is installed beside has a script that pnpm wants to be told about.
  const refused = Object.keys(beside).map((name) => `  ${name}: false\n`);
  const builds = refused.length === 0 ? '' : `allowBuilds:\n${refused.join('')}`;
  writeFileSync(join(folder, 'pnpm-workspace.yaml'), `overrides:\n${lines.join('')}${builds}`);
}

/** @param {readonly Packed[]} packed @returns {Record<string, string>} */
function tarballsOf(packed) {
  return Object.fromEntries(packed.map(({ manifest: { name }, tarball }) => [name, `file:${tarball}`]));
}

/** A version of our catalog, for what a program installs besides. @param {string} name */
export function catalogVersion(name) {
  const text = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  return new RegExp(`^ {2}'?${name}'?: (\\S+)$`, 'm').exec(text)?.[1] ?? '';
}

/** The versions of the lockfile, of packages that have only one there. */
function lockedVersions() {
  /** @type {Record<string, string | undefined>} */
  const versions = {};
  const section = /^packages:\n([^]*?)^snapshots:/m.exec(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'))?.[1] ?? '';
  for (const [, name = '', version] of section.matchAll(/^ {2}'?(@?[^@\s]+)@([^'\s]+?)'?:$/gm)) {
    versions[name] = Object.hasOwn(versions, name) ? undefined : version;
  }
  return versions;
}
