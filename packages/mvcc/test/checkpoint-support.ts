/** A medium in memory that has files beside the store, and everything that can be asked of a store, as one text. */
import { openBackend, type Backend, type Change, type Engine, type Entry } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { openStore } from '../src/open-store.ts';
import type { Store, StoreOptions } from '../src/store.ts';
import { ALL, text } from './support.ts';

/** Of the largest files only a part is given at a time. */
const PIECE = 50;

/** Rows and files that outlive a backend. */
export class AsideMedium {
  readonly id: string;
  readonly files: Map<string, Uint8Array> = new Map();
  /** How each replacing of a file began and ended. */
  readonly log: string[] = [];
  /** What a commit waits for before it begins. */
  beforeCommit: Promise<void> | undefined;
  readonly #inner: Engine;

  constructor(id = 'store', inner: Engine = memoryEngine()) {
    this.id = id;
    this.#inner = inner;
  }

  get saved(): Uint8Array | undefined {
    return this.files.get('index');
  }

  /** The same rows, and no file. @param mend makes other records of those there are */
  async copy(mend: (rows: readonly Entry[]) => readonly Entry[] = (rows) => rows): Promise<AsideMedium> {
    const inner = memoryEngine();
    const changes: Change[] = [];
    for (const name of this.#inner.buckets()) {
      const bucket = { id: 0, name, appendOnly: name === 'key' };
      changes.push({ type: 'createBucket', bucket });
      const rows: Entry[] = [];
      for await (const chunk of this.#inner.scan(bucket)) rows.push(...chunk);
      for (const row of name === 'key' ? mend(rows) : rows) changes.push({ type: 'put', bucket, ...row });
    }
    await inner.commit(changes);
    return new AsideMedium(this.id, inner);
  }

  attach(): Engine {
    const inner = this.#inner;
    const { files, id, log } = this;
    return {
      size: 0,
      sizeInUse: 0,
      durable: true,
      get: (bucket, key) => inner.get(bucket, key),
      scan: (bucket, options) => inner.scan(bucket, options),
      buckets: () => inner.buckets(),
      pin: () => inner.pin(),
      commit: async (changes) => {
        await this.beforeCommit;
        await inner.commit(changes);
      },
      compact: () => inner.compact(),
      close: () => Promise.resolve(),
      aside: {
        id,
        async *read(name) {
          const file = files.get(name) ?? new Uint8Array();
          for (let at = 0; at < file.length; at += PIECE) yield file.slice(at, at + PIECE);
        },
        async replace(name, pieces) {
          const parts: Uint8Array[] = [];
          log.push('began');
          try {
            for await (const piece of pieces) parts.push(piece.slice());
          } catch (error) {
            log.push('given up');
            throw error;
          }
          log.push('whole');
          files.set(name, new Uint8Array(Buffer.concat(parts)));
        },
        async remove(name) {
          files.delete(name);
        },
      },
    };
  }

  async open(options: StoreOptions = {}): Promise<{ readonly store: Store; readonly backend: Backend }> {
    const backend = await openBackend(this.attach());
    return { backend, store: await openStore(backend, options) };
  }
}

export async function closeBoth({ store, backend }: { store: Store; backend: Backend }): Promise<void> {
  await store.close();
  await backend.close();
}

/** Every answer at every revision that can be read, and all that is known beside them. */
export async function everything(store: Store): Promise<string> {
  const lines: string[] = [`rev ${store.rev()} of ${store.firstRev()}`];
  const keys = new Set<string>();
  for (let revision = Math.max(1, store.firstRev()); revision <= store.rev(); revision++) {
    const { kvs, count } = await store.range(...ALL, { revision });
    lines.push(`${revision}: ${count}`);
    for (const kv of kvs) {
      keys.add(text(kv.key));
      const single = store.get(kv.key, { revision });
      const shown = [kv, single].map((found) =>
        found === undefined
          ? 'none'
          : [
              text(found.key),
              text(found.value),
              found.createRevision,
              found.modRevision,
              found.version,
              found.lease,
            ].join(' '),
      );
      lines.push(...shown);
    }
    const bare = await store.range(...ALL, { revision, keysOnly: true });
    lines.push(bare.kvs.map((kv) => `${text(kv.key)} ${kv.createRevision} ${kv.modRevision} ${kv.version}`).join());
  }
  for (const key of [...keys].toSorted()) {
    const changes = store.history(new TextEncoder().encode(key), { from: store.firstRev() });
    lines.push(`${key}: ${changes.map(({ type, kv }) => `${type} ${kv.modRevision} ${text(kv.value)}`).join()}`);
  }
  for await (const changes of store.changes(Math.max(1, store.firstRev()), store.rev() + 1))
    for (const { type, kv } of changes) lines.push(`${type} ${text(kv.key)} ${kv.modRevision} ${kv.version}`);
  const leases = store.leaseAttachments.map(({ key, lease }) => `${text(key)} ${lease}`);
  lines.push(...leases.toSorted(), `live ${store.metrics['keys_total']}`);
  return lines.join('\n');
}
