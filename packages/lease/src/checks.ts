/** Checks of arguments: whoever gives wrong ones hears of it before anything is done. */
import {
  check,
  checkOptions,
  isBoolean,
  isBytes,
  isFunction,
  isInteger,
  isNumber,
  isOneOf,
  type Rules,
} from '@varve/base/options';
import { isWorld } from '@varve/base/world';
import type { LessorOptions } from './lessor.ts';

const LEAST_ID = -(2n ** 63n);
const GREATEST_ID = 2n ** 63n - 1n;
/** What a timer can wait. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

const isId = {
  what: 'a signed 64-bit bigint',
  isKind: (value: unknown): boolean => typeof value === 'bigint',
  isWithin: (id: bigint): boolean => id >= LEAST_ID && id <= GREATEST_ID,
};
const isDuration = isNumber('a number of milliseconds, at least 0', (ms) => ms >= 0 && ms < Infinity);

const rules: Rules<LessorOptions> = {
  minTtl: isInteger(1),
  maxTtl: isInteger(1),
  primary: isBoolean,
  expiryRate: isNumber('a number above 0; leave it out for no limit', (rate) => rate > 0 && rate < Infinity),
  retryMs: isNumber('a number of milliseconds, at least 1', (ms) => ms >= 1 && ms < Infinity),
  onExpired: isFunction,
  checkpointIntervalMs: isDuration,
  checkpointer: isFunction,
  persistCheckpoints: isBoolean,
  downtime: isOneOf('counts', 'ignored'),
  random: isFunction,
  world: isWorld,
};

/** @throws TypeError, RangeError */
export function checkId(id: bigint): void {
  check(id, 'the id of a lease', isId);
}

/** @throws RangeError unless a whole number, of any sign and size */
export function checkTtl(ttl: number): void {
  if (!Number.isInteger(ttl)) throw new RangeError('ttl must be a whole number of seconds');
}

/** @throws TypeError for anything but bytes */
export function checkKey(key: Uint8Array): void {
  check(key, 'key', isBytes);
}

/** @throws TypeError, RangeError unless it is a length of time */
export function checkDuration(ms: number, name: string): void {
  check(ms, name, isDuration);
}

/** @throws TypeError, RangeError */
export function checkLessorOptions(options: LessorOptions): void {
  checkOptions(options, rules);
}
