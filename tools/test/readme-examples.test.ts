/** How a fence becomes a program. */
import { describe, expect, test } from 'vitest';
import { rewriteAssertions } from '../readme-examples/assertions.mjs';
import { gives, prints } from '../readme-examples/example-checks.mjs';
import { readFences } from '../readme-examples/fences.mjs';
import { notForOldNode } from '../readme-examples/programs.mjs';

const page = (...lines: string[]): string => lines.join('\n');

describe('fences', () => {
  test('keep their line numbers', () => {
    const [fence] = readFences('a.md', page('# Title', '', '```ts', 'one();', '```'));
    expect(fence).toEqual({ document: 'a.md', line: 4, run: true, code: '\n\n\none();' });
  });

  test('in another language are not ours, nor is what stands inside them', () => {
    expect(readFences('a.md', page('````md', '```ts', 'one();', '```', '````', '```sh', 'ls', '```'))).toEqual([]);
  });

  test('that continue are one program', () => {
    const text = page('```ts', 'one();', '```', 'and', '```ts continued', 'two();', '```');
    expect(readFences('a.md', text)).toEqual([
      { document: 'a.md', line: 2, run: true, code: '\none();\n\n\n\ntwo();' },
    ]);
  });

  test('may be kept from running, and from nothing else', () => {
    expect(readFences('a.md', page('```ts no-run', 'one();', '```'))[0]?.run).toBe(false);
    expect(() => readFences('a.md', page('```ts no-check', 'one();', '```'))).toThrow('a.md:1: a ts fence knows');
  });

  test('in a list lose their indent', () => {
    expect(
      readFences('a.md', page('- item', '  ```ts', '  if (a) {', '    b();', '  }', '  ```'))[0]?.code.trim(),
    ).toBe('if (a) {\n  b();\n}');
  });
});

describe('// =>', () => {
  test('is rewritten without moving a line', () => {
    const code = page(
      '',
      'console.log(a, b); // => 1 2',
      'const c = f(); // => 3',
      `c.d; // => 'x'`,
      'const { e } = c; // => 4',
      'for await (const g of h) console.log(g); // => 5',
      'plain(); // why',
    );
    expect(rewriteAssertions(code, 'a.md').split('\n')).toEqual([
      `import * as __checks from './example-checks.mjs';`,
      'console.log(...__checks.prints("a.md:2", "1 2", a, b));',
      'const c = f(); __checks.gives("a.md:3", "3", c);',
      `__checks.gives("a.md:4", "'x'", c.d);`,
      'const { e } = c; __checks.gives("a.md:5", "4", e);',
      'for await (const g of h) console.log(...__checks.prints("a.md:6", "5", g));',
      'plain(); // why',
    ]);
  });

  test.each(['}); // => 1', 'if (a) b(); // => 1', 'const a = 1, b = 2; // => 1', '// => 1'])(
    '%s cannot be checked, and says so',
    (code) => {
      expect(() => rewriteAssertions(code, 'a.md')).toThrow(/^a\.md:1: \/\/ => needs/);
    },
  );

  test('compares what Node prints', () => {
    expect(prints('a:1', `dark { a: 1 }`, 'dark', { a: 1 })).toEqual(['dark', { a: 1 }]);
    prints('a:1', `'dark'`, 'dark');
    prints('a:1', 'dark', 'dark');
    gives('a:1', 'Uint8Array(2) [ 1, 2 ]', new Uint8Array([1, 2]));
    gives('a:1', `{ key: 'a', … }`, { key: 'a', version: 3 });
    expect(() => gives('a:1', '1', 2)).toThrow('a:1: says // => 1, and it is 2');
    expect(() => prints('a:1', 'a', 'a', 'b')).toThrow('a:1: says // => a, and it is a b');
  });
});

describe('XF2: an example runs as it stands on the oldest Node', () => {
  const fence = (...lines: string[]) => ({ document: 'a.md', line: 1, run: true, code: page(...lines) });

  test('JavaScript does', () => {
    expect(
      notForOldNode(fence('const a = await b();', 'try {', '  a.c();', '} finally {', '  a.close();', '}')),
    ).toEqual([]);
  });

  test.each([
    ['await using a = b();', `'await using' is a SyntaxError before Node 24: try/finally`],
    ['for (using a of b) a.c();', `'using' is a SyntaxError before Node 24: try/finally`],
  ])('%s does not, whatever Node looks', (line, message) => {
    expect(notForOldNode(fence('', line))).toEqual([`a.md:2: ${message}`]);
  });

  test.each(['const a = (b: string) => b;', 'const a = b as string;', 'interface A {}', `import type { A } from 'a';`])(
    '%s is not JavaScript',
    (line) => {
      expect(notForOldNode(fence('', line))).toEqual([
        expect.stringMatching(/^a\.md:2: is not JavaScript \(.*no-run$/),
      ]);
    },
  );
});
