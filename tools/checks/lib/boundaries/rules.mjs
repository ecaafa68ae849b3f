// @ts-check
/**
 * The rules between packages, over texts: no disk, so a test can invent a package.
 *
 * RL1  Imports = dependencies = project references. An import nobody declared, a dependency nobody imports, and a
 *     reference without its dependency are all errors.
 * RL2  Nobody past his neighbour: a package imports what its row of the table names, from the files the row names.
 * RL3  A package is entered by its exports only, and left by package names only.
 * RL4  No cycles, neither of packages nor of files; an import of types, which is gone when it runs, may close one of files.
 * RL5  `Buffer` is in no declaration a user can reach.
 * RL6  Clock, timers, randomness, files and sockets are touched in the files the row names, nowhere else.
 * RL7  No comment silences a tool.
 * RL8  The table itself stays true: an entry that nothing uses any more is an error.
 * RL9  Node's own modules are imported where the row says, if it says so: the rest runs in browsers.
 */
import { dirname, join, normalize } from 'node:path/posix';
import { readSource } from './source.mjs';

/**
 * @typedef {import('./source.mjs').Seam} Seam
 * @typedef {import('./source.mjs').Source} Source
 *
 * @typedef {object} Row one package's row in the table
 * @property {Readonly<Record<string, readonly string[]>>} imports package -> files or folders (ending in `/`) of `src` that may; none named: all
 * @property {readonly string[]} [tests] workspace packages its tests may use besides its imports
 * @property {readonly string[]} [carries] dependencies it has for a neighbour's optional peer, without an import of its own
 * @property {Readonly<Partial<Record<Seam, readonly string[]>>>} [seams] files or folders of `src` that touch the world
 * @property {readonly string[]} [node] files or folders of `src` that may import Node's own modules; absent: all
 *
 * @typedef {object} Unit a package, as texts
 * @property {string} dir such as `packages/index`, in front of every message
 * @property {import('../../../run/root.mjs').Manifest} manifest
 * @property {readonly string[]} references package names
 * @property {ReadonlyMap<string, string>} files `src/…` and `test/…`, path to text
 * @property {ReadonlyMap<string, string>} declarations `dist/….d.ts`, path to text; empty when it is not built
 */

/**
 * Every problem of one package.
 * @param {Unit} unit
 * @param {Row} row
 * @param {ReadonlyMap<string, import('../../../run/root.mjs').Manifest>} workspace all workspace packages, by name
 * @returns {string[]}
 */
export function checkPackage(unit, row, workspace) {
  /** @type {string[]} */
  const problems = [];
  /** @param {string} path @param {number} line @param {string} message */
  const report = (path, line, message) => problems.push(`${unit.dir}/${path}:${line}: ${message}`);
  const sources = new Map([...unit.files].map(([path, text]) => [path, readSource(path, text)]));
  const { dependencies = {}, devDependencies = {}, peerDependencies = {} } = unit.manifest;
  const shipped = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
  /** What of the table and of the manifest is used. @type {Set<string>} */
  const used = new Set();

  for (const [path, source] of sources) {
    const inSource = path.startsWith('src/');
    for (const error of source.errors) report(path, 1, error);
    for (const line of source.suppressions) report(path, line, 'a comment silences a tool: mend what it says instead');
    for (const { specifier, line } of source.imports) {
      if (specifier === undefined) {
        if (inSource) report(path, line, 'imports something computed, which nobody can check');
      } else if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(path), specifier));
        if (target.startsWith('..'))
          report(path, line, `'${specifier}' leaves the package: import it by its package name`);
        else if (inSource && !target.startsWith('src/')) report(path, line, `'${specifier}' leaves src/`);
      } else if (specifier.startsWith('node:')) {
        if (inSource && row.node !== undefined && !row.node.some((place) => covers(place, path)))
          report(path, line, `${specifier}: only ${row.node.join(', ') || 'no file'} may import Node's own modules`);
      } else {
        const name = packageName(specifier);
        const exported = workspace.get(name)?.exports;
        const subpath = `.${specifier.slice(name.length)}`;
        if (exported !== undefined && !Object.hasOwn(exported, subpath)) {
          report(path, line, `'${specifier}' is not among the exports of ${name}`);
        }
        if (name === unit.manifest.name) {
          if (inSource) report(path, line, `imports its own package by name`);
        } else if (!inSource) {
          const declared = shipped.has(name) || Object.hasOwn(devDependencies, name);
          if (!declared) report(path, line, `'${name}' is imported and not declared`);
          const allowed = Object.hasOwn(row.imports, name) || (row.tests ?? []).includes(name);
          if (workspace.has(name) && !allowed)
            report(path, line, `tests of ${unit.manifest.name} may not import ${name}`);
          used.add(`tests ${name}`);
        } else {
          used.add(name);
          const places = Object.hasOwn(row.imports, name) ? row.imports[name] : undefined;
          if (places === undefined) report(path, line, `${unit.manifest.name} may not import ${name}`);
          else if (!permits(places, path)) report(path, line, `only ${places.join(', ')} may import ${name}`);
          else if (!shipped.has(name)) report(path, line, `'${name}' is imported and not among the dependencies`);
        }
      }
    }
    if (!inSource) continue;
    for (const { seam, what, line } of source.uses) {
      const places = row.seams?.[seam] ?? [];
      const place = places.find((one) => covers(one, path));
      if (place === undefined)
        report(path, line, `${what}: ${seam} come in through ${places.join(', ') || 'no file of this package'}`);
      else used.add(`${seam} ${place}`);
    }
  }

  const manifest = (/** @type {string} */ message) => report('package.json', 1, message);
  for (const name of shipped) {
    const carried = (row.carries ?? []).includes(name);
    if (!used.has(name) && !carried) manifest(`'${name}' is a dependency and nothing in src/ imports it`);
    if (used.has(name) && carried) manifest(`'${name}' is imported: the table need not say that it is carried`);
  }
  for (const name of Object.keys(row.imports)) {
    if (!used.has(name)) manifest(`the table lets it import ${name}, and nothing does`);
  }
  for (const name of row.tests ?? []) {
    if (!used.has(`tests ${name}`)) manifest(`the table lets its tests import ${name}, and none does`);
  }
  for (const [seam, places] of Object.entries(row.seams ?? {})) {
    for (const place of places) {
      if (!used.has(`${seam} ${place}`)) manifest(`the table gives ${seam} to ${place}, which does not touch them`);
    }
  }
  // A peer of the workspace is built before, too.
  const wanted = [...shipped].filter((name) => workspace.has(name) && used.has(name));
  for (const name of wanted) {
    if (!unit.references.includes(name)) report('tsconfig.json', 1, `has no reference to ${name}`);
  }
  for (const name of unit.references) {
    if (!wanted.includes(name)) report('tsconfig.json', 1, `has a reference to ${name}, which src/ does not import`);
  }

  const inner = [...sources].filter(([path]) => path.startsWith('src/'));
  const cycle = findCycle(new Map(inner.map(([path, source]) => [path, localImports(path, source, true)])));
  if (cycle !== undefined) problems.push(`${unit.dir}: files import each other in a circle: ${cycle.join(' -> ')}`);
  problems.push(...checkDeclarations(unit));
  return problems;
}

/**
 * The first circle in a graph, its first node repeated at the end.
 * @param {ReadonlyMap<string, readonly string[]>} graph
 * @returns {string[] | undefined}
 */
export function findCycle(graph) {
  /** @type {Set<string>} */
  const done = new Set();
  /** @param {string} node @param {readonly string[]} path @returns {string[] | undefined} */
  const walk = (node, path) => {
    const start = path.indexOf(node);
    if (start >= 0) return [...path.slice(start), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const found = walk(next, [...path, node]);
      if (found !== undefined) return found;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const found = walk(node, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param {Unit} unit */
function checkDeclarations(unit) {
  /** @type {string[]} */
  const problems = [];
  const queue = Object.values(unit.manifest.exports ?? {})
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((path) => path.endsWith('.js'))
    .map((path) => normalize(path).replace(/\.js$/, '.d.ts'));
  const seen = new Set(queue);
  for (const path of queue) {
    const text = unit.declarations.get(path);
    if (text === undefined) continue;
    const source = readSource(path, text);
    const line = source.typeNames.get('Buffer');
    if (line !== undefined) problems.push(`${unit.dir}/${path}:${line}: Buffer in a public type: say Uint8Array`);
    for (const local of localImports(path, source)) {
      const next = local.replace(/(\.d)?\.[jt]s$/, '.d.ts');
      if (!seen.has(next)) {
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return problems;
}

/**
 * The files of the package that a file imports.
 * @param {string} path
 * @param {Source} source
 * @param {boolean} [running] without those that are gone when it runs
 */
function localImports(path, source, running = false) {
  return source.imports
    .filter(({ vanishes }) => !(running && vanishes))
    .flatMap(({ specifier }) => (specifier?.startsWith('.') ? [normalize(join(dirname(path), specifier))] : []));
}

/** @param {string} specifier */
function packageName(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** @param {readonly string[]} places @param {string} path */
function permits(places, path) {
  return places.length === 0 || places.some((place) => covers(place, path));
}

/** @param {string} place @param {string} path */
function covers(place, path) {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}
