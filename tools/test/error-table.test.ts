/** The table of errors against sources that exist only here. */
import { expect, test } from 'vitest';
import { checkErrorTable } from '../checks/lib/error-table.mjs';

const page = (...rows: string[]) =>
  ['# Errors', '## @x/a', '| code | when | what to do |', '| --- | --- | --- |', ...rows].join('\n');
const errors = `export type AErrorCode = 'A_ONE' | 'A_TWO';\nexport const one = new Error('A_ONE');`;
const thrower = `throw new AError('A_TWO', 'words');`;
const check = (text: string, files: Record<string, string> = { 'errors.ts': errors, 'a.ts': thrower }) =>
  checkErrorTable(text, [{ name: '@x/a', files: new Map(Object.entries(files)) }]);
const one = '| `A_ONE` | then | that |';
const two = '| `A_TWO` | then | that |';

test('XD2: a table that has every code has no problems', () => {
  expect(check(page(one, two))).toEqual([]);
});

test.each([
  ['a code without a row', [one], '@x/a: A_TWO has no row'],
  ['a code with two', [one, one, two], '@x/a: A_ONE has 2 rows'],
  ['a row about nothing', [one, two, '| `A_THREE` | then | that |'], 'line 7: no package has A_THREE'],
  ['a row in the wrong section', [one, '## @x/b', two], '@x/a: A_TWO stands under @x/b, line 7'],
  ['a row without advice', [one, '| `A_TWO` | then | |'], 'line 6: a row has a code, when, and what to do'],
])('XD2: %s is told so', (_, rows, problem) => {
  expect(check(page(...rows))).toEqual([problem]);
});

test.each([
  ['compared', `if (error.code === 'A_TWO') stop();`],
  ['asked for', `if (hasCode(error, 'A_TWO')) stop();`],
  ['a case', `switch (code) { case 'A_TWO': stop(); }`],
  ['a key', `const exits = { 'A_TWO': 3 };`],
  ['a type', `function f(code: 'A_TWO'): void {}`],
  ['in a comment', `// 'A_TWO'`],
])('XD2: a code that is only %s is thrown nowhere', (_, text) => {
  expect(check(page(one, two), { 'errors.ts': errors, 'a.ts': text })).toEqual(['@x/a: A_TWO is thrown nowhere']);
});

test.each([`throw fail('A_TWO');`, `const codes = { EACCES: 'A_TWO' };`, `const code = own ? 'A_ONE' : 'A_TWO';`])(
  'XD2: %s gives it to somebody',
  (text) => {
    expect(check(page(one, two), { 'errors.ts': errors, 'a.ts': text })).toEqual([]);
  },
);
