// @ts-check
/**
 * A vitest reporter that counts, notes which tests failed and which were left out, and ends a run that has got stuck: the other reporter does
 * the talking.
 *
 * CNT1  What has no failing test to stand for it still counts as a failure: a file that does not load, a failing hook, an
 *     unhandled error, a file that never ends.
 * CNT2  Each failure has a name that says where to look.
 * CNT3  A run is stuck when no file ends for a long time. vitest cannot interrupt a test that spins; whoever started us
 *     kills the worker when we leave.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './root.mjs';

/**
 * `failedIn`: the files in which something failed, each with how many of its tests passed.
 * @typedef {{ passed: number, failures: string[], failedIn: Record<string, number>, leftOut: { file: string, reason: string }[] }} Count
 */
/** @typedef {import('vitest/node').TestModule} TestModule */

const stuckMs = Number(process.env['VARVE_STUCK_MS'] ?? 300_000);

export default class CountReporter {
  /** @type {Map<string, TestModule>} */
  #running = new Map();
  /** @type {TestModule[]} */
  #ended = [];
  /** @type {NodeJS.Timeout | undefined} */
  #stuck;

  /** @param {TestModule} module */
  onTestModuleStart(module) {
    this.#running.set(module.id, module);
    this.#stuck ??= setTimeout(() => this.#giveUp(), stuckMs).unref();
  }

  /** @param {TestModule} module */
  onTestModuleEnd(module) {
    this.#running.delete(module.id);
    this.#ended.push(module);
    this.#stuck?.refresh();
  }

  /**
   * @param {readonly TestModule[]} modules
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    clearTimeout(this.#stuck);
    write(
      modules,
      unhandled.map((error) => `unhandled: ${firstLine(error)}`),
    );
  }

  #giveUp() {
    const stuck = [...this.#running.values()].map(
      (module) => `${fileOf(module)}: stuck: no file has ended for ${stuckMs / 1000} seconds`,
    );
    for (const line of stuck) console.error(line);
    write(this.#ended, stuck.length > 0 ? stuck : ['stuck between files']);
    process.exit(1);
  }
}

/**
 * @param {readonly TestModule[]} modules
 * @param {readonly string[]} failures besides those of tests
 */
function write(modules, failures) {
  /** @type {Count} */
  const count = { passed: 0, failures: [...failures], failedIn: {}, leftOut: [] };
  for (const module of modules) {
    const [passedBefore, failedBefore] = [count.passed, count.failures.length];
    for (const error of module.errors()) count.failures.push(`${fileOf(module)}: ${firstLine(error)}`);
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors())
        count.failures.push(`${fileOf(module)} > ${suite.fullName}: ${firstLine(error)}`);
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') count.passed += 1;
      else if (result.state === 'failed') count.failures.push(`${fileOf(module)} > ${test.fullName}`);
      else count.leftOut.push({ file: fileOf(module), reason: (result.state === 'skipped' && result.note) || '' });
    }
    if (count.failures.length > failedBefore) count.failedIn[fileOf(module)] = count.passed - passedBefore;
  }
  const file = process.env['VARVE_COUNT_FILE'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(count));
}

/** @param {TestModule} module */
function fileOf(module) {
  return relative(root, module.moduleId);
}

/** @param {unknown} error */
function firstLine(error) {
  const { message } = /** @type {{ message?: unknown }} */ (error ?? {});
  return String(message ?? error).split('\n', 1)[0];
}
