/** Processes, threads and folders for tests of the lock. All of them end with their test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { LockAnswer, LockRequest } from '../src/locks.ts';
import { lockFolderBeside, takeStoreLock } from '../src/node/store-lock.ts';

const PROGRAM = join(import.meta.dirname, 'holder.mjs');

/** A path for a store, in a folder of its own. */
export function storePath(name = 'store'): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'varve-lock-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

export function requestFor(path: string, thing = 7n): LockRequest {
  const rights = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mode: 0o600 };
  return { folder: lockFolderBeside(path), thing, rights };
}

export function take(path: string, thing = 7n): Promise<LockAnswer> {
  return takeStoreLock(requestFor(path, thing));
}

/** What is left in the folder of the store. */
export function left(path: string): string[] {
  return fs.readdirSync(join(path, '..'), { recursive: true, encoding: 'utf8' }).toSorted();
}

export function child(args: readonly string[], command: readonly string[] = []): ChildProcess {
  const [program = '', ...rest] = [...command, process.execPath, PROGRAM, ...args];
  const started = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    started.kill('SIGCONT');
    started.kill('SIGKILL');
  });
  return started;
}

export async function firstLine(process: ChildProcess): Promise<string> {
  const lines = createInterface({ input: process.stdout as NodeJS.ReadableStream });
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string | undefined];
  return line ?? '';
}

export async function killed(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit');
  process.kill('SIGKILL');
  await gone;
}
