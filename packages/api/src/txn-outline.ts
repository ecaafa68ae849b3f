/**
 * A transaction as it was passed, counted and copied part by part, before anything of it is looked at more closely.
 *
 * TO1 What is shared, nested or endless costs no more than the limits allow: counting stops where one is passed, and depth is
 *     checked before it is walked.
 * TO2 The lists are copies: whatever a codec does while the parts are encoded, what is planned is what was counted.
 */
import { checkNames } from './checks.ts';
import { invalidType, KvError } from './errors.ts';
import type { ActiveLimits } from './limits.ts';
import type { Compare, Op, Txn, TxnOp } from './operations.ts';
import type { WithinCompare } from './within.ts';

/** Shapes are checked, contents are not. */
export interface Outline<K, V> {
  readonly conditions: readonly (Compare<K, V> | WithinCompare)[];
  readonly then: readonly OutlineOp<K, V>[];
  readonly else: readonly OutlineOp<K, V>[];
}

export type OutlineOp<K, V> =
  | { readonly type: 'txn'; readonly txn: Outline<K, V> }
  | { readonly type: 'one'; readonly op: Exclude<Op<K, V>, { type: 'txn' }> };

const txnNames = ['if', 'then', 'else'];
const nestedNames = ['type', ...txnNames];

/** @throws TypeError `KV_INVALID`; KvError `KV_TOO_LARGE` */
export function outlineOf<K, V>(txn: Txn<K, V>, limits: ActiveLimits): Outline<K, V> {
  if (typeof txn === 'function') throw invalidType('txn takes an object with if, then, else; transaction a function');
  checkNames(txn, 'the transaction', txnNames);
  const counting = new Counting<K, V>(limits);
  return {
    conditions: counting.conditions(txn.if),
    then: counting.branch(txn.then, 'then'),
    else: counting.branch(txn.else, 'else'),
  };
}

class Counting<K, V> {
  readonly #limits: ActiveLimits;
  #conditions = 0;
  /** Operations of the outermost branch that is walked. */
  #ops = 0;

  constructor(limits: ActiveLimits) {
    this.#limits = limits;
  }

  conditions(
    given: readonly (Compare<K, V> | WithinCompare)[] | undefined,
  ): readonly (Compare<K, V> | WithinCompare)[] {
    const conditions = list(given, 'if', this.#limits.maxOps - this.#conditions, () => this.#tooMany('conditions'));
    this.#conditions += conditions.length;
    return conditions;
  }

  /** A branch of the outermost transaction: branches there exclude each other, and count apart. */
  branch(ops: readonly Op<K, V>[] | undefined, name: string): readonly OutlineOp<K, V>[] {
    this.#ops = 0;
    return this.#branch(ops, name, 0);
  }

  #branch(given: readonly Op<K, V>[] | undefined, name: string, depth: number): readonly OutlineOp<K, V>[] {
    const ops = list(given, name, this.#limits.maxOps - this.#ops, () => this.#tooMany('operations'));
    this.#ops += ops.length;
    return ops.map((op) => this.#op(op, depth));
  }

  #op(op: Op<K, V>, depth: number): OutlineOp<K, V> {
    if (typeof op !== 'object' || op === null) {
      throw invalidType('an operation must be an object; make it with put(), get() ...');
    }
    return op.type === 'txn' ? { type: 'txn', txn: this.#nested(op, depth + 1) } : { type: 'one', op };
  }

  #nested(txn: TxnOp<K, V>, depth: number): Outline<K, V> {
    const { maxDepth } = this.#limits;
    if (depth > maxDepth) {
      const message = `transactions are nested deeper than ${maxDepth}; flatten them, or raise the option limits.maxDepth`;
      throw new KvError('KV_TOO_LARGE', message, { limit: maxDepth });
    }
    checkNames(txn, 'a nested transaction', nestedNames);
    return {
      conditions: this.conditions(txn.if),
      then: this.#branch(txn.then, 'then', depth),
      else: this.#branch(txn.else, 'else', depth),
    };
  }

  #tooMany(what: string): KvError {
    const limit = this.#limits.maxOps;
    const message = `the transaction has too many ${what}, nested ones included; the limit is ${limit}: split it, or raise the option limits.maxOps`;
    return new KvError('KV_TOO_LARGE', message, { limit });
  }
}

/** A copy of what was given. */
function list<T>(items: readonly T[] | undefined, name: string, allowed: number, tooMany: () => KvError): readonly T[] {
  if (items === undefined) return [];
  if (!Array.isArray(items)) throw invalidType(`${name} must be an array`);
  if (items.length > allowed) throw tooMany();
  return (items as readonly T[]).slice(0, allowed);
}
