import type { Engine } from '../engine.ts';

export interface FileOptions {
  /** Make the store when there is none. @default true */
  readonly createIfMissing?: boolean | undefined;
  /** Pages kept in memory, in bytes. @default 64 MiB */
  readonly cacheSize?: number | undefined;
}

/** One BoltDB file, readable by etcd and bbolt. */
export declare function fileEngine(path: string, options?: FileOptions): Promise<Engine>;
