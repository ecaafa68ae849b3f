/** R129: what an install must not bring is seen, wherever it lies. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { burdens, installedIn } from '../checks/lib/installed.mjs';

/** A program with these files below its `node_modules`. */
function program(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-installed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'node_modules', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

const manifest = (name: string, more: object = {}): string => JSON.stringify({ name, version: '1.0.0', ...more });

test('R129 packages are counted once, links are not followed, and a package.json inside a package is none', () => {
  const folder = program({
    'a/package.json': manifest('a', { scripts: { build: 'tsc', prepare: 'x' } }),
    'a/lib/package.json': manifest('inner', { scripts: { install: 'x' } }),
    '@b/c/package.json': manifest('@b/c'),
    '@b/c/node_modules/a/package.json': manifest('a'),
  });
  symlinkSync(join(folder, 'node_modules', 'a'), join(folder, 'node_modules', 'd'));
  const found = installedIn(folder);
  expect(found.packages).toEqual(['@b/c@1.0.0', 'a@1.0.0']);
  expect(found.bytes).toBeGreaterThan(100);
  expect(burdens(found)).toEqual([]);
});

test.each(['preinstall', 'install', 'postinstall'])('R129 a script that runs at the install is told: %s', (which) => {
  const folder = program({ 'a/node_modules/b/package.json': manifest('b', { scripts: { [which]: 'node x' } }) });
  expect(burdens(installedIn(folder))).toEqual([`runs a script when it is installed: b@1.0.0: ${which}`]);
});

test('R129 native code is told, and what would be compiled', () => {
  const folder = program({
    'a/package.json': manifest('a'),
    'a/prebuilds/linux-x64/a.node': '',
    'b/binding.gyp': '{}',
  });
  expect(burdens(installedIn(folder))).toEqual([
    `is native code: ${join('a', 'prebuilds', 'linux-x64', 'a.node')}`,
    `is native code: ${join('b', 'binding.gyp')}`,
  ]);
});
