/** Every ts fence of every README compiles against the built packages, runs, and shows what its comments say. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allFences } from './fences.mjs';
import { compile, runProgram, type Program } from './programs.mjs';

const fences = allFences();
const programs = new Map<string, Program>();
let folder: string;

beforeAll(async () => {
  // Below this package, where its node_modules has every package we publish.
  const work = join(import.meta.dirname, '.work');
  mkdirSync(work, { recursive: true });
  folder = mkdtempSync(join(work, 'run-'));
  for (const program of await compile(fences, folder)) programs.set(program.name, program);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('README examples', () => {
  for (const fence of fences) {
    const name = `${fence.document}:${fence.line}`;
    test(`${name} ${fence.run ? 'compiles and runs' : 'compiles'}`, async () => {
      const program = programs.get(name);
      if (program === undefined) throw new Error('not compiled');
      expect(program.problems).toEqual([]);
      if (fence.run) await runProgram(program);
    });
  }
});
