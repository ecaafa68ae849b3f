import { expect, test } from 'vitest';
import { citationsIn } from '../checks/lib/hover-docs.mjs';

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
