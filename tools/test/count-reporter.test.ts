/** The count and the names of failures, of a small project made here. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { run } from '../run/child.mjs';
import { root } from '../run/root.mjs';
import type { Count } from '../run/count-reporter.mjs';
import { together } from '../run/tests.mjs';

const work = join(import.meta.dirname, '.work');
mkdirSync(work, { recursive: true });
const folder = mkdtempSync(join(work, 'count-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('XF3: whatever fails has a name, a test as well as a file, a hook and a stray rejection', async () => {
  const files = {
    'fine.test.ts': `import { test } from 'vitest'; test('fine', () => {}); test.skip('later', () => {});`,
    'wrong.test.ts': `import { describe, test } from 'vitest'; describe('a', () => test('b', () => { throw new Error('no'); }));`,
    'broken.test.ts': `throw new Error('does not load');`,
    'hook.test.ts': `import { beforeAll, describe, test } from 'vitest'; describe('c', () => { beforeAll(() => { throw new Error('no hook'); }); test('d', () => {}); });`,
    'stray.test.ts': `import { test } from 'vitest'; test('e', async () => { void Promise.reject(new Error('stray')); await new Promise((r) => setImmediate(r)); });`,
    'vitest.config.ts': `export default { test: { include: ['*.test.ts'] } };`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const file = join(folder, 'count.json');
  const args = [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    `--root=${folder}`,
    `--reporter=${join(root, 'tools', 'run', 'count-reporter.mjs')}`,
  ];
  const { code } = await run('node', args, { quiet: true, env: { VARVE_COUNT_FILE: file, VITEST: undefined } });
  expect(code).toBe(1);
  const count = JSON.parse(readFileSync(file, 'utf8')) as Count;
  const here = folder.slice(root.length + 1);
  expect(count.failures.toSorted()).toEqual([
    `${here}/broken.test.ts: does not load`,
    `${here}/hook.test.ts > c: no hook`,
    `${here}/wrong.test.ts > a > b`,
    'unhandled: stray',
  ]);
  expect({ passed: count.passed, leftOut: count.leftOut.length }).toEqual({ passed: 2, leftOut: 2 });
  expect(Object.keys(count.failedIn).toSorted()).toEqual(
    ['broken', 'hook', 'wrong'].map((name) => `${here}/${name}.test.ts`),
  );
});

test('TE3: what failed beside other work and holds alone has passed, and nothing else has', () => {
  const first: Count = {
    passed: 10,
    failures: ['a.test.ts > one', 'b.test.ts: does not load', 'unhandled: stray'],
    failedIn: { 'a.test.ts': 2, 'b.test.ts': 0 },
    leftOut: [
      { file: 'a.test.ts', reason: 'no etcd' },
      { file: 'c.test.ts', reason: 'no etcd' },
    ],
  };
  const held: Count = { passed: 7, failures: [], failedIn: {}, leftOut: [{ file: 'a.test.ts', reason: 'no etcd' }] };
  expect(together(first, held)).toEqual({
    ...first,
    passed: 15,
    failures: ['unhandled: stray'],
    failedIn: {},
    leftOut: expect.arrayContaining(first.leftOut) as unknown,
  });
  const failed: Count = { ...held, passed: 6, failures: ['a.test.ts > two'], failedIn: { 'a.test.ts': 2 } };
  expect(together(first, failed).failures).toEqual(['unhandled: stray', 'a.test.ts > two']);
  expect(together(first, failed).passed).toBe(14);
});
