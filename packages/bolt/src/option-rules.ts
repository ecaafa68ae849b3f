/** What options of this package must be, beyond what all packages have in common. */
import { isInteger, isNumber, type Rule } from '@varve/base/options';
import { isPageSize as holdsPages } from './format/meta.ts';

export const isPageSize: Rule = isNumber('a power of two from 512 to 65536', holdsPages);

/** Bytes of memory, 0 and no bound included. */
export const isByteCount: Rule = isNumber('a number of bytes, not negative', (bytes) => bytes >= 0);

/** Bytes of one piece. */
export const isChunkSize: Rule = isInteger(1);

/** How full pages are made. */
export const isFillPercent: Rule = isNumber('between 0.1 and 1', (part) => part >= 0.1 && part <= 1);

/** The counter of a bucket. */
export const isSequence: Rule = {
  what: 'an unsigned 64-bit number, as a bigint',
  isKind: (value) => typeof value === 'bigint',
  isWithin: (value: bigint) => value >= 0n && value < 2n ** 64n,
};

/** @throws TypeError */
export function checkBody(body: unknown): void {
  if (typeof body !== 'function') throw new TypeError('the body of a write must be a function');
}
