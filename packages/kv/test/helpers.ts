/** What several test files need. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeClock } from '@varve/base/node/clock';
import { afterAll, expect } from 'vitest';
import { file, level, log, memory, type Location } from '../src/index.ts';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that does not exist yet, inside one that is removed after the tests of the file. */
export function temporaryFolder(name = 'data'): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-kv-'));
  folders.push(folder);
  return join(folder, name);
}

/** The engines, each as a place to open; the second argument of those that outlive the process opens it again. */
export const engines: readonly (readonly [name: string, place: (path?: string) => Location])[] = [
  ['memory', () => memory()],
  ['level', (path = temporaryFolder()) => level(path)],
  ['log', (path = temporaryFolder()) => log(path)],
  ['file', (path = temporaryFolder('store.db')) => file(path)],
];

/** The same without memory, which cannot be opened again. */
export const durableEngines = engines.filter(([name]) => name !== 'memory');

export async function collect<T>(items: AsyncIterable<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const all: T[] = [];
  if (most === 0) return all;
  for await (const item of items) {
    all.push(item);
    if (all.length >= most) break;
  }
  return all;
}

/** What an operation throws or rejects with. */
export async function failure(operation: () => unknown): Promise<Error & { code?: string }> {
  try {
    await operation();
  } catch (error) {
    return error as Error & { code?: string };
  }
  return expect.fail('it should have failed');
}

/** The code of what an operation throws or rejects with. */
export async function codeOf(operation: () => unknown): Promise<string | undefined> {
  return (await failure(operation)).code;
}

/** What a child process prints until it ends; the child is one the test has started itself. */
export async function childOutput(child: ChildProcessWithoutNullStreams): Promise<string> {
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  await once(child, 'close');
  if (complaints !== '') throw new Error(complaints);
  return output;
}

/** Lets everything that is under way go on until it is so; the bound is for what never comes, not for what is slow. */
export async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (const until = nodeClock.now() + 60_000; nodeClock.now() < until;) {
    if (isSo()) return;
    await new Promise(setImmediate);
  }
  expect.fail(`it never came to that: ${what}`);
}
