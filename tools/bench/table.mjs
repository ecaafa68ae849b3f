// @ts-check
// Puts what was measured into the documents: README.md and docs/performance.md, between their marks. A test holds that both say what
// docs/performance/measured.json says.
//
//   node tools/bench/bin.mjs --full --rounds 3 --out docs/performance/measured.json && node tools/bench/table.mjs --write
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsOf, refuse } from '../run/flags.mjs';
import { root } from '../run/root.mjs';
import { missingIn, withMeasured } from './lib/document.mjs';
import { bars } from './lib/bars.mjs';

const usage = `node tools/bench/table.mjs [FILE.json, docs/performance/measured.json] [--write]
  shows what a run of tools/bench/bin.mjs with --out has measured; --write: into README.md and docs/performance.md`;
const { flags, positionals } = flagsOf(usage, { write: { type: 'boolean', default: false } }, { positionals: true });
if (positionals.length > 1) refuse(usage, 'One file, please.');

const file = positionals[0] ?? join(root, 'docs', 'performance', 'measured.json');
/** @type {import('./lib/contract.d.mts').Report} */
const report = JSON.parse(readFileSync(file, 'utf8'));
if (!flags.write) process.stdout.write(`${bars(report)}\n`);
else {
  const missing = missingIn(report);
  if (missing !== undefined) refuse(usage, `The run has no peer ${missing}, which the documents compare with.`);
  for (const name of ['README.md', 'docs/performance.md']) {
    const path = join(root, name);
    writeFileSync(path, withMeasured(readFileSync(path, 'utf8'), report));
    process.stdout.write(`${name} says what ${file} says\n`);
  }
}
