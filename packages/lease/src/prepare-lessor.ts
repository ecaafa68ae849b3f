/** How a lessor begins: prepared, among the observers of a store that is opened, then opened itself. */
import { hostWorld } from '@varve/base/host';
import type { Random } from '@varve/base/world';
import { checkLessorOptions } from './checks.ts';
import { LeaseLessor, type LessorSettings } from './lease-lessor.ts';
import type { Lessor, LessorOptions, PreparedLessor } from './lessor.ts';

/**
 * Prepares a lessor for a store: give `observe` to the store when you open it, then `open` the lessor, then let others use the store.
 * Close the lessor before the store.
 * @throws TypeError, RangeError for an unknown option or a wrong one
 */
export function prepareLessor(options: LessorOptions = {}): PreparedLessor {
  checkLessorOptions(options);
  const { world = hostWorld } = options;
  const settings: LessorSettings = {
    minTtl: options.minTtl ?? 1,
    maxTtl: options.maxTtl ?? 9_000_000_000,
    persistCheckpoints: options.persistCheckpoints ?? true,
    random: options.random ?? (() => randomBits(world.random)),
    rate: options.expiryRate,
    retryMs: options.retryMs ?? 3000,
    checkpointIntervalMs: options.checkpointIntervalMs ?? 300_000,
    primary: options.primary ?? true,
    countsDowntime: options.downtime !== 'ignored',
    onExpired: options.onExpired,
    checkpointer: options.checkpointer,
  };
  let lessor: LeaseLessor | undefined;
  let opening: Promise<Lessor> | undefined;
  return {
    observe: (store) => {
      if (lessor !== undefined) throw new TypeError('a lessor is prepared for one store: prepare another');
      lessor = new LeaseLessor(store, settings, world.clock);
      return lessor.observer;
    },
    open: async () => {
      const observing = lessor;
      if (observing === undefined) throw new TypeError('open the store first, with `observe` among its observers');
      return await (opening ??= observing.open().then(() => observing));
    },
  };
}

/** 64 of them. */
function randomBits(random: Random): bigint {
  const bytes = random.bytes(8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}
