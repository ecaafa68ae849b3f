/** DNL1: what broke off is run again, and nobody waits where there is no network. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { download, saysNoNetwork } from '../run/download.mjs';

/** A command that says each of these and fails, one a run, then succeeds; and how often it was run. */
function failing(...words: readonly string[]): { readonly args: readonly string[]; readonly runs: () => number } {
  const folder = mkdtempSync(join(tmpdir(), 'varve-download-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'runs');
  writeFileSync(file, '');
  const program = `const { appendFileSync, readFileSync } = require('node:fs');
    const [file, ...words] = process.argv.slice(1);
    const said = words[readFileSync(file).length];
    appendFileSync(file, 'x');
    if (said !== undefined) { console.error(said); process.exitCode = 1; }`;
  return { args: ['-e', program, file, ...words], runs: () => readFileSync(file).length };
}

test.each([
  [['npm error code ECONNRESET'], 0, 2],
  [['npm error code E503', 'ETIMEDOUT'], 0, 3],
  [['one', 'two', 'three'], 1, 3],
  [['getaddrinfo ENOTFOUND registry'], 1, 1],
  [['npm error code E404'], 1, 1],
  [[], 0, 1],
])('DNL1: after %j it ends with %i, and was run %i times', async (words, code, runs) => {
  const command = failing(...words);
  const ended = await download('node', command.args, { quiet: true });
  expect([ended.code, command.runs()]).toEqual([code, runs]);
});

test('whoever broke off may have no network, and whoever was refused what is not there has one', () => {
  expect(['ECONNRESET', 'EAI_AGAIN', 'E404', 'EINTEGRITY'].map(saysNoNetwork)).toEqual([true, true, false, false]);
});
