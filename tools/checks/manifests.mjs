// @ts-check
/**
 * The package.json files agree with each other.
 *
 * MN1  Every version of a third-party package stands once, exact, in the catalog, and everything in the catalog is used.
 * MN2  Published packages have the same shape: ESM, no side effects, the same Node, exports of one string each. The
 *     ground floor, `@varve/base`, has no `.`.
 * MN3  The lockfile does not know where packages were fetched from.
 * MN4  Tests meet CommonJS dependencies as Node does (`interopDefault: false`): green tests, broken users otherwise.
 * MN5  All tests wait as long as `vitest.patience.ts` says: what a busy machine does not do in a second has not failed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn, readJson, root } from '../run/root.mjs';

/** Internal: entered by subpaths only, and used at the very version. */
const ground = '@varve/base';
/** The Nodes in which `require()` of an ES module works without a flag. */
const engines = '^20.19.0 || >=22.12.0';

/** @type {string[]} */
const problems = [];
const published = packagesIn('packages');
const others = [
  ...packagesIn('tools'),
  ...packagesIn('examples'),
  { dir: '.', folder: '', manifest: readJson('package.json') },
];
const names = new Set([...published, ...others].map(({ manifest }) => manifest.name));

const catalog = readCatalog();
/** @type {Set<string>} */
const used = new Set();

for (const { dir, manifest } of [...published, ...others]) {
  /** @param {string} message */
  const report = (message) => problems.push(`${dir}/package.json: ${message}`);
  const { dependencies = {}, devDependencies = {}, peerDependencies = {} } = manifest;
  for (const [name, range] of [...Object.entries(dependencies), ...Object.entries(devDependencies)]) {
    used.add(name);
    if (names.has(name)) {
      if (!range.startsWith('workspace:')) report(`${name} is ours: workspace:, not ${range}`);
    } else if (range !== 'catalog:') {
      report(`${name}: the version belongs in the catalog, here 'catalog:'`);
    } else if (!catalog.has(name)) {
      report(`${name} is not in the catalog`);
    }
  }
  for (const [name, range] of Object.entries(dependencies)) {
    const wanted = name === ground ? 'workspace:*' : 'workspace:^';
    if (published.some((one) => one.dir === dir) && names.has(name) && range !== wanted) {
      report(`${name}: ${wanted}, so that users get ${name === ground ? 'the very version' : 'compatible versions'}`);
    }
    if (Object.hasOwn(devDependencies, name)) report(`${name} is a dependency twice`);
  }
  for (const [name, range] of Object.entries(peerDependencies)) {
    if (names.has(name)) {
      if (range !== 'workspace:^') report(`${name}: workspace:^, so that users get compatible versions`);
      if (!Object.hasOwn(devDependencies, name)) report(`${name} is a peer: it must be a development dependency, too`);
      continue;
    }
    const version = catalog.get(name);
    if (version === undefined || !range.includes(`^${version.replace(/\..*/, '')}.`))
      report(`${name}: ${range} does not include the catalog's ${version}`);
    if (!Object.hasOwn(devDependencies, name)) report(`${name} is a peer: it must be a development dependency, too`);
  }
  if (manifest.engines?.['node'] !== engines) report(`engines.node must be ${engines}`);
  if (manifest.license !== 'Apache-2.0') report('license must be Apache-2.0');
  if (manifest.type !== 'module') report('type must be module');
}

for (const { dir, folder, manifest } of published) {
  /** @type {readonly [string, unknown, unknown][]} */
  const expected = [
    ['name', manifest.name, `@varve/${folder}`],
    ['sideEffects', manifest.sideEffects, false],
    ['files', manifest.files?.join(), 'dist,!dist/.tsbuildinfo,src'],
    ['publishConfig.access', manifest.publishConfig?.access, 'public'],
    ['repository.directory', manifest.repository?.directory, dir],
    ['exports["."]', manifest.exports?.['.'], manifest.name === ground ? undefined : './dist/index.js'],
    ['exports["./package.json"]', manifest.exports?.['./package.json'], './package.json'],
    ['scripts.build', manifest.scripts?.['build'], 'tsc -b'],
    ['scripts.test', manifest.scripts?.['test'], `node ../../tools/run.mjs test --project=${folder}`],
  ];
  for (const [what, have, want] of expected) {
    if (have !== want)
      problems.push(`${dir}/package.json: ${what} is ${JSON.stringify(have)} and must be ${JSON.stringify(want)}`);
  }
  if (!manifest.description) problems.push(`${dir}/package.json: has no description`);
  for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
    const fine = subpath === './package.json' || isFile(target) || (manifest.name === ground && isChoice(target));
    if (!fine) problems.push(`${dir}/package.json: exports[${JSON.stringify(subpath)}] must be one file in dist`);
  }
  const tests = join(root, dir, 'vitest.config.ts');
  if (!existsSync(tests) || !readFileSync(tests, 'utf8').includes('interopDefault: false')) {
    problems.push(`${dir}/vitest.config.ts: must say interopDefault: false`);
  }
}

for (const { dir } of [...published, ...others]) {
  const tests = join(root, dir, 'vitest.config.ts');
  if (dir !== '.' && existsSync(tests) && !readFileSync(tests, 'utf8').includes('...patience')) {
    problems.push(`${dir}/vitest.config.ts: must spread patience, of vitest.patience.ts`);
  }
}

for (const [name, version] of catalog) {
  if (!/^\d+\.\d+\.\d+$/.test(version))
    problems.push(`pnpm-workspace.yaml: ${name}: ${version} is not an exact version`);
  if (!used.has(name)) problems.push(`pnpm-workspace.yaml: nobody uses ${name} of the catalog`);
}
if (/https?:\/\//.test(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'))) {
  problems.push('pnpm-lock.yaml: names the place a package was fetched from');
}

for (const problem of problems) console.log(problem);
console.log(`${published.length + others.length} manifests, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The catalog of pnpm-workspace.yaml: a flat map, so no parser is needed. */
function readCatalog() {
  const text = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const section = /^catalog:\n((?: +.*\n|\n)*)/m.exec(text)?.[1] ?? '';
  return new Map(
    [...section.matchAll(/^ +'?([^':\s]+)'?: *([^\s#]+)/gm)].map(([, name = '', version = '']) => [name, version]),
  );
}

/** @param {unknown} target */
function isFile(target) {
  return typeof target === 'string' && /^\.\/dist\/[^*]+\.js$/.test(target);
}

/**
 * What Node gets, and what all others get: where the ground floor meets its host.
 * @param {unknown} target
 */
function isChoice(target) {
  const { types, node, default: other, ...rest } = Object(target);
  return isFile(node) && isFile(other) && types === node.replace(/\.js$/, '.d.ts') && Object.keys(rest).length === 0;
}
