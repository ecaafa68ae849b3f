import type { Engine } from '../engine.ts';

export interface LevelOptions {
  /** Make the store when there is none. @default true */
  readonly createIfMissing?: boolean | undefined;
  /** LevelDB's block cache in bytes. @default 8 MiB */
  readonly cacheSize?: number | undefined;
  /** LevelDB's write buffer in bytes. @default 64 MiB */
  readonly writeBufferSize?: number | undefined;
}

/** A folder of LevelDB files, through `classic-level`. */
export declare function levelEngine(path: string, options?: LevelOptions): Promise<Engine>;
