// @ts-check
/**
 * The test run: every vitest project, then in plain words what was left out and why, then what failed, then the count.
 *
 * TE1  The last line is `N passed, N failed`. A file that does not load, an unhandled error, or a runner that dies counts
 *     as a failure, so the line never says 0 when the exit code is not.
 * TE2  The names of what failed stand right above it: a failure that comes once in a hundred runs must leave its name even
 *     where somebody keeps only the end of what was printed.
 * TE3  With `--again`, files in which something failed are run once more, alone, when there are few. What holds then is named, and counts as
 *     passed: beside other work on a busy machine even a program that is not ours may do what it never does. What fails again has failed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interrupted, run } from './child.mjs';
import { absentPrograms } from './programs.mjs';
import { packagesIn, root } from './root.mjs';

/** @typedef {import('./count-reporter.mjs').Count} Count */

/** More than these did not fail by chance. */
const mostFilesAgain = 3;

/**
 * @param {readonly string[]} args passed to vitest; `--packages` stands for the projects of all packages
 * @returns {Promise<number>} the exit code
 */
export async function runTests(args) {
  const chosen = args
    .filter((arg) => arg !== '--again')
    .flatMap((arg) =>
      arg === '--packages' ? packagesIn('packages').map(({ folder: name }) => `--project=${name}`) : [arg],
    );
  let { code, count } = await vitest(chosen);
  if (interrupted()) return code;
  if (args.includes('--again')) {
    const files = Object.keys(count.failedIn);
    if (files.length > 0 && files.length <= mostFilesAgain) {
      console.log(`Once more, alone: ${files.join(', ')}`);
      const again = await vitest([...files, '--maxWorkers=1']);
      if (interrupted()) return again.code;
      const whole = together(count, again.count);
      for (const name of count.failures.filter((failure) => !whole.failures.includes(failure))) {
        console.log(`Failed beside other work, and held alone: ${name}`);
      }
      code = whole.failures.length === 0 ? again.code : code;
      count = whole;
    }
  }
  for (const line of [...absentPrograms(), ...leftOutLines(count)]) console.log(line);
  for (const name of count.failures) console.log(`Failed: ${name}`);
  console.log(`${count.passed} passed, ${count.failures.length} failed`);
  return code;
}

/**
 * One run of vitest. What it counted says what failed whenever its code does.
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, count: Count }>}
 */
async function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-test-'));
  const file = join(folder, 'count.json');
  try {
    const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', `--reporter=${join(root, 'tools', 'run', 'count-reporter.mjs')}`];
    const { code } = await run('node', [program, 'run', '--silent=passed-only', ...reporters, ...args], {
      group: true,
      env: { VARVE_COUNT_FILE: file, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }) },
    });
    /** @type {Count} */
    const count = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { passed: 0, failures: [], failedIn: {}, leftOut: [] };
    if (count.failures.length === 0 && code !== 0) count.failures.push(`vitest ended with code ${code}`);
    return { code, count };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What a whole run and a second one of the files that failed in it have shown together. Failures that belong to no file stay.
 * @param {Count} first
 * @param {Count} again
 * @returns {Count}
 */
export function together(first, again) {
  const files = Object.keys(first.failedIn);
  const passedTwice = Object.values(first.failedIn).reduce((sum, passed) => sum + passed, 0);
  return {
    passed: first.passed - passedTwice + again.passed,
    failures: [...first.failures.filter((name) => !files.some((file) => name.startsWith(file))), ...again.failures],
    failedIn: again.failedIn,
    leftOut: [...first.leftOut.filter(({ file }) => !files.includes(file)), ...again.leftOut],
  };
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
