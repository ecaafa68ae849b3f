// @ts-check
/**
 * Whether users can install what we would publish: `@varve/kv` out of its tarballs, with npm, pnpm 12, yarn 1 and yarn 4, as they install
 * by default (R129, decisions/0038).
 *
 *     node tools/checks/installs.mjs [--level]     --level: with classic-level beside, as every install was before decisions/0038
 *
 * ISC1  Exit code 0, no install script, nothing native, nothing built; then the program of the README's first lines runs, and LevelDB is
 *     said to be absent. With --level it is there: found by name, however a package manager lays out node_modules.
 * ISC2  Scripts are not switched off: what runs at a user's runs here.
 * ISC3  What cannot be fetched because there is no network is left out, and said.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interrupted, leave, run } from '../run/child.mjs';
import { flagsOf } from '../run/flags.mjs';
import { download, saysNoNetwork } from '../run/download.mjs';
import { provide } from '../run/runtimes.mjs';
import { burdens, installedIn } from './lib/installed.mjs';
import { catalogVersion, packAll, writeFirstProgram } from './lib/packing.mjs';

const usage = `node tools/checks/installs.mjs [--level]
  installs @varve/kv from its tarballs with npm, pnpm and yarn; --level: with classic-level beside, and its script refused to pnpm`;
const { flags } = flagsOf(usage, { level: { type: 'boolean', default: false } });
/** @type {Record<string, string>} */
const beside = flags.level ? { 'classic-level': catalogVersion('classic-level') } : {};

/** @typedef {{ problem: string } | { absent: string } | { version: string }} Outcome */
/** @typedef {import('./lib/packing.mjs').Packed} Packed */

const first = `import { level, open } from '@varve/kv';
const kv = await open('./data');
const { revision } = await kv.put('a', '1');
await kv.put('a', '2');
console.log((await kv.at(revision).get('a'))?.value, (await kv.get('a'))?.value);
await kv.close();
await open(level('./level')).then((other) => other.close()).then(() => console.log('level'), (error) => console.log(error.code));
`;

const folder = mkdtempSync(join(tmpdir(), 'varve-installs-'));
/** @type {string[]} */
const problems = [];
try {
  const { packed, problems: unpacked } = await packAll(folder);
  problems.push(...unpacked);
  const shipped = neededByKv(packed);
  const bytes = shipped.reduce((sum, { tarball }) => sum + statSync(tarball).size, 0);
  console.log(`tarballs of @varve/kv and the ${shipped.length - 1} packages of ours below it: ${kilobytes(bytes)}`);
  for (const manager of /** @type {const} */ (['npm', 'pnpm', 'yarn', 'berry'])) {
    if (interrupted()) break;
    const place = join(folder, `with-${manager}`);
    mkdirSync(place);
    const outcome = await install(manager, place, shipped);
    if ('absent' in outcome) console.log(`Left out: ${manager} cannot be fetched here (${outcome.absent})`);
    else if ('problem' in outcome) problems.push(`${manager}: ${outcome.problem}`);
    else await inspect(`${manager} ${outcome.version}`, place);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.log(problem);
leave(problems.length === 0 ? 0 : 1);

/** @param {string} manager @param {string} place */
async function inspect(manager, place) {
  const installed = installedIn(place);
  const { packages, bytes, scripts, addons } = installed;
  console.log(
    `${manager}: ${packages.length} packages, ${kilobytes(bytes)} in node_modules, ${scripts.length} install scripts, ${addons.length} native files`,
  );
  if (!flags.level) problems.push(...burdens(installed).map((burden) => `${manager}: the install ${burden}`));
  writeFileSync(join(place, 'first.mjs'), first);
  const { code, output } = await run('node', ['first.mjs'], { quiet: true, cwd: place });
  const said = flags.level ? '1 2\nlevel' : '1 2\nBACKEND_UNAVAILABLE';
  if (code !== 0 || output.trim() !== said) problems.push(`${manager}: the first program ends with ${code}\n${output}`);
}

/** @param {'npm' | 'pnpm' | 'yarn' | 'berry'} manager @param {string} place @param {readonly Packed[]} packed @returns {Promise<Outcome>} */
async function install(manager, place, packed) {
  const fields = /** @type {const} */ ({
    npm: 'overrides',
    pnpm: 'workspace',
    yarn: 'resolutions',
    berry: 'resolutions',
  });
  writeFirstProgram(place, packed, fields[manager], beside);
  let command = /** @type {string} */ (manager);
  /** @type {string[]} */
  let args = ['--no-package-lock', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  /** @type {readonly string[]} */
  let before = [];
  if (manager === 'pnpm')
    args = ['--prefer-offline', '--no-frozen-lockfile', '--store-dir', join(place, '.pnpm-store')];
  if (manager === 'yarn' || manager === 'berry') {
    const provided = await provide(manager);
    if (!('program' in provided)) return provided;
    ({ command, args: before } = provided.program);
    // Caches of their own: they know a tarball by name and version, and ours stay 0.0.0 while they change.
    args =
      manager === 'yarn' ? ['--no-lockfile', '--non-interactive', '--cache-folder', join(place, '.yarn-cache')] : [];
    if (manager === 'berry') {
      const settings = ['nodeLinker: node-modules', 'enableTelemetry: false', 'enableImmutableInstalls: false'];
      writeFileSync(join(place, '.yarnrc.yml'), [...settings, 'enableGlobalCache: false', ''].join('\n'));
      writeFileSync(join(place, 'yarn.lock'), '');
    }
  }
  const { code, output } = await download(command, [...before, 'install', ...args], { quiet: true, cwd: place });
  if (code !== 0 && saysNoNetwork(output)) return { absent: output.trim().split('\n')[0] ?? '' };
  if (code !== 0) return { problem: `the install ends with code ${code}\n${output.trim()}` };
  const { output: version } = await run(command, [...before, '--version'], { quiet: true, cwd: tmpdir() });
  return { version: version.trim() };
}

/** `@varve/kv` and what it needs of ours. @param {readonly Packed[]} packed */
function neededByKv(packed) {
  const needed = new Set(['@varve/kv']);
  for (const name of needed) {
    const one = packed.find(({ manifest }) => manifest.name === name);
    if (one === undefined) continue;
    const text = execFileSync('tar', ['-xzOf', one.tarball, 'package/package.json'], { encoding: 'utf8' });
    for (const other of Object.keys(JSON.parse(text).dependencies ?? {}))
      if (other.startsWith('@varve/')) needed.add(other);
  }
  return packed.filter(({ manifest }) => needed.has(manifest.name));
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
