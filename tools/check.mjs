// @ts-check
/**
 * Every check that is not a test, one line each: `npm run check`, or `npm run check -- lint format` for some of them.
 *
 * Installs and builds first, like `npm test`. The last line is `N passed, N failed`.
 */
import { join } from 'node:path';
import { bootstrap } from './run/bootstrap.mjs';
import { interrupted, leave, run, step } from './run/child.mjs';
import { refuse, withoutHelp } from './run/flags.mjs';
import { root } from './run/root.mjs';

const modules = join(root, 'node_modules');
const tsc = join(modules, 'typescript', 'bin', 'tsc');
const vitest = join(modules, 'vitest', 'vitest.mjs');

/** Name, and what `node` is asked to run. @type {Readonly<Record<string, readonly string[]>>} */
const checks = {
  references: [tsc, '-b', '--pretty', 'false'],
  types: [tsc, '-p', join(root, 'tsconfig.test.json'), '--pretty', 'false'],
  lint: [join(modules, 'oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings'],
  format: [join(modules, 'oxfmt', 'bin', 'oxfmt'), '--check'],
  boundaries: [join(root, 'tools', 'checks', 'boundaries.mjs')],
  manifests: [join(root, 'tools', 'checks', 'manifests.mjs')],
  changesets: [join(root, 'tools', 'checks', 'changesets.mjs')],
  errors: [join(root, 'tools', 'checks', 'errors.mjs')],
  reference: [join(root, 'tools', 'checks', 'reference.mjs')],
  citations: [join(root, 'tools', 'checks', 'citations.mjs')],
  hover: [join(root, 'tools', 'checks', 'hover-docs.mjs')],
  links: [join(root, 'tools', 'checks', 'links.mjs')],
  examples: [vitest, 'run', '--project', 'readme-examples'],
  pack: [join(root, 'tools', 'checks', 'pack.mjs')],
  installs: [join(root, 'tools', 'checks', 'installs.mjs')],
};

const usage = `npm run check [-- NAME...]
  ${Object.keys(checks).join(', ')}`;
const wanted = withoutHelp(usage);
const unknown = wanted.filter((name) => !Object.hasOwn(checks, name));
if (unknown.length > 0) refuse(usage, `There is no check named ${unknown.join(', ')}.`);
leave(await main());

/** @returns {Promise<number>} the exit code */
async function main() {
  const code = await bootstrap();
  if (code !== 0) {
    if (!interrupted()) console.log('0 passed, 1 failed');
    return code;
  }
  let passed = 0;
  let failed = 0;
  for (const [name, args] of Object.entries(checks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const ended = await step(name, () => run('node', args, { quiet: true }));
    if (interrupted()) return ended.code;
    if (ended.code === 0) passed += 1;
    else failed += 1;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
