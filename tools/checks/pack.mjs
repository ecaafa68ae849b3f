// @ts-check
/**
 * What users would get (R132): packs every package, looks into the tarballs, installs them in a folder elsewhere, and uses them there.
 *
 * PC1  Only the tarballs count from then on: no workspace link, no source, plain Node.
 * PC2  Each export is loaded with `import` and with `require`, each README example is compiled against the shipped
 *     declarations (which are checked, too) and run, each program of a package answers `--help`.
 * PC3  `@varve/kv` alone brings no install script and no native code (R129, decisions/0038); what it brings is installed with
 *     scripts as npm runs them. Other package managers: installs.mjs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allFences } from '../readme-examples/fences.mjs';
import { compile, runProgram } from '../readme-examples/programs.mjs';
import { interrupted, leave, run } from '../run/child.mjs';
import { download } from '../run/download.mjs';
import { burdens, installedIn } from './lib/installed.mjs';
import { packAll, writeConsumer, writeFirstProgram } from './lib/packing.mjs';
import { root } from '../run/root.mjs';

/** @typedef {import('./lib/packing.mjs').Packed & { paths: string[] }} Packed */

const folder = mkdtempSync(join(tmpdir(), 'varve-pack-'));
/** @type {string[]} */
const problems = [];

try {
  const packed = await pack();
  for (const one of packed) inspect(one);
  for (const one of packed) await lint(one);
  if (!interrupted() && (await install(packed))) {
    await load(packed);
    await showHelp(packed);
    const ran = await runExamples();
    await installFirst(packed);
    console.log(`${packed.length} packages packed, linted, installed and loaded; ${ran} examples`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.log(problem);
leave(problems.length === 0 ? 0 : 1);

/** @returns {Promise<Packed[]>} */
async function pack() {
  const result = await packAll(folder);
  problems.push(...result.problems);
  return result.packed.map((one) => {
    const listing = execFileSync('tar', ['-tzf', one.tarball], { encoding: 'utf8' });
    const paths = listing.split('\n').filter(Boolean);
    return Object.assign(one, { paths: paths.map((path) => path.replace(/^package\//, '')) });
  });
}

/** What is in a tarball, and what is missing. @param {Packed} one */
function inspect({ dir, manifest, paths }) {
  const entries = Object.values(manifest.exports ?? {})
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((path) => path.endsWith('.js'));
  const built = entries.flatMap((path) => [path.slice(2), path.slice(2).replace(/\.js$/, '.d.ts')]);
  for (const path of ['package.json', 'README.md', 'LICENSE', ...built]) {
    if (!paths.includes(path)) problems.push(`${dir}: the tarball has no ${path}`);
  }
  for (const path of paths) {
    if (!/^(dist\/.*\.(js|d\.ts)(\.map)?|src\/.*\.ts|package\.json|(README|CHANGELOG)\.md|LICENSE)$/.test(path)) {
      problems.push(`${dir}: the tarball has ${path}, which no user needs`);
    }
    const source = path.replace(/^dist\//, 'src/').replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    if (path.startsWith('dist/') && !paths.includes(source))
      problems.push(`${dir}: ${path} is left over from a source that is gone: delete dist`);
  }
  const there = new Set(paths);
  for (const path of paths) {
    const output = path.replace(/^src\/(.*)\.ts$/, 'dist/$1.js');
    if (output !== path && !there.has(output)) problems.push(`${dir}: ${path} is not built`);
  }
}

/** @param {Packed} one */
async function lint({ dir, tarball }) {
  const publint = join(root, 'node_modules', 'publint', 'src', 'cli.js');
  const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
  for (const [name, args] of /** @type {const} */ ([
    ['publint', [publint, 'run', tarball, '--strict']],
    ['attw', [attw, tarball, '--profile', 'esm-only', '--no-color', '--no-emoji']],
  ])) {
    const { code, output } = await run('node', [...args], { quiet: true });
    if (code !== 0) problems.push(`${dir}: ${name} says\n${output}`);
  }
}

/** @param {readonly Packed[]} packed */
async function install(packed) {
  writeConsumer(folder, packed, 'overrides');
  const args = [
    'install',
    '--no-package-lock',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const { code, output } = await download('npm', args, { quiet: true, cwd: folder });
  if (code !== 0) problems.push(`npm cannot install the tarballs:\n${output}`);
  return code === 0;
}

/** What a user's first install brings. @param {readonly Packed[]} packed */
async function installFirst(packed) {
  const place = join(folder, 'first');
  mkdirSync(place);
  writeFirstProgram(place, packed, 'overrides');
  const args = ['install', '--no-package-lock', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await download('npm', args, { quiet: true, cwd: place });
  if (code !== 0) return void problems.push(`npm cannot install @varve/kv alone:\n${output}`);
  problems.push(...burdens(installedIn(place)).map((burden) => `an install of @varve/kv ${burden}`));
}

/** Loads every export, both ways. @param {readonly Packed[]} packed */
async function load(packed) {
  for (const { dir, manifest } of packed) {
    const names = Object.keys(manifest.exports ?? {})
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => JSON.stringify(manifest.name + subpath.slice(1)));
    for (const [type, script] of /** @type {const} */ ([
      ['module', names.map((name) => `await import(${name});`).join('\n')],
      ['commonjs', names.map((name) => `require(${name});`).join('\n')],
    ])) {
      const { code, output } = await run('node', [`--input-type=${type}`, '-e', script], { quiet: true, cwd: folder });
      if (code !== 0) problems.push(`${dir}: cannot be loaded by\n${script}\n${output}`);
    }
  }
}

/** @param {readonly Packed[]} packed */
async function showHelp(packed) {
  for (const { dir, manifest } of packed) {
    const bins =
      typeof manifest.bin === 'string' ? [manifest.name.replace(/^.*\//, '')] : Object.keys(manifest.bin ?? {});
    for (const bin of bins) {
      const { code, output } = await run(join(folder, 'node_modules', '.bin', bin), ['--help'], {
        quiet: true,
        cwd: folder,
      });
      if (code !== 0 || output.trim() === '') problems.push(`${dir}: ${bin} --help ends with code ${code}\n${output}`);
    }
  }
}

async function runExamples() {
  const fences = allFences();
  const programs = await compile(fences, join(folder, 'examples'), { checkLibraries: true });
  for (const program of programs) {
    problems.push(...program.problems);
    if (program.problems.length > 0 || !program.fence.run) continue;
    await runProgram(program).catch((error) => problems.push(error.message));
  }
  return programs.length;
}
