// @ts-check
/** What `tools/run.mjs` offers: the tour, and the tests. */
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { interrupted, leave, run } from './child.mjs';
import { root } from './root.mjs';
import { runTests } from './tests.mjs';

const usage = `npm start [-- ARGUMENT of the tour...]
npm test [-- [--packages] [--project=NAME] [--again] [FILE or part of its path]... [option of vitest, such as -t 'W8']]
  installs and builds what is not, then shows the tour, or runs every test or those that are named; --again: what failed once more, alone`;

/**
 * @param {readonly string[]} argv the command, then its arguments
 * @returns {Promise<void>}
 */
export async function main([command, ...args]) {
  if ([command, ...args].includes('--help')) {
    console.log(usage);
    return;
  }
  if (command !== 'start' && command !== 'test') {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const code = await bootstrap();
  if (code !== 0) {
    if (command === 'test' && !interrupted()) console.log('0 passed, 1 failed');
    return leave(code);
  }
  leave(command === 'start' ? await tour(args) : await runTests(args));
}

/** @param {readonly string[]} args */
async function tour(args) {
  console.log();
  return (await run('node', [join(root, 'examples', 'tour', 'dist', 'main.js'), ...args])).code;
}
