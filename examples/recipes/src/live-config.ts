/**
 * Configuration with live reload: a program always has one whole configuration, the newest.
 *
 * LCF1  There is no gap between the first state and the changes after it: one watch with `initial` gives both.
 * LCF2  What was changed by one transaction is applied as one: `apply` never sees half of it.
 * LCF3  Who was too slow for the history that is kept begins again with the present state.
 */
import { codeOf, type Kv } from '@varve/kv';

export type Config = ReadonlyMap<string, string>;

/**
 * Calls `apply` with the configuration that is there, and again after each change. What `apply` throws ends it.
 * Resolves when the signal aborts or the store is closed.
 */
export async function followConfig(
  kv: Kv,
  prefix: string,
  signal: AbortSignal,
  apply: (config: Config) => void | Promise<void>,
): Promise<void> {
  for (;;) {
    // Empty at each beginning, so that what was deleted meanwhile is gone.
    const config = new Map<string, string>();
    const watch = kv.watch({ prefix }, { initial: true, signal });
    try {
      for await (const { events, initial } of watch.batches()) {
        for (const { type, key, value } of events) {
          if (type === 'put') config.set(key, value);
          else config.delete(key);
        }
        // The first state comes in parts. An empty batch that is not `initial` follows the last one.
        if (!initial) await apply(new Map(config));
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (codeOf(error) !== 'MVCC_COMPACTED') throw error;
    }
  }
}
