// @ts-check
/** docs/errors.md has every error that a user can meet, and nothing else. The rules are in lib/error-table.mjs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkErrorTable } from './lib/error-table.mjs';
import { publishedPackages, root, textsBelow } from '../run/root.mjs';

const packages = publishedPackages().map(({ dir, manifest }) => ({
  name: manifest.name,
  files: textsBelow(`${dir}/src`, '.ts'),
}));
const problems = checkErrorTable(readFileSync(join(root, 'docs', 'errors.md'), 'utf8'), packages);
for (const problem of problems) console.log(`docs/errors.md: ${problem}`);
console.log(`${packages.length} packages, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
