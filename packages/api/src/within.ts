/**
 * Parts of a transaction that are about keys of another name space of the same store.
 *
 * WIT1  A part is typed by its own name space: keys, values and the result. Bytes are compared and deleted as those of that name space.
 * WIT2  A name space of another store is refused before anything happens.
 */
import { checkNames } from './checks.ts';
import type { Kv } from './kv.ts';
import type { Compare, DeleteOp, GetOp, OpResult, PutOp, RangeOp } from './operations.ts';

/** An operation that is no transaction of its own. */
export type OneOp<K, V> = GetOp<K> | RangeOp<K> | PutOp<K, V> | DeleteOp<K>;

/** An operation on keys of another name space; `within` makes it. */
export interface WithinOp<R = unknown> {
  readonly type: 'within';
  /** A name space of the store that carries it out. */
  readonly namespace: object;
  readonly op: OneOp<never, never> | OneOp<unknown, unknown>;
  /** Never there; the type of the result. */
  readonly result?: readonly [R] | undefined;
}

/** A condition on keys of another name space; `within` makes it. */
export interface WithinCompare {
  readonly namespace: object;
  readonly compare: Compare<never, never> | Compare<unknown, unknown>;
}

/** An operation, or a condition, of another name space: `within(sessions, put('k', v))`. The one that is given may also be the whole store. */
export function within<K, V, W, const O extends OneOp<K, W>>(
  namespace: Kv<K, V, W>,
  op: O,
): WithinOp<OpResult<K, V, O>>;
/** An operation, or a condition, of another name space: `within(sessions, missing('k'))`. The one that is given may also be the whole store. */
export function within<K, V, W>(namespace: Kv<K, V, W>, condition: Compare<K, W>): WithinCompare;
export function within(namespace: object, part: OneOp<unknown, unknown> | Compare<unknown, unknown>): object {
  checkNames(part, 'the second argument of within', partNames);
  return 'type' in part ? { type: 'within', namespace, op: part } : { namespace, compare: part };
}

const partNames = [
  ...['type', 'key', 'range', 'value', 'limit', 'reverse', 'previous', 'lease', 'ttl'],
  ...['version', 'createRevision', 'modRevision'],
];
