/**
 * What the driver is, as unstorage's `Driver` has it; types only.
 *
 * VDR1  Nothing here names unstorage's own types: theirs name dozens of packages that nobody has, so a program that checks the declarations of
 *     its libraries could not be compiled. The tests hold that this one fits.
 */
import type { Kv } from '@varve/api';

export interface VarveDriverOptions {
  /** What stands before the keys in the store, parted by a colon, as in unstorage's other drivers. @default nothing */
  readonly base?: string | undefined;
  /** Seconds that an item lives if the call does not say, rounded up to whole ones; 0 for ever. @default 0 */
  readonly ttl?: number | undefined;
  /**
   * Told what nobody else can be told: what ended a watch, or that changes were compacted before it had them.
   * @default it is written to the console, as unstorage does
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What a call of a storage hands on. */
export interface CallOptions {
  /** Seconds that the item lives, rounded up to whole ones; 0 for ever. */
  readonly ttl?: number;
  /** Of `getKeys`: leave out keys of more colons than that. */
  readonly maxDepth?: number;
  readonly [name: string]: unknown;
}

/** What the store knows of an item; times are not among it. */
export interface VarveMeta {
  /** The revision that wrote it. */
  readonly revision: number;
  /** The revision that created it. */
  readonly createRevision: number;
  /** Times it was written since then, from 1. */
  readonly version: number;
  /** Bytes. */
  readonly size: number;
  /** Seconds that are left, with fractions; absent where it lives for ever. */
  readonly ttl?: number;
  readonly [name: string]: number | undefined;
}

/** The part of the store below `base`. */
export type BytesKv = Kv<string, Uint8Array>;

export interface VarveDriver {
  /** `varve`. */
  readonly name: string;
  /** As given. */
  readonly options: VarveDriverOptions;
  /** For unstorage: it has a time to live. */
  readonly flags: { readonly ttl: boolean };
  /** The part of the store that it works on. */
  getInstance(): Promise<BytesKv>;
  /** Whether there is such an item. */
  hasItem(key: string, options?: CallOptions): Promise<boolean>;
  /** Its text, or its bytes where they are no text. */
  getItem(key: string, options?: CallOptions): Promise<string | Uint8Array | null>;
  /** All of one revision, in the order of the question. */
  getItems(
    items: readonly { readonly key: string; readonly options?: CallOptions }[],
    common?: CallOptions,
  ): Promise<{ key: string; value: string | Uint8Array | null }[]>;
  /** Its bytes, which are the caller's own. */
  getItemRaw(key: string, options?: CallOptions): Promise<Uint8Array | null>;
  /** Writes an item, as UTF-8. @throws TypeError `KV_INVALID` for a `ttl` that is no number of seconds */
  setItem(key: string, value: string, options?: CallOptions): Promise<void>;
  /** One transaction, or several where there are many; of a key that comes twice the last value. */
  setItems(
    items: readonly { readonly key: string; readonly value: string; readonly options?: CallOptions }[],
    common?: CallOptions,
  ): Promise<void>;
  /** Writes an item of text or bytes. @throws TypeError `KV_INVALID` for what is neither */
  setItemRaw(key: string, value: unknown, options?: CallOptions): Promise<void>;
  /** Deletes an item; one that is not there is fine. */
  removeItem(key: string, options?: CallOptions): Promise<void>;
  /** What the store knows of an item; `null` where there is none. */
  getMeta(key: string, options?: CallOptions): Promise<VarveMeta | null>;
  /** The keys that begin with `base`, in order. */
  getKeys(base?: string, options?: CallOptions): Promise<string[]>;
  /** Deletes what lies below a base, in parts of a revision each. */
  clear(base?: string, options?: CallOptions): Promise<void>;
  /** Ends its watches, and closes the store if it was opened here. */
  dispose(): Promise<void>;
  /** Resolves when it has begun, with what ends it. */
  watch(callback: (event: 'update' | 'remove', key: string) => unknown): Promise<() => Promise<void>>;
}
