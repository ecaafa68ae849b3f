/** What the tests of the file engine share: files that go away, processes that end, photographs of what must not change. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { buckets } from '../src/contract/bucket.ts';
import type { Change, Engine, EngineView } from '../src/contract/engine.ts';
import { fileEngine, type FileOptions } from '../src/engines/file/index.ts';

const CHILD = join(import.meta.dirname, 'file-child.mjs');
const VECTORS = resolve(import.meta.dirname, '../../../tools/vectors/bolt');

/** A name in a new folder, both removed when the test ends. */
export function temporaryPath(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'varve-file-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'store.db');
}

/** Closed when the test ends. */
export async function open(path: string, options?: FileOptions): Promise<Engine> {
  const engine = await fileEngine(path, options);
  onTestFinished(() => engine.close().catch(() => undefined));
  return engine;
}

/** A file that bbolt or etcd made, unpacked. */
export function vector(name: string): string {
  const path = temporaryPath();
  fs.writeFileSync(path, gunzipSync(fs.readFileSync(join(VECTORS, `${name}.db.gz`))));
  return path;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const create = (bucket = buckets.key): Change => ({ type: 'createBucket', bucket });
export const put = (key: string, value: string | Uint8Array, bucket = buckets.key): Change => ({
  type: 'put',
  bucket,
  key: bytes(key),
  value: typeof value === 'string' ? bytes(value) : value,
});

export function text(view: EngineView, key: string, bucket = buckets.key): string | undefined {
  const value = view.get(bucket, bytes(key));
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** `bucket/key=value` of every row. */
export async function everything(view: EngineView): Promise<string[]> {
  const found: string[] = [];
  for (const name of view.buckets()) {
    for await (const chunk of view.scan({ id: 0, name, appendOnly: false })) {
      for (const { key, value } of chunk) {
        found.push(`${name}/${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`);
      }
    }
  }
  return found;
}

/** A store with one row, closed. */
export async function made(path = temporaryPath()): Promise<string> {
  const engine = await fileEngine(path);
  await engine.commit([create(), put('a', '1')]);
  await engine.close();
  return path;
}

export function child(...args: string[]): ChildProcess {
  return started(spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }));
}

/** Holds the file as any program of this machine can, until its standard input ends. */
export async function heldByFlock(path: string): Promise<ChildProcess> {
  const holder = started(
    spawn('flock', ['-x', path, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  await firstLine(holder);
  return holder;
}

function started(process: ChildProcess): ChildProcess {
  onTestFinished(() => {
    process.kill('SIGCONT');
    process.kill('SIGKILL');
  });
  return process;
}

export async function firstLine(process: ChildProcess): Promise<string> {
  const lines = createInterface({ input: process.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}

export async function killed(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit');
  process.kill('SIGKILL');
  await gone;
}

/** Every name in the folder with its bytes and time stamp: to see that nothing was touched. */
export function photograph(folder: string): unknown {
  return fs
    .readdirSync(folder)
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const found = fs.lstatSync(path);
      return [name, found.mtimeMs, found.mode, found.isFile() ? fs.readFileSync(path).toString('base64') : ''];
    });
}

/** Does it without the right to write everywhere, which tests that run as root have. */
export async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
