/** How long a value lives, as keyv says it and as a lease does. */
import { leaseSeconds } from '@varve/api/adapt';
import { invalidType } from '@varve/api/implement';

/**
 * Seconds for a lease that ends at `ttl` milliseconds or later; `undefined` for ever, which is also what a lease cannot have. What is over already gets the shortest, since keyv
 * has written beside the value that it is.
 * @throws TypeError `KV_INVALID` for what is no number
 */
export function secondsOf(ttl: number | undefined): number | undefined {
  if (ttl === undefined || ttl === 0) return undefined;
  if (typeof ttl !== 'number' || Number.isNaN(ttl)) throw invalidType('ttl must be a number of milliseconds');
  return leaseSeconds(ttl / 1000);
}

/**
 * When a value ends, in milliseconds since 1970, if that can be told: of what keyv serializes by itself, and of what it does not serialize
 * at all. With another serializer the key is there until its lease ends.
 */
export function endOf(value: unknown): number | undefined {
  const expires: unknown = Object(typeof value === 'string' ? parsed(value) : value).expires;
  return typeof expires === 'number' ? expires : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
