/** Checks of arguments: whoever gives wrong ones hears of it before anything is done. */
import type { LessorOptions } from './lessor.ts';

const LEAST_ID = -(2n ** 63n);
const GREATEST_ID = 2n ** 63n - 1n;
/** What a timer can wait. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

const optionNames = [
  'minTtl',
  'maxTtl',
  'primary',
  'expiryRate',
  'retryMs',
  'onExpired',
  'checkpointIntervalMs',
  'checkpointer',
  'persistCheckpoints',
  'downtime',
  'random',
];

/** @throws TypeError, RangeError */
export function checkId(id: bigint): void {
  if (typeof id !== 'bigint') throw new TypeError('the id of a lease must be a bigint');
  if (id < LEAST_ID || id > GREATEST_ID) throw new RangeError('the id of a lease must be a signed 64-bit bigint');
}

/** @throws RangeError unless a whole number, of any sign and size */
export function checkTtl(ttl: number): void {
  if (!Number.isInteger(ttl)) throw new RangeError('ttl must be a whole number of seconds');
}

/** @throws TypeError for anything but bytes */
export function checkKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array');
}

/** @throws RangeError unless it is a length of time */
export function checkDuration(ms: number, name: string): void {
  if (typeof ms !== 'number' || !(ms >= 0 && ms < Infinity))
    throw new RangeError(`${name} must be a number of milliseconds`);
}

/** @throws TypeError, RangeError */
export function checkOptions(options: LessorOptions): void {
  if (Object.prototype.toString.call(options) !== '[object Object]') throw new TypeError('options must be an object');
  for (const name of Object.keys(options)) {
    if (optionNames.includes(name)) continue;
    throw new TypeError(`options: there is no ${JSON.stringify(name)}; known are ${optionNames.join(', ')}`);
  }
  const {
    minTtl = 1,
    maxTtl = 1,
    expiryRate = 1,
    retryMs = 1,
    checkpointIntervalMs = 0,
    downtime = 'counts',
  } = options;
  for (const [name, value] of Object.entries({ minTtl, maxTtl })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} must be a whole number of seconds from 1`);
  }
  if (!(typeof expiryRate === 'number' && expiryRate > 0 && expiryRate < Infinity)) {
    throw new RangeError('expiryRate must be a number above 0; leave it out for no limit');
  }
  checkDuration(retryMs, 'retryMs');
  if (retryMs < 1) throw new RangeError('retryMs must be at least 1');
  checkDuration(checkpointIntervalMs, 'checkpointIntervalMs');
  if (downtime !== 'counts' && downtime !== 'ignored') throw new RangeError("downtime must be 'counts' or 'ignored'");
  for (const name of ['primary', 'persistCheckpoints'] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean`);
  }
  for (const name of ['onExpired', 'checkpointer', 'random'] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function`);
  }
}
