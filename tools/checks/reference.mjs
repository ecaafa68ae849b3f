// @ts-check
/**
 * docs/reference.md has every call, option, default and error of a `Kv`, as the types have them. The rules are in lib/reference.mjs.
 * `node tools/checks/reference.mjs --write` writes the page.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, textsBelow } from '../run/root.mjs';
import { codesOf, differences, pageOf, referenceOf } from './lib/reference.mjs';

const path = join(root, 'docs', 'reference.md');
const sources = ['api', 'kv'].map((folder) => ({
  name: `@varve/${folder}`,
  files: new Map(textsBelow(`packages/${folder}/src`, '.ts')),
}));
/** Where options are declared that are only handed on. */
const others = ['api', 'backend'].flatMap((folder) => Array.from(textsBelow(`packages/${folder}/src`, '.ts').values()));
/** @type {string[]} */
const known = [];
const packages = sources.map(({ name, files }) => {
  const reference = referenceOf(files, { others, known });
  known.push(...reference.tables.map((table) => table.name));
  return { name, reference };
});
const wanted = pageOf(packages, codesOf(sources[0]?.files.get('errors.ts') ?? ''));
if (process.argv.includes('--write')) writeFileSync(path, wanted);
const problems = [
  ...packages.flatMap(({ reference }) => reference.problems),
  ...differences(readFileSync(path, 'utf8'), wanted),
];
for (const problem of problems) console.log(`docs/reference.md: ${problem}`);
console.log(`${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
