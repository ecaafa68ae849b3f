import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import * as api from '../src/index.ts';

const README = readFileSync(path.resolve(import.meta.dirname, '../README.md'), 'utf8');
const SOURCE = readFileSync(path.resolve(import.meta.dirname, '../src/errors.ts'), 'utf8');

test('the README names every export that is a value and every error code', () => {
  for (const name of Object.keys(api)) expect(README).toContain(`\`${name}`);
  const codes = SOURCE.match(/'BOLT_[A-Z_]+'/g) ?? [];
  expect(codes.length).toBeGreaterThan(10);
  for (const code of codes) expect(README).toContain(`\`${code.slice(1, -1)}\``);
});

test('the example has at most 15 lines', () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
  expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
});
