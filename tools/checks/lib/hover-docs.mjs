// @ts-check
/**
 * What the doc comments of a declaration file cite that only somebody with the repository can open.
 *
 * HD1  Rows and labels (M13, KK5), laws, decisions, `spec 7.2`, and files of the sources. What lies behind a link may be cited.
 * HD2  The comment at the head of a file is no hover doc: nobody meets it who has not opened the sources.
 * HD3  Names that look like rows and are not, such as UTF8, are listed here.
 * HD4  A user meets what the entries of a package lead to, by imports and exports; other declarations are for who opens the sources.
 *      So is what ends with "For tests.".
 */
import { posix } from 'node:path';

const comment = /\/\*\*[^]*?\*\//g;
const cites =
  /\b[A-Z]{1,4}\d+\b|\blaws? \d+|\bdecisions\/\d{4}|\bspec \d|\bspec section|\bspec [a-z-]+\.md|\b[a-z-]+\.ts\b/g;
const link = /\[[^\]]*\]\([^)]*\)|\{@link [^}]*\}|https?:\/\/\S+/g;
const names = new Set([
  'UTF8',
  'UTF16',
  'SHA256',
  'SHA1',
  'CRC32C',
  'CRC32',
  'V8',
  'IEEE754',
  'U+FFFD',
  'B7',
  'FAT32',
  'EXT4',
]);

/** @param {string} text a declaration file @returns {{ cited: string, line: number }[]} */
export function citationsIn(text) {
  /** @type {{ cited: string, line: number }[]} */
  const found = [];
  for (const { 0: doc, index } of text.matchAll(comment)) {
    if (text.slice(0, index).trim() === '' && isHead(text.slice(index + doc.length))) continue;
    if (/For tests\.\s*\*\/$/.test(doc)) continue;
    const spoken = doc.replace(link, (linked) => ' '.repeat(linked.length));
    for (const { 0: cited, index: at } of spoken.matchAll(cites)) {
      if (!names.has(cited)) found.push({ cited, line: text.slice(0, index + at).split('\n').length });
    }
  }
  return found;
}

/**
 * The declaration files that a user can meet (HD4).
 * @param {ReadonlyMap<string, string>} files by their path in the folder
 * @param {readonly string[]} entries paths of `.d.ts` files
 * @returns {Map<string, string>}
 */
export function reachable(files, entries) {
  /** @type {Map<string, string>} */
  const met = new Map();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const text = files.get(path);
    if (text === undefined || met.has(path)) continue;
    met.set(path, text);
    for (const [, from] of text.matchAll(/(?:\bfrom |\bimport\()['"](\.[^'"]+)['"]/g)) {
      open.push(posix.join(posix.dirname(path), String(from)).replace(/\.(ts|js)$/, '.d.ts'));
    }
  }
  return met;
}

/** Whether what follows a comment is nothing that the comment could be the doc of: an import, or another comment. @param {string} rest */
function isHead(rest) {
  return /^\s*(import\b|\/\*\*|export \{|export \*|export type \{|$)/.test(rest);
}
