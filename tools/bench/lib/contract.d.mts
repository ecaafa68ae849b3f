/** What the harness asks of a peer, as types; README.md says it in words. */

/** Nothing, or a promise: back-pressure, to be awaited before the next call. */
export type Wait = void | Promise<unknown>;

/** What a call answers: now, or by a promise. */
export type Answer<T> = T | Promise<T>;

export interface Sink {
  (events: readonly unknown[]): void;
}

/** An open store of a peer. What is absent is not measured. */
export interface BenchStore {
  put(key: Buffer, value: Buffer): Wait;
  get(key: Buffer): Answer<Uint8Array | null | undefined>;
  flush(): Promise<unknown>;
  close(): Promise<unknown> | void;
  del?(key: Buffer): Wait;
  cas?(key: Buffer, value: Buffer): Wait;
  putDurable?(key: Buffer, value: Buffer): Promise<unknown>;
  getAwait?(key: Buffer): Promise<Uint8Array | null | undefined>;
  /** The number of pairs found. */
  range?(key: Buffer, end: Buffer, limit: number): Answer<number>;
  rev?(): number;
  getAt?(key: Buffer, revision: number): Answer<Uint8Array | null | undefined>;
  watch?(
    key: Buffer,
    end: Buffer | null,
    from: number,
    sink: Sink,
  ): Promise<{ cancel(): void | Promise<void> } | undefined>;
  compact?(revision: number): Promise<unknown>;
  defrag?(): Promise<unknown>;
  /** Watchers cost this peer something else than the others: not compared. */
  readonly noFanout?: boolean;
}

export type Chain = 'machine' | 'load' | 'reopen' | 'history' | 'durable' | 'watch';

export interface Peer {
  readonly name: string;
  readonly kind: string;
  readonly chains: readonly string[];
  open(dir: string, options: { readonly durable: 'periodic' | 'every' }): Promise<BenchStore>;
  /** Another process serves it. */
  readonly server?: boolean;
  /** It keeps the buffers that it is given. */
  readonly freshValues?: boolean;
  /** The peer that it is today: not measured beside it unless both are named. */
  readonly as?: string;
  /** Chain `machine`: figures of the machine itself. */
  machine?(
    dir: string,
    options: {
      readonly windowMs: number;
      readonly valueBytes: number;
      readonly emit: (metric: string, value: number, unit: string) => void;
    },
  ): Promise<void>;
}

/** A peer as the harness runs it: a file with an adapter, or a mode of the Go program. */
export interface Listed {
  readonly name: string;
  readonly kind: string;
  readonly chains: readonly string[];
  readonly file?: string;
  readonly go?: string;
  readonly as?: string;
  /** Given on the command line. */
  readonly extra?: boolean;
}

export interface Options {
  readonly n: number;
  readonly hk: number;
  readonly hr: number;
  readonly win: number;
  readonly wmax: number;
  readonly cap: number;
}

/** By metric and peer, one for each round; null where a round gave none. */
export type Samples = Record<string, Record<string, (number | null)[]>>;

export interface Measured {
  readonly samples: Samples;
  readonly unit: Record<string, string>;
  readonly failures: string[];
  readonly seconds: number;
}

/** Where a run was, and when. */
export interface Circumstances {
  /** Day, as 2026-11-29. */
  readonly day: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** Load average when it ended. */
  readonly load: number;
}

/** What `--out` writes, and `table.mjs` reads. */
export interface Report extends Measured {
  readonly circumstances: Circumstances;
  readonly options: Options;
  readonly rounds: number;
  /** In the order of the table. */
  readonly peers: readonly { readonly name: string; readonly kind: string }[];
  /** Ratios are to this one. */
  readonly anchor: string;
}
