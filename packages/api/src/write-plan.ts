/** Writes of one key that depend on what is there, and deletions, checked and encoded before anything happens: the same for every `Kv`. */
import type { Bounds } from './bounds.ts';
import { checkNames, checkOptionalBoolean, checkOptionalInteger, checkRevision, checkSignal } from './checks.ts';
import { invalidType } from './errors.ts';
import type { DeleteOptions, DeleteSelector } from './kv.ts';
import { planLease, type LeasePlan } from './lease-plan.ts';
import type { CreateOptions, UpdateOptions } from './optimistic.ts';
import type { Records } from './records.ts';

/** A put that is done if the key has this revision. */
export interface ConditionalPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease: LeasePlan | undefined;
  /** The revision of the key's last change, 0 for a key that is not there. */
  readonly wanted: number;
  readonly signal: AbortSignal | undefined;
}

export interface DeletePlan {
  readonly at: Bounds;
  readonly previous: boolean;
  readonly limit: number | undefined;
  readonly signal: AbortSignal | undefined;
}

const createNames = ['lease', 'ttl', 'signal'];
const updateNames = ['revision', ...createNames];
const deleteNames = ['previous', 'limit', 'signal'];

/** @throws TypeError, RangeError `KV_INVALID`; KvError `KV_ENCODE`, `KV_TOO_LARGE` */
export function planCreate<K, V>(records: Records<K, V>, key: K, value: V, options: CreateOptions): ConditionalPut {
  checkNames(options, 'options', createNames);
  return conditional(records, key, value, options, 0);
}

/** @throws TypeError, RangeError `KV_INVALID`; KvError `KV_ENCODE`, `KV_TOO_LARGE` */
export function planUpdate<K, V>(records: Records<K, V>, key: K, value: V, options: UpdateOptions): ConditionalPut {
  checkNames(options, 'options', updateNames);
  checkRevision(options.revision, 'revision');
  return conditional(records, key, value, options, options.revision);
}

function conditional<K, V>(
  records: Records<K, V>,
  key: K,
  value: V,
  options: CreateOptions,
  wanted: number,
): ConditionalPut {
  const { signal } = options;
  checkSignal(signal);
  const lease = planLease(options);
  const keyBytes = records.newOwnKey(key);
  return { key: keyBytes, value: records.newOwnValue(value, keyBytes), lease, wanted, signal };
}

/** @throws TypeError, RangeError `KV_INVALID` */
export function planDelete<K, V>(
  records: Records<K, V>,
  selector: DeleteSelector<K>,
  options: DeleteOptions,
): DeletePlan {
  checkNames(options, 'options', deleteNames);
  const { previous, limit, signal } = options;
  checkOptionalBoolean(previous, 'previous');
  checkOptionalInteger(limit, 'limit', 1, records.limits.maxDeletes);
  checkSignal(signal);
  const at = records.keys.selectDoomed(selector);
  if (limit !== undefined && at.end === undefined) throw invalidType('limit goes with a range, not with one key');
  return { at, previous: previous === true, limit, signal };
}
