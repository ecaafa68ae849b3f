/** The lease that a put asks for, checked: what comes out of here is one that may be there, or one to grant. */
import { checkNames, checkOptionalBoolean, checkSignal } from './checks.ts';
import { invalidType, outOfRange } from './errors.ts';
import type { GrantOptions, LeaseChoice, TakeUpOptions } from './lease.ts';
import { leaseOf } from './lease-text.ts';

/** A lease that should be there, or the time to live of one to grant. */
export type LeasePlan = { readonly id: bigint } | { readonly ttl: number };

/** The lease of a put; `undefined` for none. @throws TypeError, RangeError `KV_INVALID` */
export function planLease({ lease, ttl }: LeaseChoice): LeasePlan | undefined {
  if (lease === undefined && ttl === undefined) return undefined;
  if (lease === undefined) return { ttl: checkedTtl(ttl) };
  if (ttl !== undefined) throw invalidType('lease and ttl exclude each other: ttl grants a lease of its own');
  const text: unknown = typeof lease === 'object' && lease !== null ? lease.id : lease;
  return { id: checkedId(text, 'lease', 'a lease, or its id as the hexadecimal text that entries have') };
}

/** What `lease` was asked for. `ttl` is absent for a lease to take up. */
export interface LeaseRequest {
  readonly id: bigint | undefined;
  readonly ttl: number | undefined;
  readonly keepAlive: boolean;
  readonly signal: AbortSignal | undefined;
}

const leaseNames = ['ttl', 'id', 'keepAlive', 'signal'];

/** @throws TypeError, RangeError `KV_INVALID`; the signal's own reason */
export function planGrant(options: GrantOptions | TakeUpOptions): LeaseRequest {
  checkNames(options, 'options', leaseNames);
  const { ttl, id: text, keepAlive, signal } = options;
  if (ttl === undefined && text === undefined)
    throw invalidType('lease needs a ttl, in seconds, or the id of a lease that is there');
  const id = text === undefined ? undefined : checkedId(text, 'id', 'hexadecimal text of up to 16 digits');
  if (ttl !== undefined) checkedTtl(ttl);
  checkOptionalBoolean(keepAlive, 'keepAlive');
  checkSignal(signal);
  return { id, ttl, keepAlive: keepAlive === true, signal };
}

function checkedId(text: unknown, name: string, what: string): bigint {
  if (typeof text !== 'string') throw invalidType(`${name} must be ${what}`);
  const id = leaseOf(text);
  if (id === undefined || id === 0n) throw outOfRange(`${name} must be ${what}, and not 0`);
  return id;
}

function checkedTtl(ttl: unknown): number {
  if (typeof ttl !== 'number') throw invalidType('ttl must be a number of seconds');
  if (!Number.isSafeInteger(ttl) || ttl < 1) throw outOfRange('ttl must be a whole number of seconds, from 1');
  return ttl;
}
