// @ts-check
/**
 * What one TypeScript file takes from outside: its imports, and the parts of the world it touches by name.
 *
 * SR1  Read from the syntax tree, never by pattern: comments and strings cannot lie.
 * SR2  Every form counts: `import`, `export from`, `import()`, `import type`, and the type `import('x').T`.
 * SR3  A name in a type is no use of the world, nor is a method of that name on something else: `clock.setTimeout()`
 *     is exactly what a seam looks like.
 */
import { parseSync } from 'oxc-parser';

/**
 * @typedef {'clock' | 'timers' | 'random' | 'files' | 'sockets'} Seam what of the world, see decisions/0021
 * @typedef {{ specifier: string | undefined, line: number, vanishes: boolean }} Import specifier is undefined when it is computed; vanishes: only types, gone when it runs
 * @typedef {{ seam: Seam, what: string, line: number }} Use
 * @typedef {{ imports: Import[], uses: Use[], typeNames: Map<string, number>, suppressions: number[], errors: string[] }} Source typeNames: each type named, and where first; suppressions: lines of comments that silence a tool
 */

/** @type {Record<string, Seam>} */
const modules = {
  fs: 'files',
  'fs/promises': 'files',
  timers: 'timers',
  'timers/promises': 'timers',
  perf_hooks: 'clock',
  net: 'sockets',
  tls: 'sockets',
  dgram: 'sockets',
  http: 'sockets',
  https: 'sockets',
  http2: 'sockets',
};

/** @type {Record<string, Seam>} */
const globals = {
  setTimeout: 'timers',
  setInterval: 'timers',
  setImmediate: 'timers',
  fetch: 'sockets',
  WebSocket: 'sockets',
};

/** `object.property`; an empty object stands for any. @type {Record<string, Seam>} */
const members = {
  'Date.now': 'clock',
  'performance.now': 'clock',
  'process.hrtime': 'clock',
  'Math.random': 'random',
  '.randomBytes': 'random',
  '.randomFillSync': 'random',
  '.randomInt': 'random',
  '.randomUUID': 'random',
  '.getRandomValues': 'random',
};

/** Type nodes that hold an expression we must look into. */
const expressionNodes = new Set([
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSInstantiationExpression',
  'TSTypeAssertion',
  'TSExportAssignment',
]);

/**
 * @param {string} path decides the dialect: `.d.ts` is read as declarations
 * @param {string} text
 * @returns {Source}
 */
export function readSource(path, text) {
  const parsed = parseSync(path, text, { sourceType: 'module' });
  /** @type {Source} */
  const source = {
    imports: [],
    uses: [],
    typeNames: new Map(),
    suppressions: [],
    errors: parsed.errors.map((error) => error.message),
  };
  const lineOf = lineFinder(text);
  for (const { value, start } of parsed.comments) {
    if (/^\W*(?:(?:oxlint|eslint)-disable|@ts-(?:ignore|nocheck)|oxfmt-ignore|prettier-ignore)/.test(value))
      source.suppressions.push(lineOf(start));
  }

  /** @param {any} literal @param {number} offset @param {boolean} vanishes */
  const addImport = (literal, offset, vanishes) => {
    const specifier = literal?.type === 'Literal' && typeof literal.value === 'string' ? literal.value : undefined;
    const line = lineOf(offset);
    source.imports.push({ specifier, line, vanishes });
    const seam = specifier === undefined ? undefined : modules[specifier.replace(/^node:/, '')];
    if (seam !== undefined) source.uses.push({ seam, what: String(specifier), line });
  };
  /** @param {Seam | undefined} seam @param {string} what @param {number} offset */
  const addUse = (seam, what, offset) => {
    if (seam !== undefined) source.uses.push({ seam, what, line: lineOf(offset) });
  };

  /** @param {any} node @param {boolean} inType */
  const visit = (node, inType) => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (node.source) addImport(node.source, node.start, (node.importKind ?? node.exportKind) === 'type');
        for (const specifier of node.type === 'ImportDeclaration' ? node.specifiers : []) {
          addUse(own(members, `.${specifier.imported?.name}`), String(specifier.imported?.name), specifier.start);
        }
        break;
      case 'ImportExpression':
      case 'TSImportType':
        addImport(node.source, node.start, node.type === 'TSImportType');
        break;
      case 'TSTypeReference':
        if (node.typeName.type === 'Identifier' && !source.typeNames.has(node.typeName.name)) {
          source.typeNames.set(node.typeName.name, lineOf(node.start));
        }
        break;
      case 'Identifier':
        if (!inType) addUse(own(globals, node.name), node.name, node.start);
        if (node.typeAnnotation) visit(node.typeAnnotation, true);
        return;
      case 'NewExpression':
        if (node.callee.name === 'Date' && node.arguments.length === 0) addUse('clock', 'new Date()', node.start);
        break;
      case 'MemberExpression': {
        const property = node.computed ? undefined : node.property.name;
        const object = node.object.type === 'Identifier' ? node.object.name : '';
        addUse(
          own(members, `${object}.${property}`) ?? own(members, `.${property}`),
          `${object}.${property}`,
          node.start,
        );
        if (object === 'globalThis') addUse(own(globals, property), String(property), node.start);
        visit(node.object, inType);
        if (node.computed) visit(node.property, inType);
        return;
      }
      default:
    }
    for (const [field, value] of Object.entries(node)) {
      // The name of a member or of an import is not a use of the global with that name.
      if (isName(node, field)) continue;
      const below = typeof node.type === 'string' && node.type.startsWith('TS') && !expressionNodes.has(node.type);
      for (const child of Array.isArray(value) ? value : [value]) {
        if (child !== null && typeof child === 'object' && typeof child.type === 'string')
          visit(child, inType || below);
      }
    }
  };
  visit(parsed.program, false);
  return source;
}

/** @param {any} node @param {string} field */
function isName(node, field) {
  if (field === 'key') return node.computed !== true;
  return /^(Import|Export)\w*Specifier$/.test(node.type);
}

/** @param {Record<string, Seam>} table @param {string} name */
function own(table, name) {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** @param {string} text */
function lineFinder(text) {
  const starts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  /** @param {number} offset */
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
