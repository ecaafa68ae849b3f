// @ts-check
/** A vitest reporter that counts, and notes which tests were left out: the other reporter does the talking. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './root.mjs';

/** @typedef {{ passed: number, failed: number, leftOut: { file: string, reason: string }[] }} Count */

export default class CountReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    /** @type {Count} */
    const count = { passed: 0, failed: unhandled.length, leftOut: [] };
    for (const module of modules) {
      // A file that does not load, or a failing hook, has no failing test to stand for it.
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') count.passed += 1;
        else if (result.state === 'failed') count.failed += 1;
        else
          count.leftOut.push({
            file: relative(root, module.moduleId),
            reason: (result.state === 'skipped' && result.note) || '',
          });
      }
    }
    const file = process.env['VARVE_COUNT_FILE'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(count));
  }
}
