/** The two programs as a test runs them. Every child ends with its test, by its own id. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export type EngineName = 'file' | 'level' | 'log';
export type Via = 'kv' | 'server';

/** A folder for a store, inside of one that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'store');
}

function program(name: string, args: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', `${name}.mjs`), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
  });
  return child;
}

/** A process whose lines are pulled one by one. */
export class Lines {
  readonly process: ChildProcess;
  complaints = '';
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.process = child;
    this.#ended = once(child, 'close');
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.complaints += text));
    this.#lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /** The next line; `undefined` when there is none any more. */
  async next(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  /** What is left, once the process is gone. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.next(); line !== undefined; line = await this.next()) lines.push(line);
    await this.#ended;
    return lines;
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}

export function workload(
  engine: EngineName,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  via: Via = 'kv',
): Lines {
  return new Lines(program('workload', ['--engine', engine, '--via', via, folder], environment));
}

/** What a store shows to a fresh open. */
export interface Shown {
  /** Hash of each live key. */
  readonly keys: ReadonlyMap<string, string>;
  readonly revision: number;
  readonly warnings: readonly string[];
  /** Code of the error, if it could not be opened or read. */
  readonly error: string | undefined;
}

/** One `verify` that answers for any number of folders. */
export class Verifier {
  readonly #lines: Lines;

  constructor(engine: EngineName, via: Via = 'kv') {
    this.#lines = new Lines(program('verify', ['--engine', engine, '--via', via], {}));
  }

  async show(folder: string): Promise<Shown> {
    this.#lines.process.stdin?.write(`${folder}\n`);
    const keys = new Map<string, string>();
    const warnings: string[] = [];
    let revision = 0;
    let error: string | undefined;
    for (let line = await this.#lines.next(); line !== 'end'; line = await this.#lines.next()) {
      if (line === undefined) throw new Error(`verify died: ${this.#lines.complaints}`);
      const [first = '', second = ''] = line.split(' ');
      if (first === 'rev') revision = Number(second);
      else if (first === 'warn') warnings.push(line);
      else if (first === 'error') error = second;
      else keys.set(first, second);
    }
    return { keys, revision, warnings, error };
  }
}
