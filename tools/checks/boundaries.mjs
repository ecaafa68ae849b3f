// @ts-check
/**
 * Who may import whom, and who may touch the world. The rules are in lib/boundaries/rules.mjs.
 *
 * A package imports the layer right below it, through its exports; `kv`, which puts the layers together, also meets
 * the engines, where a store is opened, and the ground floor `base` is there for all. What a row does not name is forbidden, and what it names must be in use.
 * The world (clock, timers, randomness, files, sockets) is touched by `base/node` and by the few files that a row names (decisions/0021).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn, readJson, root, textsBelow } from '../run/root.mjs';
import { checkPackage, findCycle } from './lib/boundaries/rules.mjs';

/** @type {Readonly<Record<string, import('./lib/boundaries/rules.mjs').Row>>} */
const table = {
  index: {
    imports: { '@varve/base': [] },
  },
  base: {
    imports: { 'sorted-btree': ['src/btree.ts', 'src/bulk-load.ts'] },
    node: ['src/node/'],
    seams: {
      files: ['src/node/'],
      sockets: ['src/node/'],
      clock: ['src/node/', 'src/portable/'],
      timers: ['src/node/', 'src/portable/'],
      random: ['src/node/', 'src/portable/'],
    },
  },
  bolt: {
    imports: { '@varve/base': [] },
  },
  backend: {
    imports: {
      '@varve/base': [],
      '@varve/bolt': ['src/engines/file/', 'src/read/snapshot.ts', 'src/open/import-snapshot.ts'],
      'classic-level': ['src/engines/level/'],
    },
    seams: {
      // LevelDB opens the folder itself, so what is around it looks at the same files, whatever the world.
      files: ['src/engines/level/files.ts', 'src/engines/level/tables/descriptors.ts'],
      // The suite for engines is a program of its own.
      timers: ['src/conformance/commits.ts'],
    },
  },
  mvcc: {
    imports: { '@varve/base': [], '@varve/index': [], '@varve/backend': [] },
  },
  watch: {
    imports: { '@varve/base': [], '@varve/mvcc': [] },
    tests: ['@varve/backend'],
  },
  lease: {
    imports: { '@varve/base': [], '@varve/mvcc': [] },
    tests: ['@varve/backend'],
  },
  api: {
    imports: { '@standard-schema/spec': [] },
  },
  kv: {
    imports: {
      '@varve/api': [],
      '@varve/base': [],
      '@varve/lease': [],
      '@varve/watch': [],
      '@varve/backend': [
        'src/times/revision-times.ts',
        'src/times/time-pack.ts',
        'src/given-engine.ts',
        'src/layers.ts',
        'src/layers-on.ts',
        'src/import-from.ts',
        'src/location.ts',
        'src/index.ts',
        'src/memory.ts',
        'src/replica.ts',
      ],
      '@varve/etcd': ['src/cluster.ts'],
    },
    carries: ['classic-level'],
  },
  mirror: {
    imports: { '@varve/api': [], '@varve/base': [] },
    tests: ['@varve/kv'],
  },
  keyv: {
    imports: { '@varve/api': [], '@varve/base': [] },
    tests: ['@varve/etcd', '@varve/kv', '@varve/server'],
    carries: ['keyv'],
  },
  unstorage: {
    imports: { '@varve/api': [], '@varve/base': [] },
    tests: ['@varve/kv'],
    carries: ['unstorage'],
  },
  follower: {
    imports: { '@varve/api': [], '@varve/base': [], '@varve/kv': [] },
    tests: ['@varve/server'],
  },
  'etcd-api': {
    imports: { '@bufbuild/protobuf': [], '@grpc/grpc-js': ['src/grpc-service.ts'] },
  },
  server: {
    imports: {
      '@varve/watch': [],
      '@varve/etcd-api': [],
      '@bufbuild/protobuf': [],
      '@grpc/grpc-js': [],
      bcryptjs: ['src/auth/password-worker.ts'],
      jose: ['src/auth/jwt-tokens.ts'],
    },
    tests: ['@varve/backend', '@varve/base', '@varve/lease'],
    seams: {
      clock: ['src/clock.ts'],
      timers: ['src/clock.ts'],
      random: ['src/state/identity.ts', 'src/auth/simple-tokens.ts'],
      files: ['src/probes/process-metrics.ts', 'src/transport/socket-file.ts'],
      sockets: ['src/transport/'],
    },
  },
  etcd: {
    imports: {
      '@varve/api': [],
      '@varve/base': [],
      '@varve/etcd-api': [],
      '@grpc/grpc-js': ['src/channel/', 'src/connect.ts', 'src/watch/watch-hub.ts'],
    },
    tests: ['@varve/backend', '@varve/lease', '@varve/server', '@varve/watch'],
    node: [],
  },
  cli: {
    imports: {
      '@varve/server': [],
      '@varve/kv': ['src/open-layers.ts'],
      pino: ['src/log.ts'],
    },
    tests: ['@varve/base', '@varve/etcd-api'],
    carries: ['classic-level'],
    seams: {
      files: ['src/open-layers.ts', 'src/serve-options.ts', 'src/etcd/etcd-log.ts', 'src/etcd/self-signed.ts'],
      clock: ['src/etcd/clock.ts'],
      timers: ['src/etcd/clock.ts'],
      random: ['src/etcd/self-signed.ts'],
      // They ask what an address is, and which ciphers there are.
      sockets: ['src/etcd/addresses.ts', 'src/etcd/self-signed.ts', 'src/etcd/ciphers.ts'],
    },
  },
};

const packages = packagesIn('packages');
const workspace = new Map(
  [...packages, ...packagesIn('tools'), ...packagesIn('examples')].map(({ manifest }) => [manifest.name, manifest]),
);

/** @type {string[]} */
const problems = [];
for (const { dir, folder, manifest } of packages) {
  const row = table[folder];
  if (row === undefined) {
    problems.push(`${dir}: has no row in the table of tools/checks/boundaries.mjs`);
    continue;
  }
  const unit = {
    dir,
    manifest,
    references: references(dir),
    files: new Map([...texts(dir, 'src', '.ts'), ...texts(dir, 'test', '.ts')]),
    declarations: texts(dir, 'dist', '.d.ts'),
  };
  if (unit.declarations.size === 0) problems.push(`${dir}: is not built, so its declarations cannot be checked`);
  problems.push(...checkPackage(unit, row, workspace));
}
for (const folder of Object.keys(table)) {
  if (!packages.some((one) => one.folder === folder))
    problems.push(`packages/${folder}: has a row in the table and no folder`);
}

const cycle = findCycle(
  new Map([...workspace].map(([name, manifest]) => [name, Object.keys(manifest.dependencies ?? {})])),
);
if (cycle !== undefined) problems.push(`packages depend on each other in a circle: ${cycle.join(' -> ')}`);

for (const { dir } of packages) {
  const listed = readJsonWithComments('tsconfig.json').references.some(
    (/** @type {{ path: string }} */ one) => one.path === dir,
  );
  if (!listed) problems.push(`tsconfig.json: has no reference to ${dir}`);
}

for (const problem of problems) console.log(problem);
console.log(`${packages.length} packages, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** @param {string} dir the names of the packages its tsconfig refers to */
function references(dir) {
  /** @type {{ path: string }[]} */
  const list = readJsonWithComments(`${dir}/tsconfig.json`).references ?? [];
  return list.map(({ path }) => String(readJson(join(dir, path, 'package.json')).name));
}

/** @param {string} path */
function readJsonWithComments(path) {
  const text = readFileSync(join(root, path), 'utf8');
  return JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|\/\/.*|\/\*[^]*?\*\//g, '$1').replace(/,(?=\s*[}\]])/g, ''));
}

/**
 * The files with one ending below a folder of a package, by their path in the package.
 * @param {string} dir
 * @param {string} folder
 * @param {string} ending
 * @returns {Map<string, string>}
 */
function texts(dir, folder, ending) {
  return new Map([...textsBelow(`${dir}/${folder}`, ending)].map(([path, text]) => [`${folder}/${path}`, text]));
}
