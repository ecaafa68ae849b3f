// @ts-check
/**
 * The table of errors for users, held against the sources.
 *
 * ET1  Every code of every union `...ErrorCode` has one row, in the section of its package, with all three cells filled.
 * ET2  No row is about a code that no union has.
 * ET3  Every code is given to somebody: it stands in the sources of some package as a value, not only in a type or a comparison.
 */
import { parseSync } from 'oxc-parser';

/** @typedef {{ name: string, files: ReadonlyMap<string, string> }} Sources of one package: its name, its TypeScript files by path */

/**
 * @param {string} page the Markdown of the table
 * @param {readonly Sources[]} packages
 * @returns {string[]} problems
 */
export function checkErrorTable(page, packages) {
  const rows = readRows(page);
  /** @type {string[]} */
  const problems = [];
  for (const { cells, line } of rows) {
    if (cells.length !== 3 || cells.some((cell) => cell === ''))
      problems.push(`line ${line}: a row has a code, when, and what to do`);
  }
  /** @type {Set<string>} */
  const known = new Set();
  const read = packages.map(({ name, files }) => ({ name, ...readCodes(files) }));
  const given = new Set(read.flatMap((one) => [...one.given]));
  for (const { name, declared } of read) {
    for (const code of declared) {
      known.add(code);
      const own = rows.filter((row) => row.code === code);
      if (own.length === 0) problems.push(`${name}: ${code} has no row`);
      if (own.length > 1) problems.push(`${name}: ${code} has ${own.length} rows`);
      for (const row of own) {
        if (row.section !== name) problems.push(`${name}: ${code} stands under ${row.section}, line ${row.line}`);
      }
      if (!given.has(code)) problems.push(`${name}: ${code} is thrown nowhere`);
    }
  }
  for (const { code, line } of rows) if (!known.has(code)) problems.push(`line ${line}: no package has ${code}`);
  return problems;
}

/** @param {string} page */
function readRows(page) {
  let section = '';
  return page.split('\n').flatMap((text, index) => {
    section = /^## (\S+)/.exec(text)?.[1] ?? section;
    const code = /^\| *`([A-Z][A-Z0-9_]+)` *\|/.exec(text)?.[1];
    if (code === undefined) return [];
    const cells = text
      .trim()
      .slice(1, -1)
      .split(/(?<!\\)\|/);
    return [{ code, section, line: index + 1, cells: cells.map((cell) => cell.trim()) }];
  });
}

/** @param {ReadonlyMap<string, string>} files */
function readCodes(files) {
  /** @type {Set<string>} */
  const declared = new Set();
  /** @type {Set<string>} */
  const given = new Set();
  for (const [path, text] of files) {
    if (!/ErrorCode\b|'[A-Z]+_[A-Z_]+'/.test(text)) continue;
    visit(parseSync(path, text, { sourceType: 'module' }).program, undefined);
  }
  return { declared, given };

  /** @param {any} node @param {any} parent */
  function visit(node, parent) {
    if (node === null || typeof node !== 'object') return;
    if (node.type === 'TSTypeAliasDeclaration' && node.id.name.endsWith('ErrorCode')) {
      for (const code of literals(node.typeAnnotation)) declared.add(code);
      return;
    }
    if (node.type === 'TSLiteralType' || compares(node)) return;
    if (node.type === 'Literal' && typeof node.value === 'string' && !isName(node, parent)) given.add(node.value);
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) for (const one of child) visit(one, node);
      else visit(child, node);
    }
  }
}

/** The string literals below a type. @param {any} node @returns {string[]} */
function literals(node) {
  if (node === null || typeof node !== 'object') return [];
  if (node.type === 'Literal') return typeof node.value === 'string' ? [node.value] : [];
  return Object.values(node).flatMap(literals);
}

/** Whether a node only asks which code it is. @param {any} node */
function compares(node) {
  if (node.type === 'BinaryExpression') return /^[!=]==?$/.test(node.operator);
  return node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'hasCode';
}

/** Whether a literal is the name of a property, or what a case waits for. @param {any} node @param {any} parent */
function isName(node, parent) {
  return (
    (parent?.type === 'Property' && parent.key === node) || (parent?.type === 'SwitchCase' && parent.test === node)
  );
}
