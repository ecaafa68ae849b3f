// @ts-check
/**
 * For one use: gives citations and labels their unique names. Prints what it would do; `--write` does it. Delete it afterwards.
 *
 *     node tools/rename-citations.mjs [--write] [--base COMMIT]
 *
 * N1  `decision 19` becomes `decisions/0021`: until now a number meant the list of the design, not a file.
 * N2  Labels at the head of a file get a prefix of their own; what the same package cites of them follows, in comments and
 *     strings. What could mean two things is printed with a question mark: look at each.
 * N3  With `--base`, titles of tests on lines that are new since then and begin with `A7:` or `C:` become `XA7:` and `XC:`:
 *     rows of docs/spec/faults.md, since B, C, D and F are rows of other pages.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSync } from 'oxc-parser';
import { declaredLabels, families, readRows } from './workshop/citations.mjs';
import { root, textsBelow } from './workshop/root.mjs';

/** Number in the design to file of docs/decisions. @type {Readonly<Record<string, string>>} */
const decisions = {
  1: '0001',
  2: '0002',
  5: '0006',
  6: '0015',
  7: '0016',
  8: '0014',
  9: '0004',
  10: '0017',
  11: '0018',
  12: '0019',
  13: '0005',
  14: '0023',
  15: '0009',
  16: '0022',
  18: '0020',
  19: '0021',
  20: '0011',
  23: '0024',
};
/** Words that look like labels and are none. */
const reserved = new Set([
  ...families,
  'UTF',
  'SHA',
  'CRC',
  'ES',
  'ID',
  'XA',
  'XB',
  'XC',
  'XD',
  'XE',
  'XF',
  'KV',
  'OK',
]);

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false }, base: { type: 'string' } } });

/** @type {Map<string, string>} */
const files = new Map(
  ['packages', 'tools', 'examples'].flatMap((folder) =>
    [...textsBelow(folder, '.ts', '.mjs', '.cjs')]
      .map(([path, text]) => /** @type {const} */ ([`${folder}/${path}`, text]))
      .filter(([path]) => !/(^|\/)(dist|\.work)\/|rename-citations/.test(path)),
  ),
);
const rows = readRows(new Map([...textsBelow('docs/spec', '.md')].map(([path, text]) => [`docs/spec/${path}`, text])));
const labels = new Map([...files].map(([path, text]) => [path, declaredLabels(text)]));
const renamed = choosePrefixes();
const added = values.base === undefined ? new Map() : addedLines(values.base);

let changes = 0;
for (const [path, text] of files) {
  const next = renameTitles(path, renameWords(path, text));
  if (next === text) continue;
  const before = text.split('\n');
  for (const [index, line] of next.split('\n').entries()) {
    if (line === before[index]) continue;
    changes += 1;
    console.log(`${path}:${index + 1}\n  - ${before[index]?.trim()}\n  + ${line.trim()}`);
  }
  if (values.write) writeFileSync(join(root, path), next);
}
for (const [path, prefixes] of renamed)
  for (const [from, to] of prefixes) console.log(`${from} of ${path} is now ${to}`);
console.log(`${changes} lines ${values.write ? 'changed: format, build and test now' : 'would change'}`);

/** The new prefix of each old one that is not its file's own. */
function choosePrefixes() {
  /** @type {Map<string, Set<string>>} */
  const users = new Map();
  for (const [path, set] of labels)
    for (const label of set) users.set(prefixOf(label), (users.get(prefixOf(label)) ?? new Set()).add(path));
  const taken = new Set([...reserved, ...[...users.keys()].filter((prefix) => prefix.length > 1)]);
  /** @type {Map<string, Map<string, string>>} */
  const chosen = new Map();
  for (const [prefix, paths] of users) {
    // One of several files with a good prefix may keep it.
    const keeps = prefix.length > 1 && !families.includes(prefix) ? [...paths][0] : undefined;
    for (const path of paths) {
      if (path === keeps) continue;
      const to = candidates(path).find((one) => !taken.has(one));
      if (to === undefined) throw new Error(`no prefix is left for ${path}`);
      taken.add(to);
      chosen.set(path, (chosen.get(path) ?? new Map()).set(prefix, to));
    }
  }
  return chosen;
}

/** Prefixes for a file, the plainest first. @param {string} path @returns {string[]} */
function candidates(path) {
  const words = basename(path).replace(/\..*$/, '').toUpperCase().split('-');
  const first = words[0] ?? '';
  const home = (path.split('/')[1] ?? '').slice(0, 1).toUpperCase();
  const initials = words.map((word) => word.slice(0, 1)).join('');
  const all = words.join('');
  const skeleton = first.slice(0, 1) + all.slice(1).replace(/[AEIOU]/g, '');
  const list = [
    initials,
    first.slice(0, 2),
    skeleton.slice(0, 2),
    skeleton.slice(0, 3),
    first.slice(0, 3),
    home + initials,
  ];
  for (let i = 1; i < all.length; i += 1)
    for (let j = i + 1; j < all.length; j += 1) list.push(`${all[0]}${all[i]}${all[j]}`);
  return [...list, home + first.slice(0, 3), all.slice(0, 4)].filter((one) => /^[A-Z]{2,4}$/.test(one));
}

/** @param {string} path @param {string} text */
function renameWords(path, text) {
  const own = renamed.get(path);
  const home = path.split('/').slice(0, 2).join('/');
  const headEnd = text.indexOf('*/');
  let result = '';
  let from = 0;
  for (const [start, end] of wordSpans(path, text)) {
    result += text.slice(from, start);
    from = end;
    result += text
      .slice(start, end)
      .replace(/(?<![\w.$#/-])([A-Z]{1,4})(\d{1,2})(?![\w-])/g, (label, prefix, number, offset) => {
        if (labels.get(path)?.has(label)) {
          const to = own?.get(prefix);
          if (to === undefined) return label;
          if (rows.has(label) && start + offset > headEnd)
            console.log(`? ${path}: ${label} is a row, too: ${near(text, start + offset)}`);
          return to + number;
        }
        const here = [...labels].filter(([other, set]) => other.startsWith(`${home}/`) && set.has(label));
        if (rows.has(label) || families.includes(prefix)) {
          // Rows of packages that are not built yet are hardly meant where a file beside has such a label; C is of a file's rules.
          if (!/^[LSCG]$/.test(prefix) || here.length === 0 || (prefix === 'C' && home === 'packages/bolt'))
            return label;
          const [only] = here.length === 1 ? here : [];
          const to = only && renamed.get(only[0])?.get(prefix);
          const owners = here.map(([other]) => other).join(' or ');
          console.log(
            `? ${path}: ${label} ${to ? 'is taken for that' : 'may be'} of ${owners}: ${near(text, start + offset)}`,
          );
          return to === undefined ? label : to + number;
        }
        const owners = [...renamed].filter(
          ([other, prefixes]) => other.startsWith(`${home}/`) && prefixes.has(prefix) && labels.get(other)?.has(label),
        );
        if (owners.length === 0) return label;
        const [owner] = owners;
        if (owners.length === 1 && owner !== undefined) return `${owner[1].get(prefix)}${number}`;
        console.log(
          `? ${path}: ${label} is of ${owners.map(([other]) => other).join(' or ')}: ${near(text, start + offset)}`,
        );
        return label;
      });
  }
  return (result + text.slice(from)).replace(
    /(?:design(?:\.md,)? )?\bdecisions? (\d+)\b(?: and (\d+)\b)?/g,
    (all, one, two) => {
      const names = [one, two].filter((number) => number !== undefined).map((number) => decisions[number]);
      return names.includes(undefined) ? all : names.map((name) => `decisions/${name}`).join(' and ');
    },
  );
}

/** @param {string} path @param {string} text */
function renameTitles(path, text) {
  const lines = added.get(path);
  if (lines === undefined || !path.endsWith('.test.ts')) return text;
  return text
    .split('\n')
    .map((line, index) =>
      lines.has(index + 1)
        ? line.replace(
            /(['"`])((?:[A-F]\d{0,2})(?:(?:, ?| and | )[A-F]\d{1,2})*)(?=: )/g,
            (_, quote, ids) => quote + ids.replace(/[A-F](?=\d|$)/g, 'X$&'),
          )
        : line,
    )
    .join('\n');
}

/** The lines of test files that are new since a commit. @param {string} base @returns {Map<string, Set<number>>} */
function addedLines(base) {
  const { stdout } = spawnSync('git', ['diff', '-U0', '--no-color', base, '--', '*.test.ts'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  /** @type {Map<string, Set<number>>} */
  const found = new Map();
  let path = '';
  for (const line of stdout.split('\n')) {
    path = /^\+\+\+ b\/(.*)$/.exec(line)?.[1] ?? path;
    const [, start, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (start === undefined) continue;
    const set = found.get(path) ?? new Set();
    for (let i = 0; i < Number(count); i += 1) set.add(Number(start) + i);
    found.set(path, set);
  }
  return found;
}

/** Where comments and strings stand, in order. @param {string} path @param {string} text @returns {[number, number][]} */
function wordSpans(path, text) {
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
  return spans.toSorted(([a], [b]) => a - b);
}

/** @param {string} label */
function prefixOf(label) {
  return label.replace(/\d+$/, '');
}

/** @param {string} text @param {number} offset */
function near(text, offset) {
  return text.slice(text.lastIndexOf('\n', offset) + 1, text.indexOf('\n', offset)).trim();
}
