/** The boundary rules, on packages that exist only here. The picture: `top` -> `middle` -> `bottom`. */
import { describe, expect, test } from 'vitest';
import { checkPackage, findCycle, type Row, type Unit } from '../checks/lib/boundaries/rules.mjs';
import { readSource } from '../checks/lib/boundaries/source.mjs';
import type { Manifest } from '../run/root.mjs';

const bottom: Manifest = {
  name: '@x/bottom',
  version: '1.0.0',
  exports: { '.': './dist/index.js', './deep': './dist/deep.js' },
};
const middle: Manifest = {
  name: '@x/middle',
  version: '1.0.0',
  exports: { '.': './dist/index.js' },
  dependencies: { '@x/bottom': 'workspace:^' },
  devDependencies: { 'test-tool': '1.0.0' },
};
const top: Manifest = { name: '@x/top', version: '1.0.0', exports: { '.': './dist/index.js' } };
const workspace = new Map([bottom, middle, top].map((manifest) => [manifest.name, manifest]));

interface Change {
  files?: Record<string, string>;
  declarations?: Record<string, string>;
  manifest?: Partial<Manifest>;
  references?: string[];
  row?: Partial<Row>;
}

/** The problems of `middle`, which has none as it stands, after a change. */
function problems({
  files = {},
  declarations = {},
  manifest = {},
  references = ['@x/bottom'],
  row = {},
}: Change = {}): string[] {
  const unit: Unit = {
    dir: 'packages/middle',
    manifest: { ...middle, ...manifest },
    references,
    files: new Map(Object.entries({ 'src/index.ts': `import { a } from '@x/bottom';\nexport const b = a;`, ...files })),
    declarations: new Map(Object.entries(declarations)),
  };
  return checkPackage(unit, { imports: { '@x/bottom': [] }, ...row }, workspace);
}

describe('a package', () => {
  test('that keeps the rules has no problems', () => {
    expect(problems()).toEqual([]);
    expect(
      problems({ files: { 'test/a.test.ts': `import '../src/index.ts'; import 'test-tool'; import '@x/middle';` } }),
    ).toEqual([]);
  });

  test.each<[string, Change, string]>([
    ['imports upward', { files: { 'src/a.ts': `import '@x/top';` } }, 'src/a.ts:1: @x/middle may not import @x/top'],
    [
      'imports what is not declared',
      { files: { 'src/a.ts': `import 'test-tool';` }, row: { imports: { '@x/bottom': [], 'test-tool': [] } } },
      `src/a.ts:1: 'test-tool' is imported and not among the dependencies`,
    ],
    [
      'imports past the exports',
      { files: { 'src/a.ts': `\nexport * from '@x/bottom/dist/a.js';` } },
      `src/a.ts:2: '@x/bottom/dist/a.js' is not among the exports of @x/bottom`,
    ],
    [
      'leaves by a relative path',
      { files: { 'src/a.ts': `import '../../bottom/src/a.ts';` } },
      `src/a.ts:1: '../../bottom/src/a.ts' leaves the package: import it by its package name`,
    ],
    ['leaves src', { files: { 'src/a.ts': `import '../test/a.ts';` } }, `src/a.ts:1: '../test/a.ts' leaves src/`],
    [
      'imports itself by name',
      { files: { 'src/a.ts': `import '@x/middle';` } },
      'src/a.ts:1: imports its own package by name',
    ],
    [
      'imports something computed',
      { files: { 'src/a.ts': `await import(name);` } },
      'src/a.ts:1: imports something computed, which nobody can check',
    ],
    [
      'imports by a type',
      { files: { 'src/a.ts': `export type A = import('@x/top').A;` } },
      'src/a.ts:1: @x/middle may not import @x/top',
    ],
    [
      'imports from the wrong file',
      { files: { 'src/a.ts': `import '@x/bottom';` }, row: { imports: { '@x/bottom': ['src/index.ts'] } } },
      'src/a.ts:1: only src/index.ts may import @x/bottom',
    ],
    [
      'silences a tool',
      { files: { 'src/a.ts': `\n// oxlint-disable-next-line\na();` } },
      'src/a.ts:2: a comment silences a tool: mend what it says instead',
    ],
    ['does not parse', { files: { 'src/a.ts': `const = ;` } }, 'src/a.ts:1: Unexpected token'],
    [
      'has a dependency nobody imports',
      { manifest: { dependencies: { '@x/bottom': '*', other: '*' } } },
      `package.json:1: 'other' is a dependency and nothing in src/ imports it`,
    ],
    ['has no reference to its neighbour', { references: [] }, 'tsconfig.json:1: has no reference to @x/bottom'],
    [
      'has a reference too many',
      { references: ['@x/bottom', '@x/top'] },
      'tsconfig.json:1: has a reference to @x/top, which src/ does not import',
    ],
    [
      'tests with a stranger',
      { files: { 'test/a.ts': `import '@x/top';` }, manifest: { devDependencies: { '@x/top': '*' } } },
      'test/a.ts:1: tests of @x/middle may not import @x/top',
    ],
    [
      'tests with what is not declared',
      { files: { 'test/a.ts': `import 'unknown';` } },
      `test/a.ts:1: 'unknown' is imported and not declared`,
    ],
    [
      'has a stale row',
      { row: { imports: { '@x/bottom': [], '@x/top': [] } } },
      'package.json:1: the table lets it import @x/top, and nothing does',
    ],
    [
      'has a stale seam',
      { row: { seams: { clock: ['src/clock.ts'] } } },
      'package.json:1: the table gives clock to src/clock.ts, which does not touch them',
    ],
    [
      'reads the clock',
      { files: { 'src/a.ts': 'Date.now();' } },
      'src/a.ts:1: Date.now: clock come in through no file of this package',
    ],
    [
      'reads the clock in the wrong file',
      {
        files: { 'src/a.ts': 'Date.now();', 'src/clock.ts': 'Date.now();' },
        row: { seams: { clock: ['src/clock.ts'] } },
      },
      'src/a.ts:1: Date.now: clock come in through src/clock.ts',
    ],
    [
      'imports a module of Node where browsers run it',
      {
        files: { 'src/a.ts': `import 'node:path';`, 'src/node/b.ts': `import 'node:path';` },
        row: { node: ['src/node/'] },
      },
      "src/a.ts:1: node:path: only src/node/ may import Node's own modules",
    ],
    [
      'has a Buffer in an exported type',
      {
        declarations: {
          'dist/index.d.ts': `export * from './a.ts';`,
          'dist/a.d.ts': `\nexport declare const a: Buffer<ArrayBuffer>;`,
        },
      },
      'dist/a.d.ts:2: Buffer in a public type: say Uint8Array',
    ],
  ])('that %s is told so', (_, change, message) => {
    expect(problems(change)).toEqual([`packages/middle/${message}`]);
  });

  test('may have a Buffer where no user can see it', () => {
    expect(
      problems({
        declarations: { 'dist/index.d.ts': 'export {};', 'dist/inner.d.ts': 'export declare const a: Buffer;' },
      }),
    ).toEqual([]);
  });

  test('may carry a dependency for a neighbour', () => {
    expect(
      problems({ manifest: { dependencies: { '@x/bottom': '*', other: '*' } }, row: { carries: ['other'] } }),
    ).toEqual([]);
  });

  test('whose files form a circle is told which', () => {
    const files = { 'src/a.ts': `import './b.ts';`, 'src/b.ts': `export { b } from './a.ts';` };
    expect(problems({ files })).toEqual([
      'packages/middle: files import each other in a circle: src/a.ts -> src/b.ts -> src/a.ts',
    ]);
  });

  test('whose files form a circle of types only is fine', () => {
    expect(
      problems({ files: { 'src/a.ts': `import './b.ts';`, 'src/b.ts': `import type { A } from './a.ts';` } }),
    ).toEqual([]);
  });
});

describe('what a file touches', () => {
  test.each([
    ['setTimeout(f, 1);', ['timers setTimeout']],
    ['globalThis.setTimeout(f, 1);', ['timers setTimeout']],
    ['new Date();', ['clock new Date()']],
    ['new Date(1);', []],
    ['clock.setTimeout(f); clock.now();', []],
    ['interface Clock { setTimeout(f: () => void): void }', []],
    ['const a: typeof setTimeout = clock.a;', []],
    ['(setTimeout as Timer)(f);', ['timers setTimeout']],
    [`// Date.now()\nconst a = 'Math.random()';`, []],
    [`import { randomUUID } from 'node:crypto';`, ['random randomUUID']],
    [`import { createHash } from 'node:crypto';`, []],
    [`import { open } from 'node:fs/promises';`, ['files node:fs/promises']],
    ['const { a = Math.random() } = b;', ['random Math.random']],
    ['const a = { setTimeout };', ['timers setTimeout']],
  ])('%s', (text, uses) => {
    expect(readSource('a.ts', text).uses.map(({ seam, what }) => `${seam} ${what}`)).toEqual(uses);
  });
});

test('a circle is found wherever one starts', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', []],
    ['d', ['b']],
  ]);
  expect(findCycle(graph)).toEqual(['b', 'd', 'b']);
  graph.set('d', ['c']);
  expect(findCycle(graph)).toBeUndefined();
});
