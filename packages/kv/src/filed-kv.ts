/**
 * The store in this process where there are files: what `StoreKv` is, and backups.
 *
 * Apart from it, because a bundle for browsers follows every import: `memory.ts` has none of this.
 */
import type * as api from '@varve/api';
import type { Records } from '@varve/api/implement';
import { backupTo } from './backup.ts';
import type { Core } from './core.ts';
import type * as embedded from './embedded.ts';
import { StoreKv } from './embedded-kv.ts';

export class FiledKv<K, V, W = V> extends StoreKv<K, V, W> implements embedded.EmbeddedKv<K, V, W> {
  readonly #core: Core;

  constructor(core: Core, records: Records<K, V>, owner: boolean) {
    super(core, records, owner);
    this.#core = core;
  }

  override namespace(prefix: K, options?: api.NamespaceOptions<never>): embedded.EmbeddedKv<K, V, W>;
  override namespace<V2, W2 = V2>(prefix: K, options: api.NamespaceOptions<V2, W2>): embedded.EmbeddedKv<K, V2, W2>;
  override namespace<V2, W2>(prefix: K, options: api.NamespaceOptions<V2, W2> = {}): embedded.EmbeddedKv<K, V2, W2> {
    return new FiledKv<K, V2, W2>(this.#core, this.inside(prefix, options), false);
  }

  backup(path: string, options?: embedded.BackupOptions): Promise<embedded.BackupResult> {
    return backupTo(this.#core, path, options);
  }
}
