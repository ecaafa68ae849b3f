// @ts-check
/** Whatever is cited exists, and every row of docs/spec is proven or given to a later package. See lib/citations.mjs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkCitations } from './lib/citations.mjs';
import { root, textsBelow } from '../run/root.mjs';

const said = {
  missing: 'cited and not there',
  untested: 'a row that no test cites and no page gives to a later package',
  faults: 'a fault that no test cites',
  style: 'a decision cited by a number',
  labels: "a prefix of labels that is not one file's own",
};

/** @param {readonly string[]} folders @param {readonly string[]} endings @returns {Map<string, string>} */
function texts(folders, endings) {
  const skipped = /(^|\/)(node_modules|dist|\.work)\/|CHANGELOG\.md$/;
  return new Map(
    folders.flatMap((folder) =>
      [...textsBelow(folder, ...endings)]
        .map(([path, text]) => /** @type {const} */ ([`${folder}/${path}`, text]))
        .filter(([path]) => !skipped.test(path)),
    ),
  );
}

const folders = ['packages', 'tools', 'examples'];
const top = readdirSync(root).filter((name) => name.endsWith('.md'));
const findings = checkCitations({
  code: texts(folders, ['.ts', '.mjs', '.cjs']),
  pages: new Map([
    ...texts([...folders, 'docs', '.changeset'], ['.md']),
    ...top.map((name) => /** @type {const} */ ([name, readFileSync(join(root, name), 'utf8')])),
  ]),
  decisions: readdirSync(join(root, 'docs', 'decisions')),
});

let problems = 0;
for (const kind of /** @type {const} */ (['missing', 'untested', 'faults', 'style', 'labels'])) {
  for (const line of findings[kind]) console.log(`${said[kind]}: ${line}`);
  problems += findings[kind].length;
}
console.log(`${problems} problems`);
process.exitCode = problems === 0 ? 0 : 1;
