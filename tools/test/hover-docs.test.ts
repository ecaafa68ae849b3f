import { expect, test } from 'vitest';
import { citationsIn, reachable } from '../checks/lib/hover-docs.mjs';

test('HD1: what only the repository has is found, with its line', () => {
  const text = `/**
 * The head of the file, with KK5 and law 3.
 */
import type { A } from './a.ts';
/** Frees space (law 9), see M13. */
export interface B {
    /** As decisions/0008 says (spec 7.2), in watch.ts. */
    readonly c: number;
    /** UTF8, SHA256 and [M14](https://example.org/M14). */
    readonly d: number;
}
`;
  expect(citationsIn(text)).toEqual([
    { cited: 'law 9', line: 5 },
    { cited: 'M13', line: 5 },
    { cited: 'decisions/0008', line: 7 },
    { cited: 'spec 7', line: 7 },
    { cited: 'watch.ts', line: 7 },
  ]);
});

test('HD2: a comment at the head that is the doc of what follows counts', () => {
  expect(citationsIn('/** Row L3. */\nexport declare const a: number;\n')).toEqual([{ cited: 'L3', line: 1 }]);
});

test('HD4: what the entries lead to is looked at, and what is for tests is not', () => {
  const files = new Map([
    ['index.d.ts', "export { open } from './open.ts';\nexport type * from './a/b.js';\n"],
    ['open.d.ts', "/** W. */\nexport declare function open(): import('./c.js').C;\n"],
    ['a/b.d.ts', "import type { D } from '../d.ts';\nimport 'node:fs';\n"],
    ['c.d.ts', ''],
    ['d.d.ts', "export * from './index.ts';\n"],
    ['hidden.d.ts', ''],
  ]);
  expect([...reachable(files, ['index.d.ts']).keys()].toSorted()).toEqual([
    'a/b.d.ts',
    'c.d.ts',
    'd.d.ts',
    'index.d.ts',
    'open.d.ts',
  ]);
  expect(citationsIn('declare class A {\n/** Throws when HD1 does not hold. For tests. */\nb(): void;\n}')).toEqual([]);
});
