/** What is told of a call that took long. Neither keys nor values are in it (R117). */

/** A call that took longer than it should have. */
export interface SlowCall {
  /** Such as `/etcdserverpb.KV/Put`. */
  readonly method: string;
  readonly ms: number;
  /** Of gRPC; 0: it went well. */
  readonly code: number;
  /** Slow calls before it that were not told of: at most ten a second are. */
  readonly untold: number;
}

export interface SlowOptions {
  /** Reads and writes that take longer are slow. */
  readonly ms: number;
  readonly tell: ((call: SlowCall) => void) | undefined;
}
