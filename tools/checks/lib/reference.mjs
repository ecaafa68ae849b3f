// @ts-check
/**
 * The reference of a package's calls, options, defaults and errors, out of its sources: what the types say, and nothing else.
 *
 * RFE1  An interface that is exported is a table of calls where one of its members is called, and a table of options where its
 *     name ends in Options, Limits or the like. Each member of it is a row. Answers and events are not in it.
 * RFE2  A default is what `@default` says, and a code of an error what the comment of the call names: a member without comment is
 *     a problem.
 * RFE3  Read from the syntax tree, with the first sentence of the comment that stands right before the member.
 * RFE4  What a table or a function names as options, or extends, is a table, too, wherever it is declared: no option is left out because
 *     its interface is not exported by name, or is another package's. Each stands once.
 */
import { parseSync } from 'oxc-parser';

/**
 * @typedef {{ of: string, name: string, shown: string, doc: string, byDefault: string, codes: string[], optionsTypes: string[] }} Row
 * @typedef {{ name: string, bases: string[], kind: 'calls' | 'options', rows: Row[] }} Table
 * @typedef {{ tables: Table[], functions: Row[], problems: string[] }} Reference
 */

const codePattern = /\b(?:KV|MVCC|BACKEND|WATCH|LEASE|INDEX)_[A-Z]+(?:_[A-Z]+)*\b/g;
/** The ends of names of options. */
const optionsEnds = '(?:Options?|Filter|Limits|Choice|Source|Tls|Auth)';
const optionsName = new RegExp(`${optionsEnds}$`);
const optionsNames = new RegExp(`\\b(?=[A-Z])\\w*${optionsEnds}\\b`, 'g');

/**
 * @param {ReadonlyMap<string, string>} files the sources of a package, by name below `src`
 * @param {{ others?: readonly string[], known?: readonly string[] }} [more] the texts of other packages' sources, in which options may be declared,
 *   and the names of tables that stand elsewhere on the page
 * @returns {Reference}
 */
export function referenceOf(files, { others = [], known = [] } = {}) {
  /** @type {Reference} */
  const reference = { tables: [], functions: [], problems: [] };
  for (const [path, names] of exportedBy(files)) readFile(path, files.get(path) ?? '', names, reference);
  addNamed(reference, [...files.values(), ...others], new Set(known));
  return reference;
}

/** Adds the tables that others name (RFE4). @param {Reference} reference @param {readonly string[]} texts @param {Set<string>} known */
function addNamed(reference, texts, known) {
  const { tables, functions } = reference;
  for (const { name } of tables) known.add(name);
  const open = [...functions.flatMap(({ optionsTypes }) => optionsTypes), ...tables.flatMap(namedBy)];
  for (let name = open.shift(); name !== undefined; name = open.shift()) {
    if (known.has(name)) continue;
    known.add(name);
    const text = texts.find((one) => new RegExp(`^export interface ${name}\\b`, 'm').test(one));
    if (text === undefined) continue;
    const before = tables.length;
    readFile(`${name}.ts`, text, new Set([name]), reference);
    open.push(...tables.slice(before).flatMap(namedBy));
  }
}

/** What a table extends, and what its rows take. @param {Table} table */
function namedBy({ bases, rows }) {
  return [...bases, ...rows.flatMap(({ optionsTypes }) => optionsTypes)];
}

/** The files that index.ts exports from, and which names: `undefined` for all. @param {ReadonlyMap<string, string>} files */
function exportedBy(files) {
  /** @type {Map<string, Set<string> | undefined>} */
  const exported = new Map();
  const { program } = parseSync('index.ts', files.get('index.ts') ?? '');
  for (const node of program.body) {
    if (node.type !== 'ExportAllDeclaration' && node.type !== 'ExportNamedDeclaration') continue;
    const from = node.source?.value;
    if (from === undefined || !from.startsWith('./')) continue;
    const path = from.slice(2);
    if (node.type === 'ExportAllDeclaration') exported.set(path, undefined);
    else {
      const names = exported.get(path) ?? new Set();
      for (const { exported: name } of node.specifiers) if (name.type === 'Identifier') names.add(name.name);
      if (!exported.has(path) || exported.get(path) !== undefined) exported.set(path, names);
    }
  }
  return exported;
}

/** @param {string} path @param {string} text @param {Set<string> | undefined} names @param {Reference} reference */
function readFile(path, text, names, reference) {
  const { program, comments } = parseSync(path, text);
  const docBefore = docFinder(text, comments);
  for (const statement of program.body) {
    if (statement.type !== 'ExportNamedDeclaration') continue;
    const { declaration } = statement;
    if (declaration?.type === 'TSInterfaceDeclaration') {
      if (names !== undefined && !names.has(declaration.id.name)) continue;
      const table = tableOf(declaration, text, docBefore, reference.problems);
      if (table !== undefined) reference.tables.push(table);
      continue;
    }
    for (const [name, parameters] of calledBy(declaration)) {
      if (names !== undefined && !names.has(name)) continue;
      const row = rowOf('', name, parameters, text, docBefore(statement.start));
      const overloads = reference.functions.findIndex((other) => other.name === name);
      const isImplementation = overloads >= 0 && declaration?.type === 'FunctionDeclaration';
      // An editor shows the comment of the overload that is called, where it has one.
      if (row.doc === '' && !isImplementation)
        reference.problems.push(`${name} has no comment, or an overload of it has none`);
      if (overloads < 0) reference.functions.push(row);
      else
        reference.functions[overloads] = merged(
          /** @type {Row} */ (reference.functions[overloads]),
          row,
          isImplementation,
        );
    }
  }
}

/**
 * Overloads as one row: the comment is that of the one that needs least, the last of these; what may be given is that of the implementation.
 * @param {Row} before @param {Row} row @param {boolean} isImplementation @returns {Row}
 */
function merged(before, row, isImplementation) {
  const { shown, optionsTypes } = row;
  if (isImplementation) return { ...before, shown, optionsTypes };
  const simpler = neededBy(row) > neededBy(before) ? before : row;
  return { ...simpler, codes: [...new Set([...simpler.codes, ...before.codes, ...row.codes])] };
}

/** How many arguments a call cannot do without. @param {Row} row */
function neededBy({ shown }) {
  return shown.split(/[(,)]/).filter((part) => part !== '' && !part.endsWith('?')).length;
}

/** The functions, classes and constants of a declaration; constants have no parameters. @param {any} declaration @returns {[string, any[] | undefined][]} */
function calledBy(declaration) {
  switch (declaration?.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return [[declaration.id.name, declaration.params]];
    case 'ClassDeclaration':
      return [[declaration.id.name, undefined]];
    case 'VariableDeclaration':
      return declaration.declarations.map((/** @type {any} */ one) => [one.id.name, undefined]);
    default:
      return [];
  }
}

/**
 * @param {any} declaration @param {string} text @param {(start: number) => string} docBefore @param {string[]} problems
 * @returns {Table | undefined}
 */
function tableOf(declaration, text, docBefore, problems) {
  const { name } = declaration.id;
  const { body } = declaration.body;
  const isOptions = optionsName.test(name);
  const isCalled = body.some((/** @type {any} */ member) => member.type === 'TSMethodSignature');
  if (!isOptions && !isCalled) return undefined;
  const bases = (declaration.extends ?? []).map((/** @type {any} */ base) =>
    text.slice(base.start, base.end).replace(/<[^]*/, ''),
  );
  /** @type {Row[]} */
  const rows = [];
  for (const member of body) {
    if (member.key?.type !== 'Identifier' || member.computed === true) continue;
    const parameters = member.type === 'TSMethodSignature' ? member.params : undefined;
    const taken = parameters ?? (isOptions ? [member] : undefined);
    const row = rowOf(name, member.key.name, parameters, text, docBefore(member.start), taken);
    if (row.doc === '') problems.push(`${name}.${row.name} has no comment`);
    rows.push(row);
  }
  return { name, bases, kind: isOptions ? 'options' : 'calls', rows };
}

/**
 * @param {string} of @param {string} name @param {any[] | undefined} parameters @param {string} text @param {string} doc
 * @param {any[]} [taken] the last of them says which options are taken
 * @returns {Row}
 */
function rowOf(of, name, parameters, text, doc, taken = parameters) {
  const names = (parameters ?? []).map((parameter) => {
    const inner = parameter.type === 'AssignmentPattern' ? parameter.left : parameter;
    const optional = inner.optional === true || parameter.type === 'AssignmentPattern';
    return `${inner.name ?? '{ ... }'}${optional ? '?' : ''}`;
  });
  const last = taken?.at(-1);
  const lastText = last === undefined ? '' : text.slice(last.start, last.end);
  return {
    of,
    name,
    shown: parameters === undefined ? name : `${name}(${names.join(', ')})`,
    doc: firstSentence(doc),
    byDefault: /@default ((?:[^@]|@varve)*)/.exec(doc)?.[1]?.trim() ?? '',
    codes: [...new Set(doc.match(codePattern) ?? [])],
    optionsTypes: [...new Set(lastText.match(optionsNames) ?? [])],
  };
}

/** What finds the text of the doc comment right before a place. @param {string} text @param {readonly { type: string, value: string, end: number }[]} comments */
function docFinder(text, comments) {
  return (/** @type {number} */ start) => {
    const before = text.slice(0, start).trimEnd().length;
    const comment = comments.find(
      ({ type, value, end }) => type === 'Block' && value.startsWith('*') && end === before,
    );
    return (comment?.value ?? '')
      .replace(/^\*/, '')
      .replaceAll(/^\s*\* ?/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
  };
}

/** @param {string} doc */
function firstSentence(doc) {
  const plain = doc.replace(/ ?@(?:default|throws|param|returns)\b[^]*$/, '').trim();
  const end = /[.?!](?= [A-Z`])/.exec(plain);
  return (end === null ? plain : plain.slice(0, end.index + 1)).replace(/\.$/, '');
}

/**
 * The page, whole.
 * @param {readonly { name: string, reference: Reference }[]} packages
 * @param {readonly (readonly [string, string])[]} codes each code and what it means
 */
export function pageOf(packages, codes) {
  const lines = [
    '# Reference',
    '',
    'Every call, option, default and error of a `Kv`, out of the types: `node tools/checks/reference.mjs --write` writes this page, and',
    '`npm run check -- reference` fails where it says something else than they do. What a call does in full stands in its comment, which',
    'your editor shows. The same options stand in several tables where one extends the other: "and those of" names it.',
    '',
    'Beside the codes that a row names, every call can end with `KV_INVALID` for a wrong argument and `KV_CLOSED` after `close`, reads with',
    '`MVCC_COMPACTED`, `MVCC_FUTURE_REVISION` and `KV_DECODE`, writes with `KV_ENCODE`, `KV_TOO_LARGE`, `BACKEND_FAILED` and, where nothing may be',
    'written, `BACKEND_READ_ONLY`; on a cluster each with `KV_UNAVAILABLE`, `KV_DENIED`, `KV_UNSUPPORTED` and `KV_REMOTE`, writes with',
    '`KV_UNKNOWN_OUTCOME` and `KV_NO_SPACE`.',
  ];
  for (const { name, reference } of packages) {
    const { functions, tables } = reference;
    const exported = functions.map((row) => [row.shown, row.optionsTypes, row.codes, row.doc]);
    lines.push('', `## ${name}`, '', ...tableLines(['export', 'options', 'errors', 'what it is'], exported));
    for (const { name: of, rows, bases, kind } of tables) {
      const also = bases.length === 0 ? '' : `, and those of ${bases.map((base) => `\`${base}\``).join(', ')}`;
      lines.push('', `### ${of}${also}`, '');
      if (rows.length === 0) lines.pop();
      else if (kind === 'options') {
        lines.push(
          ...tableLines(
            ['option', 'default', 'what it does'],
            rows.map((row) => [row.shown, row.byDefault, row.doc]),
          ),
        );
      } else {
        const calls = rows.map((row) => [row.shown, row.optionsTypes, row.codes, row.doc]);
        lines.push(...tableLines(['call', 'options', 'errors', 'what it does'], calls));
      }
    }
  }
  lines.push(
    '',
    '## Errors',
    '',
    ...tableLines(['code', 'when'], codes),
    '',
    'What to do about each: [errors.md](errors.md).',
    '',
  );
  return lines.join('\n');
}

/** The first cell, and codes, are set as code. @param {string[]} head @param {readonly (readonly (string | string[])[])[]} rows */
function tableLines(head, rows) {
  const cell = (/** @type {string | string[]} */ value, /** @type {number} */ at) => {
    if (Array.isArray(value)) return value.map((word) => `\`${word}\``).join(', ');
    const text = value.replaceAll('|', '\\|');
    return at === 0 ? `\`${text}\`` : text;
  };
  return [
    `| ${head.join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ];
}

/** What the page lacks and what it has too much, line by line; empty where they are equal. @param {string} page @param {string} wanted */
export function differences(page, wanted) {
  const [is, should] = [page.split('\n'), wanted.split('\n')];
  const missing = should.filter((line) => !is.includes(line)).map((line) => `missing: ${line}`);
  const extra = is.filter((line) => !should.includes(line)).map((line) => `not in the types: ${line}`);
  if (missing.length + extra.length === 0 && page !== wanted) return ['its lines are in another order'];
  return [...missing, ...extra];
}

/** Each code of errors.ts, and what its comment says. @param {string} text @returns {[string, string][]} */
export function codesOf(text) {
  const plain = text.replaceAll(/\n \*  +/g, ' ');
  /** @type {[string, string][]} */
  const codes = [];
  for (const [, names = '', meaning = ''] of plain.matchAll(/^ \* - ((?:`[A-Z_]+`(?:, )?)+) ?(.*)$/gm)) {
    for (const [, code = ''] of names.matchAll(/`([A-Z_]+)`/g)) codes.push([code, meaning]);
  }
  return codes;
}
