/** What the LevelDB tests share: folders that go away, child processes that end, and the states a history may show. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Bucket } from '../src/contract/bucket.ts';
import type { Change, Engine, EngineView, Entry } from '../src/contract/engine.ts';
import { loadDriver, type LevelClass } from '../src/engines/level/driver.ts';
import { nodeFiles, type Files } from '../src/engines/level/files.ts';
import { openLevel, type LevelSettings } from '../src/engines/level/opening/open-level.ts';
import { changesOf, digestOf } from './level-child.mjs';

const CHILD = fileURLToPath(new URL('./level-child.mjs', import.meta.url));
const SETTINGS: LevelSettings = {
  create: true,
  verify: true,
  cacheBytes: 1 << 20,
  writeBufferBytes: 1 << 16,
  longScan: { rows: 1, bytes: 0, bytesToWrite: 1 << 16 },
};

/** A name in a new folder, both removed when the test ends. */
export function temporaryPath(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'varve-level-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'store');
}

export interface OpenOptions extends Partial<LevelSettings> {
  readonly files?: Partial<Files>;
  readonly Level?: LevelClass;
}

/** The engine with a small write buffer, over files and a driver of the test's choice. Closed when the test ends. */
export async function open(path: string, { files, Level, ...settings }: OpenOptions = {}): Promise<Engine> {
  const engine = await openLevel(Level ?? (await loadDriver()), { ...nodeFiles, ...files }, path, {
    ...SETTINGS,
    ...settings,
  });
  onTestFinished(() => engine.close().catch(() => undefined));
  return engine;
}

export const rows: Bucket = { id: 1, name: 'key', appendOnly: false };
export const counts: Bucket = { id: 2, name: 'meta', appendOnly: false };

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const put = (key: string, value: string, bucket = rows): Change => ({
  type: 'put',
  bucket,
  key: bytes(key),
  value: bytes(value),
});
export const create = (bucket = rows): Change => ({ type: 'createBucket', bucket });

export function text(view: EngineView, key: string, bucket = rows): string | undefined {
  const value = view.get(bucket, bytes(key));
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

export async function scanned(view: EngineView, bucket = rows): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const chunk of view.scan(bucket)) found.push(...chunk);
  return found;
}

/** How the commits of the child's history tell of themselves: each in a row of its own, or mostly in one that appends. */
export type Form = 'own' | 'carried';
export const forms: readonly Form[] = ['own', 'carried'];

export function changesIn(form: Form, n: number): Change[] {
  return changesOf(n, form === 'carried') as Change[];
}

/** Digest of the state after each of the first `count` commits of the child's history. */
export function digests(count: number, form: Form): string[] {
  const state = new Map<string, [string, Uint8Array, Uint8Array]>();
  const found = [digestOf([])];
  for (let n = 1; n <= count; n++) {
    for (const change of changesIn(form, n)) {
      if (change.type === 'deleteBucket') {
        for (const [id, [name]] of state) if (name === change.bucket.name) state.delete(id);
      }
      if (change.type !== 'put' && change.type !== 'delete') continue;
      const { name } = change.bucket;
      const id = `${name} ${Buffer.from(change.key).toString('hex')}`;
      if (change.type === 'put') state.set(id, [name, change.key, change.value]);
      else state.delete(id);
    }
    found.push(digestOf([...state].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)));
  }
  return found;
}

export function child(...args: string[]): ChildProcess {
  const flags = args[0] === 'forget' ? ['--expose-gc'] : [];
  const started = spawn(process.execPath, [...flags, CHILD, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => void started.kill('SIGKILL'));
  return started;
}

/** Somebody who has the store by LevelDB's own lock and by no other. */
export async function rawHolder(path: string): Promise<void> {
  const program = `
    import { ClassicLevel } from 'classic-level';
    await new ClassicLevel(process.argv[1]).open();
    console.log('held');
    process.stdin.resume();`;
  const started = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void started.kill('SIGKILL'));
  await linesOf(started).next();
}

export function linesOf(process: ChildProcess): AsyncIterableIterator<string> {
  return createInterface({ input: process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
}

export interface Shown {
  readonly digest?: string;
  /** Rows that a point read does not find, or finds with another value. */
  readonly different?: number;
  /** Rows that no commit of the history wrote. */
  readonly invented?: number;
  readonly warnings?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

/** Opens stores in a process of its own, so that damage which makes LevelDB abort is an answer as well. */
export class Reader {
  #process = child('read');
  #lines = linesOf(this.#process);

  /**
   * `undefined` when the process died of it.
   * @param inTables whether scans read the tables themselves
   */
  async show(path: string, verify = true, inTables = true): Promise<Shown | undefined> {
    this.#process.stdin?.write(`${path}\t${verify}\t${inTables}\n`);
    const { value, done } = await this.#lines.next();
    if (done !== true) return JSON.parse(value) as Shown;
    this.#process = child('read');
    this.#lines = linesOf(this.#process);
    return undefined;
  }
}

export async function killed(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit');
  process.kill('SIGKILL');
  await gone;
}

/** Every file below a folder with its bytes and time stamp: to see that nothing was touched. */
export function photograph(folder: string): unknown {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const found = fs.lstatSync(path);
      return [name, found.mtimeMs, found.isFile() ? fs.readFileSync(path).toString('base64') : ''];
    });
}

/** A call that fails like the system's. */
export function failing(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(`${code}: injected`), { code }));
}
