// @ts-check
/**
 * The test run: every vitest project, then in plain words what was left out and why, then what failed, then the count.
 *
 * TE1  The last line is `N passed, N failed`. A file that does not load, an unhandled error, or a runner that dies counts
 *     as a failure, so the line never says 0 when the exit code is not.
 * TE2  The names of what failed stand right above it: a failure that comes once in a hundred runs must leave its name even
 *     where somebody keeps only the end of what was printed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interrupted, run } from './child.mjs';
import { absentPrograms } from './programs.mjs';
import { packagesIn, root } from './root.mjs';

/** @typedef {import('./count-reporter.mjs').Count} Count */

/**
 * @param {readonly string[]} args passed to vitest; `--packages` stands for the projects of all packages
 * @returns {Promise<number>} the exit code
 */
export async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-test-'));
  const file = join(folder, 'count.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const chosen = args.flatMap((arg) =>
      arg === '--packages' ? packagesIn('packages').map(({ folder: name }) => `--project=${name}`) : [arg],
    );
    const reporters = ['--reporter=default', `--reporter=${join(root, 'tools', 'run', 'count-reporter.mjs')}`];
    const ended = await run('node', [vitest, 'run', '--silent=passed-only', ...reporters, ...chosen], {
      group: true,
      env: { VARVE_COUNT_FILE: file, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }) },
    });
    if (interrupted()) return ended.code;
    /** @type {Count} */
    const count = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failures: [], leftOut: [] };
    if (count.failures.length === 0 && ended.code !== 0) count.failures.push(`vitest ended with code ${ended.code}`);
    for (const line of [...absentPrograms(), ...leftOutLines(count)]) console.log(line);
    for (const name of count.failures) console.log(`Failed: ${name}`);
    console.log(`${count.passed} passed, ${count.failures.length} failed`);
    return ended.code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * One line per file and reason.
 * @param {Count} count
 */
function leftOutLines(count) {
  /** @type {Map<string, number>} */
  const groups = new Map();
  for (const { file, reason } of count.leftOut) {
    const line = `${file}${reason === '' ? '' : `: ${reason}`}`;
    groups.set(line, (groups.get(line) ?? 0) + 1);
  }
  return [...groups].map(([line, tests]) => `Left out: ${tests} ${tests === 1 ? 'test' : 'tests'} of ${line}`);
}
