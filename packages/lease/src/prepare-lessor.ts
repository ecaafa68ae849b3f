import { checkOptions } from './checks.ts';
import { systemClock, systemRandom, type Clock } from './clock.ts';
import { LeaseLessor, type LessorSettings } from './lease-lessor.ts';
import type { Lessor, LessorOptions, PreparedLessor } from './lessor.ts';

/**
 * Prepares a lessor for a store: give `observe` to the store when you open it, then `open` the lessor, then let others use the store.
 * Close the lessor before the store.
 * @throws TypeError, RangeError for an unknown option or a wrong one
 */
export function prepareLessor(options: LessorOptions = {}): PreparedLessor {
  return prepareWithClock(options, systemClock);
}

/** As `prepareLessor`, with the clock that leases run out by. */
export function prepareWithClock(options: LessorOptions, clock: Clock): PreparedLessor {
  checkOptions(options);
  const settings: LessorSettings = {
    minTtl: options.minTtl ?? 1,
    maxTtl: options.maxTtl ?? 9_000_000_000,
    persistCheckpoints: options.persistCheckpoints ?? true,
    random: options.random ?? systemRandom,
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
      lessor = new LeaseLessor(store, settings, clock);
      return lessor.observer;
    },
    open: async () => {
      const observing = lessor;
      if (observing === undefined) throw new TypeError('open the store first, with `observe` among its observers');
      return await (opening ??= observing.open().then(() => observing));
    },
  };
}
