/** What the README promises of every recipe: short, named there with its trap, and tested. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..');
const recipes = readdirSync(join(folder, 'src')).map((name) => name.replace(/\.ts$/, ''));
const sections = readFileSync(join(folder, 'README.md'), 'utf8').split(/^## /m);

test.each(recipes)('%s is below 40 lines of code, and has a test and a section that names its trap', (name) => {
  const text = readFileSync(join(folder, 'src', `${name}.ts`), 'utf8');
  const lines = text.replaceAll(/\/\*[^]*?\*\//g, '').split('\n');
  const code = lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
  expect(code.length).toBeLessThan(40);
  expect(existsSync(join(folder, 'test', `${name}.test.ts`))).toBe(true);
  const own = sections.filter((section) => section.includes(`\n[src/${name}.ts](src/${name}.ts)`));
  expect(own).toHaveLength(1);
  expect(own[0]).toContain('The trap: ');
});
