// @ts-check
/**
 * What sources, tests and pages cite, held against what the repository has: rows of docs/spec, laws, decisions, labels.
 *
 * CI1  A citation is read in comments and strings of code, and in the text of pages, never in code itself.
 * CI2  A row that is cited exists, or it is a label of that very file or of a file beside it.
 * CI3  A row has a test that cites it, or a line of a page that begins with `> Later` gives it to a later package.
 * CI4  A decision is cited by the name of its file: `decisions/0008`.
 * CI5  Labels, the numbered invariants at the head of a file, have a prefix of two to four letters that no other file and no
 *      family of rows has.
 */
import { parseSync } from 'oxc-parser';

/** Families of rows, each with a page of docs/spec. Those of the second list need no test. */
const tested = ['M', 'B', 'W', 'L', 'S', 'F', 'R', 'C', 'G', 'H', 'D', 'BD'];
/** Rows of docs/spec/faults.md. */
const faults = ['XA', 'XB', 'XC', 'XD', 'XE', 'XF'];
const families = [...tested, ...faults, 'P', 'Q', 'BQ'];

/** In this package the letter C stands for rules of a BoltDB file, which F rows test; elsewhere for rows of another page. */
const ruleScope = { folder: 'packages/bolt/', page: 'docs/spec/bolt-file.md', family: 'C' };

/** Pages in which W1 to W12 are workloads of the bench. */
const benchPages = /^(docs\/performance\.md|tools\/bench\/)/;

/**
 * @typedef {object} Repository texts by path from the root
 * @property {ReadonlyMap<string, string>} code TypeScript and JavaScript
 * @property {ReadonlyMap<string, string>} pages Markdown, docs/spec and ARCHITECTURE.md among them
 * @property {readonly string[]} decisions names of the files of docs/decisions
 *
 * @typedef {object} Findings
 * @property {string[]} missing cited, and not there
 * @property {string[]} untested rows that nobody proves
 * @property {string[]} faults rows of docs/spec/faults.md that nobody proves
 * @property {string[]} style decisions that are cited by a number
 * @property {string[]} labels prefixes that are not one file's own
 */

/**
 * @param {Repository} repository
 * @returns {Findings}
 */
export function checkCitations({ code, pages, decisions }) {
  const rows = readRows(pages);
  const laws = new Set(
    [...(pages.get('ARCHITECTURE.md') ?? '').matchAll(/^\| (\d+) \| \*\*/gm), ...lawRows(pages)].map(([, law]) => law),
  );
  const numbers = new Set(decisions.map((name) => name.slice(0, 4)));
  /** @type {Map<string, Set<string>>} labels by file */
  const labels = new Map([...code].map(([path, text]) => [path, declaredLabels(text)]));
  /** @type {Set<string>} */
  const proven = new Set();
  /** @type {Findings} */
  const findings = { missing: [], untested: [], faults: [], style: [], labels: clashes(labels) };

  for (const [path, text] of [...code, ...pages]) {
    const own = labels.get(path) ?? new Set();
    const spoken = code.has(path) ? wordsOf(path, text) : withoutFences(text);
    const scope = path.startsWith(ruleScope.folder) || path === ruleScope.page ? 'rule ' : '';
    for (const { id, line } of benchPages.test(path) ? [] : citedRows(spoken)) {
      const name = id.startsWith(ruleScope.family) ? scope + id : id;
      if (own.has(id)) continue;
      if (rows.has(name)) {
        if (isTest(path)) proven.add(name);
      } else if (!neighbours(path, labels).has(id)) findings.missing.push(`${path}:${line}: ${id}`);
    }
    for (const { law, line } of citedLaws(spoken))
      if (!laws.has(law)) findings.missing.push(`${path}:${line}: law ${law}`);
    for (const { number, line } of matches(spoken, /\bdecisions\/(\d{4})/g))
      if (!numbers.has(number)) findings.missing.push(`${path}:${line}: decisions/${number}`);
    for (const { number, line } of matches(spoken, /\bdecisions? (\d+)\b/g))
      findings.style.push(`${path}:${line}: decision ${number}: cite it by its file, such as decisions/0008`);
  }
  const later = new Set([...pages.values()].flatMap(laterRows));
  for (const name of rows) {
    const family = name.replace(/\d+$/, '');
    if (proven.has(name) || later.has(name)) continue;
    if (tested.includes(family)) findings.untested.push(name);
    if (faults.includes(family)) findings.faults.push(name);
  }
  return findings;
}

/** The rows of the pages of docs/spec. @param {ReadonlyMap<string, string>} pages */
export function readRows(pages) {
  /** @type {Set<string>} */
  const rows = new Set();
  for (const [path, text] of pages) {
    if (!path.startsWith('docs/spec/')) continue;
    for (const [, first, marked] of text.matchAll(
      /^\| *(?:\*\*)?([A-Z]{1,2}\d+)(?:\*\*)? *\||\[((?:B?Q|B?D)\d+)\]/gm,
    )) {
      const id = first ?? marked ?? '';
      const rule = path === ruleScope.page && id.startsWith(ruleScope.family);
      rows.add(rule ? `rule ${id}` : id);
    }
  }
  return rows;
}

/** Laws stand in the table of ARCHITECTURE.md, some of them without emphasis. @param {ReadonlyMap<string, string>} pages */
function lawRows(pages) {
  const section = /^## Laws[^]*?(?=^## |(?![^]))/m.exec(pages.get('ARCHITECTURE.md') ?? '')?.[0] ?? '';
  return section.matchAll(/^\| (\d+) \|/gm);
}

/** Ids that a page gives to a later package: `> Later, with the server: SR1 to S219, W59.` @param {string} page */
function laterRows(page) {
  return [...page.matchAll(/^> Later[^:]*:(.*)$/gm)].flatMap(([, text = '']) => citedRows(text).map(({ id }) => id));
}

/** @param {string} text @returns {{ id: string, line: number }[]} */
function citedRows(text) {
  const names = families.toSorted((a, b) => b.length - a.length).join('|');
  const one = new RegExp(`(?<![\\w.$#/'-])(${names})(\\d{1,3})(?: to \\1?(\\d{1,3}))?(?![\\w-])`, 'g');
  return [...text.matchAll(one)].flatMap((match) => {
    const [, family = '', from = '', to = from] = match;
    const line = lineAt(text, match.index);
    const count = Math.max(1, Number(to) - Number(from) + 1);
    return Array.from({ length: count }, (_, i) => ({ id: `${family}${Number(from) + i}`, line }));
  });
}

/** @param {string} text @returns {{ law: string, line: number }[]} */
function citedLaws(text) {
  return [...text.matchAll(/\blaws? (\d+(?:(?:, | and | to )\d+)*)/g)].flatMap((match) =>
    (match[1] ?? '').split(/\D+/).map((law) => ({ law, line: lineAt(text, match.index) })),
  );
}

/** @param {string} text @param {RegExp} pattern with one group @returns {{ number: string, line: number }[]} */
function matches(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => ({ number: match[1] ?? '', line: lineAt(text, match.index) }));
}

/** The comments and strings of a file, each where it stands, all else blank. @param {string} path @param {string} text */
function wordsOf(path, text) {
  const { program, comments } = parseSync(path, text, { sourceType: 'module' });
  /** @type {[number, number][]} */
  const spans = comments.map(({ start, end }) => [start, end]);
  /** @param {any} node */
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    if ((node.type === 'Literal' && typeof node.value === 'string') || node.type === 'TemplateElement')
      spans.push([node.start, node.end]);
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) child.forEach(visit);
      else visit(child);
    }
  };
  visit(program);
  const blank = text.replace(/[^\n]/g, ' ').split('');
  for (const [start, end] of spans) for (let at = start; at < end; at += 1) blank[at] = text[at] ?? ' ';
  // The quote in front of a test's name is no part of what it says.
  return blank.join('').replace(/['"`](?=[A-Z])/g, ' ');
}

/** @param {string} text of a page */
function withoutFences(text) {
  return text.replace(/^( *)(`{3,}|~{3,})[^]*?^ *\2.*$/gm, (block) => block.replace(/[^\n]/g, ' '));
}

/** The labels at the head of a file: ` * CI1  words`. @param {string} text @returns {Set<string>} */
export function declaredLabels(text) {
  const head = /\/\*\*[^]*?\*\//.exec(text)?.[0] ?? '';
  return new Set([...head.matchAll(/^ \* +([A-Z]{1,4}\d{1,2}) {2,3}\S/gm)].map(([, label = '']) => label));
}

/** Labels of the package that a file is in. @param {string} path @param {ReadonlyMap<string, Set<string>>} labels */
function neighbours(path, labels) {
  const [top = '', folder = ''] = path.split('/');
  /** @type {Set<string>} */
  const all = new Set();
  for (const [other, set] of labels) if (other.startsWith(`${top}/${folder}/`)) for (const label of set) all.add(label);
  return all;
}

/** @param {ReadonlyMap<string, Set<string>>} labels */
function clashes(labels) {
  /** @type {Map<string, Set<string>>} */
  const files = new Map();
  for (const [path, set] of labels) {
    for (const label of set) {
      const prefix = label.replace(/\d+$/, '');
      files.set(prefix, (files.get(prefix) ?? new Set()).add(path));
    }
  }
  return [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([prefix, where]) => {
      const why =
        where.size > 1
          ? `has ${where.size} files`
          : prefix.length < 2 || families.includes(prefix)
            ? 'is for rows'
            : '';
      return why === '' ? [] : [`${prefix} ${why}: ${[...where].join(', ')}`];
    });
}

/** @param {string} path */
function isTest(path) {
  return /(^|\/)test\/|\/conformance\/|\.test\.ts$|^tools\/(checks\/pack\.mjs$|smoke\/)/.test(path);
}

/** @param {string} text @param {number} offset */
function lineAt(text, offset) {
  return text.slice(0, offset).split('\n').length;
}
