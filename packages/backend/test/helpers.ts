import type { Backend, BackendOptions, Bucket, ConcurrentReadTx, Engine, ScanOptions } from '../src/index.ts';
import { openBackend } from '../src/index.ts';
import { deferred } from '../src/conformance/index.ts';
import { fileEngine } from '../src/engines/file/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { logEngine } from '../src/engines/log/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { temporaryPath } from './file-support.ts';

export type MakeEngine = () => Engine | Promise<Engine>;

/** The engines that the Backend's own rows are checked on; for inside a test, which removes what they leave. */
export const engines: readonly (readonly [name: string, make: MakeEngine])[] = [
  ['memory', memoryEngine],
  ['deferred memory', () => deferred(memoryEngine(), 7)],
  ['a file', () => fileEngine(temporaryPath())],
  ['a log', () => logEngine(temporaryPath())],
  ['LevelDB', () => levelEngine(temporaryPath())],
];

/** Nothing commits by itself unless a test says so. */
export const byHand = { batchIntervalMs: 3_600_000 } as const;

export async function opened(make: MakeEngine = memoryEngine, options: BackendOptions = {}): Promise<Backend> {
  return openBackend(await make(), { ...byHand, ...options });
}

export function b(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function s(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** One section of puts; a value of `undefined` deletes. */
export function write(backend: Backend, bucket: Bucket, rows: Readonly<Record<string, string | undefined>>): void {
  backend.batchTx((tx) => {
    for (const [key, value] of Object.entries(rows)) {
      if (value === undefined) tx.delete(bucket, b(key));
      else tx.put(bucket, b(key), b(value));
    }
  });
}

export function create(backend: Backend, ...made: readonly Bucket[]): void {
  backend.batchTx((tx) => {
    for (const bucket of made) tx.createBucket(bucket);
  });
}

/** The shared read of one key. */
export function read(backend: Backend, bucket: Bucket, key: string): string | undefined {
  return backend.readTx((tx) => s(tx.get(bucket, b(key))));
}

export async function rowsOf(tx: ConcurrentReadTx, bucket: Bucket, options?: ScanOptions): Promise<string[]> {
  const rows: string[] = [];
  for await (const chunk of tx.scan(bucket, options)) {
    for (const { key, value } of chunk) rows.push(`${s(key)}=${s(value)}`);
  }
  return rows;
}

/** `key=value` of each row of the finished state. */
export async function scan(backend: Backend, bucket: Bucket, options?: ScanOptions): Promise<string[]> {
  using tx = backend.concurrentReadTx();
  return await rowsOf(tx, bucket, options);
}

/** Lets everything run that is ready, some rounds of it. */
export async function turns(n = 20): Promise<void> {
  for (let i = 0; i < n; i += 1) await new Promise((resolve) => void realImmediate(resolve));
}

/** Turns of the event loop that others got while `work` ran; a machine under load does not change it much. */
export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turnN = 0;
  let running = true;
  const count = (): void => {
    turnN += 1;
    if (running) realImmediate(count);
  };
  realImmediate(count);
  await work();
  running = false;
  return turnN;
}

const realImmediate = setImmediate;
