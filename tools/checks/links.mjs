// @ts-check
/** Relative links in our Markdown lead somewhere: to a file that is there, and to a heading that is in it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from '../run/root.mjs';

/** Folders that are not ours to read. */
const skipped = new Set(['node_modules', 'dist', '.git', '.tools', '.work', '.turbo', '.data', 'coverage']);

/** @type {string[]} */
const problems = [];
const documents = markdownBelow(root);
let links = 0;
for (const file of documents) {
  for (const [, link = ''] of withoutCode(readFileSync(file, 'utf8')).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)) {
    if (/^[a-z]+:/i.test(link)) continue;
    links += 1;
    const [path = '', anchor] = decodeURI(link).split('#');
    const target = path === '' ? file : join(path.startsWith('/') ? root : dirname(file), path);
    const where = `${relative(root, file)}: ${link}`;
    if (!existsSync(target)) problems.push(`${where} leads nowhere`);
    else if (anchor && target.endsWith('.md') && !headings(target).has(anchor))
      problems.push(`${where}: there is no such heading`);
  }
}

for (const problem of problems) console.log(problem);
console.log(`${documents.length} documents, ${links} links, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** @param {string} folder @returns {string[]} */
function markdownBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !skipped.has(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return markdownBelow(path);
      return entry.name.endsWith('.md') && statSync(path).isFile() ? [path] : [];
    });
}

/** @param {string} text */
function withoutCode(text) {
  return text.replace(/^( *)(`{3,}|~{3,})[^]*?^ *\2.*$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors a reader's page gives to the headings. @param {string} file */
function headings(file) {
  const text = readFileSync(file, 'utf8').replace(/^( *)(`{3,}|~{3,})[^]*?^ *\2.*$/gm, '');
  /** @type {Map<string, number>} */
  const seen = new Map();
  return new Set(
    [...text.matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)].map(([, title = '']) => {
      const anchor = title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-');
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times === 0 ? anchor : `${anchor}-${times}`;
    }),
  );
}
