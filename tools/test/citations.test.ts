/** Citations, in a repository that exists only here. */
import { expect, test } from 'vitest';
import { checkCitations, declaredLabels } from '../checks/lib/citations.mjs';

const pages = {
  'ARCHITECTURE.md':
    '## Laws\n\n| # | law |\n| --- | --- |\n| 1 | **One.** |\n| 2 | two |\n\n## Next\n\n| 7 | no law |\n',
  'docs/spec/a.md':
    '| # | row |\n| --- | --- |\n| M1 | one |\n| M2 | two |\n\n> Later, with the server: M3 to M4.\n\n| M3 | three |\n| M4 | four |\n',
};
const proof = { 'packages/a/test/a.test.ts': `test('M1, M2: all of it', f);` };

function check(code: Record<string, string>, more: Record<string, string> = {}) {
  return checkCitations({
    code: new Map(Object.entries({ ...proof, ...code })),
    pages: new Map(Object.entries({ ...pages, ...more })),
    decisions: ['0001-first.md'],
  });
}

test('a repository in which all is well', () => {
  const text = `/**\n * A file (M1, law 2, decisions/0001).\n *\n * AB1  A label.\n */\nconst M9 = R8; // AB1\n`;
  expect(check({ 'packages/a/src/a.ts': text })).toEqual({
    missing: [],
    untested: [],
    faults: [],
    style: [],
    labels: [],
  });
});

test.each([
  ['a row in a comment', '// as M5 says', 'M5'],
  ['a row in a title', `\n\ntest('M5: all of it', f);`, 'M5'],
  ['a row of a range', '// M1 to M5', 'M5'],
  ['a law', '// laws 1 and 3', 'law 3'],
  ['a decision', '// see decisions/0002', 'decisions/0002'],
])('%s that is cited and not there is told', (_, text, what) => {
  const line = text.split('\n').length;
  expect(check({ 'packages/a/src/a.ts': text }).missing).toEqual([`packages/a/src/a.ts:${line}: ${what}`]);
});

test('pages are read as well, without their examples', () => {
  const page = 'M9\n\n```ts\nM8\n```\n\nlaw 9\n';
  expect(check({}, { 'README.md': page }).missing).toEqual(['README.md:1: M9', 'README.md:7: law 9']);
});

test('a row without a test or a later package is told; code does not cite', () => {
  const { untested, missing } = check({
    'packages/a/test/a.test.ts': `const M2 = 1; test('M1: one', f);`,
    'packages/a/src/a.ts': '// M2',
  });
  expect({ untested, missing }).toEqual({ untested: ['M2'], missing: [] });
});

test('a decision has the name of its file', () => {
  const old = 19;
  expect(check({ 'packages/a/src/a.ts': `// design decision ${old}` }).style).toEqual([
    `packages/a/src/a.ts:1: decision ${old}: cite it by its file, such as decisions/0008`,
  ]);
});

test('a label may be cited in its package, and its prefix is one file’s own and no row’s', () => {
  const head = (label: string) => `/**\n * A file.\n *\n * ${label}  What holds.\n */\n`;
  const { labels, missing } = check({
    'packages/a/src/a.ts': head('M7'),
    'packages/a/src/b.ts': '// M7',
    'packages/b/src/c.ts': '// M7',
    'packages/b/src/d.ts': head('QA1'),
    'packages/b/src/e.ts': head('QA2'),
  });
  expect(missing).toEqual(['packages/b/src/c.ts:1: M7']);
  expect(labels).toEqual([
    'M is for rows: packages/a/src/a.ts',
    'QA has 2 files: packages/b/src/d.ts, packages/b/src/e.ts',
  ]);
});

test('a label stands at the head, apart from what it says', () => {
  expect([...declaredLabels('/**\n * M53 to M57 are calls.\n * RE2  Nothing.\n */\n/**\n * XY1  no\n */')]).toEqual([
    'RE2',
  ]);
});
