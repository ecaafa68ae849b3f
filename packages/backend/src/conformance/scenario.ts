/** What the scenarios share: a bench that opens and closes engines, and short words for rows and changes. */
import type { Bucket } from '../contract/bucket.ts';
import type { Change, Engine, EngineView, Entry, ScanOptions } from '../contract/engine.ts';

export interface Scenario {
  /** Group and name; stable, for `knownGaps`. */
  readonly key: string;
  /** What must hold, with the rows of the specification. */
  readonly title: string;
  /** Only for engines that keep rows over `close`. */
  readonly reopens?: boolean;
  run(bench: Bench): Promise<void>;
}

/** Opens engines for a scenario and closes whatever it left open. */
export class Bench {
  readonly #openEngine: () => Promise<Engine>;
  readonly #reopenEngine: ((closed: Engine) => Promise<Engine>) | undefined;
  readonly #open = new Set<Engine>();

  constructor(open: () => Promise<Engine>, reopen: ((closed: Engine) => Promise<Engine>) | undefined) {
    this.#openEngine = open;
    this.#reopenEngine = reopen;
  }

  get canReopen(): boolean {
    return this.#reopenEngine !== undefined;
  }

  async open(): Promise<Engine> {
    const engine = await this.#openEngine();
    this.#open.add(engine);
    return engine;
  }

  async close(engine: Engine): Promise<void> {
    this.#open.delete(engine);
    await engine.close();
  }

  async reopen(engine: Engine): Promise<Engine> {
    await this.close(engine);
    const again = await this.#reopenEngine!(engine);
    this.#open.add(again);
    return again;
  }

  async closeAll(): Promise<void> {
    for (const engine of this.#open) await engine.close();
    this.#open.clear();
  }
}

/** Two buckets of the suite's own: one of each kind. */
export const plain: Bucket = Object.freeze({ id: 900, name: 'conformance', appendOnly: false });
export const ascending: Bucket = Object.freeze({ id: 901, name: 'conformance_ascending', appendOnly: true });

/** Latin1 text as bytes: one character, one byte. */
export function bytes(text: string): Uint8Array {
  const made = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) made[i] = text.charCodeAt(i);
  return made;
}

export function text(value: Uint8Array): string {
  let made = '';
  for (const byte of value) made += String.fromCharCode(byte);
  return made;
}

/** A number as eight bytes in the order of numbers. */
export function numbered(n: number): Uint8Array {
  const made = new Uint8Array(8);
  new DataView(made.buffer).setBigUint64(0, BigInt(n));
  return made;
}

export function put(bucket: Bucket, key: string | Uint8Array, value: string | Uint8Array): Change {
  return { type: 'put', bucket, key: own(key), value: own(value) };
}

export function del(bucket: Bucket, key: string | Uint8Array): Change {
  return { type: 'delete', bucket, key: own(key) };
}

export function create(bucket: Bucket): Change {
  return { type: 'createBucket', bucket };
}

export function drop(bucket: Bucket): Change {
  return { type: 'deleteBucket', bucket };
}

export function get(view: EngineView, bucket: Bucket, key: string): string | undefined {
  const value = view.get(bucket, bytes(key));
  return value === undefined ? undefined : text(value);
}

export async function chunksOf(rows: AsyncIterable<readonly Entry[]>): Promise<(readonly Entry[])[]> {
  const chunks: (readonly Entry[])[] = [];
  for await (const chunk of rows) chunks.push(chunk);
  return chunks;
}

/** `key=value` of each row. */
export async function scan(view: EngineView, bucket: Bucket, options?: ScanOptions): Promise<string[]> {
  return shown(await chunksOf(view.scan(bucket, options)));
}

export function shown(chunks: readonly (readonly Entry[])[]): string[] {
  return chunks.flat().map(({ key, value }) => `${text(key)}=${text(value)}`);
}

function own(given: string | Uint8Array): Uint8Array {
  return typeof given === 'string' ? bytes(given) : given;
}
