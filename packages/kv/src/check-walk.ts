/**
 * Walks all that a store keeps and tells what does not fit together.
 *
 * CKS1  Two ways: each retained record is looked for in the index, and each key of the index is read from its record. So a record that
 *       is lost, damaged or unknown to the index is found.
 * CKS2  It reads one revision in slices, holds nothing, and changes nothing. Damage is told, not thrown; where a walk cannot go on behind it,
 *       the report says so.
 */
import { compareBytes } from '@varve/base/order';
import { keyAfter, keyName } from '@varve/api/implement';
import type { Change, KeyValue } from '@varve/watch';
import type { CheckOptions, CheckResult } from './check-store.ts';
import type { Core } from './core.ts';

const mostProblems = 100;
const chunkKeys = 256;
const damage = new Set<unknown>(['MVCC_CORRUPT', 'INDEX_CORRUPT', 'BACKEND_CORRUPT']);

/** Checks what there is at `revision`. */
export function checkAll(core: Core, revision: number, options: CheckOptions): Promise<CheckResult> {
  return new Checking(core, revision, options).run();
}

class Checking {
  readonly #core: Core;
  readonly #revision: number;
  readonly #options: CheckOptions;
  readonly #problems: string[] = [];
  #problemCount = 0;

  constructor(core: Core, revision: number, options: CheckOptions) {
    this.#core = core;
    this.#revision = revision;
    this.#options = options;
  }

  async run(): Promise<CheckResult> {
    const records = await this.#walkRecords();
    const keys = await this.#walkKeys();
    const [problems, problemCount] = [this.#problems, this.#problemCount];
    return { revision: this.#revision, records, keys, problems, problemCount };
  }

  /** Each record: the index knows it. */
  async #walkRecords(): Promise<number> {
    const { store } = this.#core;
    let records = 0;
    const walk = async (): Promise<void> => {
      const from = Math.max(1, store.firstRev());
      for await (const chunk of store.changes(from, this.#revision + 1, { signal: this.#options.signal })) {
        for (const [at, change] of chunk.entries()) {
          await this.#rest();
          records++;
          // A key that a transaction changes twice has one revision in the index: the last counts.
          if (!laterInRevision(chunk, at)) this.#find(change);
        }
        this.#options.onProgress?.({ phase: 'records', done: records });
      }
    };
    await this.#guard(walk, () => 'the walk over the records ended there');
    return records;
  }

  #find({ type, kv }: Change): void {
    const [found] = this.#core.store.history(kv.key, { from: kv.modRevision, limit: 1 });
    if (found?.kv.modRevision !== kv.modRevision || found.type !== type) {
      this.#report(`revision ${kv.modRevision} of ${keyName(kv.key)} is not in the index`);
    }
  }

  /** Each key of the index: its record is there, and is the one that the index means. */
  async #walkKeys(): Promise<number> {
    const { store } = this.#core;
    const { signal, onProgress } = this.#options;
    const read = { revision: this.#revision, limit: chunkKeys, keysOnly: true, signal };
    let keys = 0;
    let from: Uint8Array | undefined = Uint8Array.of(0);
    while (from !== undefined) {
      const start: Uint8Array = from;
      from = undefined;
      await this.#guard(
        async () => {
          const { kvs } = await store.range(start, new Uint8Array(0), read);
          for (const kv of kvs) {
            await this.#rest();
            keys++;
            await this.#guard(
              () => this.#compare(kv),
              () => `the record of ${keyName(kv.key)} cannot be read`,
            );
          }
          onProgress?.({ phase: 'keys', done: keys });
          const last = kvs.length < chunkKeys ? undefined : kvs.at(-1);
          from = last && keyAfter(last.key);
        },
        () => 'the walk over the keys ended there',
      );
    }
    return keys;
  }

  #compare(known: KeyValue): void {
    const kv = this.#core.store.get(known.key, { revision: this.#revision });
    const fits =
      kv !== undefined &&
      kv.modRevision === known.modRevision &&
      kv.createRevision === known.createRevision &&
      kv.version === known.version &&
      kv.createRevision <= kv.modRevision &&
      // A transaction may put a new key twice.
      (kv.version > 1 || kv.createRevision === kv.modRevision);
    if (!fits) this.#report(`the record of ${keyName(known.key)} is not the one that the index means`);
  }

  /** Runs a part; damage that it meets is a problem. */
  async #guard(part: () => void | Promise<void>, where: () => string): Promise<void> {
    try {
      await part();
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      if (!damage.has(code)) throw error;
      this.#report(`${where()}: ${String(message)}`);
    }
  }

  #report(problem: string): void {
    this.#problemCount++;
    if (this.#problems.length < mostProblems) this.#problems.push(problem);
  }

  async #rest(): Promise<void> {
    const { slice } = this.#core.world;
    if (!slice.over()) return;
    await slice.next();
    this.#options.signal?.throwIfAborted();
  }
}

/** Whether the same revision changes the key once more. */
function laterInRevision(chunk: readonly Change[], at: number): boolean {
  const { key, modRevision } = chunk[at]!.kv;
  for (let next = at + 1; chunk[next]?.kv.modRevision === modRevision; next++) {
    if (compareBytes(chunk[next]!.kv.key, key) === 0) return true;
  }
  return false;
}
