/**
 * Transactions as data: what `kv.txn` takes and what it answers, with a function to make each part (decisions/0018).
 *
 * OPR1  Everything here is a plain object: it can be built by hand, kept, logged and sent.
 * OPR2  The answer of a branch has one result an operation, at the same place and of that operation's type.
 *
 * etcd: TxnRequest, Compare and RequestOp of rpc.proto (spec server-api.md 5.5). Departs: one compare may hold several
 * tests.
 */
import { checkNames } from './checks.ts';
import type { LeaseChoice } from './lease.ts';
import type { WithinCompare, WithinOp } from './within.ts';
import type { DeleteResult, DeleteSelector, Entry, PutResult, Range, Selector } from './kv.ts';

/** Tests of one number; all that are given must hold. A missing key has 0 everywhere. */
export interface NumberTest<N = number> {
  readonly equals?: N | undefined;
  readonly not?: N | undefined;
  readonly greater?: N | undefined;
  readonly less?: N | undefined;
}

/** Tests of a value, in the order of the encoded bytes. A missing key fails every one of them, `not` included. */
export interface ValueTest<V> {
  readonly equals?: V | undefined;
  readonly not?: V | undefined;
  readonly greater?: V | undefined;
  readonly less?: V | undefined;
}

/** What to test of a key. */
export interface Tests<V> {
  /** Changes since its creation; 0 for a missing key. */
  readonly version?: NumberTest | undefined;
  /** Revision that created it; 0 for a missing key. */
  readonly createRevision?: NumberTest | undefined;
  /** Revision of its last change; 0 for a missing key. The one to use for "unchanged since I read it". */
  readonly modRevision?: NumberTest | undefined;
  /** Lease it is attached to, as entries have it, or as a number; `'0'` for none. */
  readonly lease?: NumberTest<bigint | string> | undefined;
  readonly value?: ValueTest<V> | undefined;
}

/** One condition of a transaction. With a range, every key in it must pass; an empty range counts as a missing key. */
export interface Compare<K, V> extends Tests<V> {
  readonly key: Selector<K>;
}

export interface GetOp<K> {
  readonly type: 'get';
  readonly key: K;
}

export interface RangeOp<K> {
  readonly type: 'range';
  readonly range: Range<K>;
  readonly limit?: number | undefined;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean | undefined;
}

export interface PutOp<K, V> extends LeaseChoice {
  readonly type: 'put';
  readonly key: K;
  readonly value: V;
  readonly previous?: boolean | undefined;
}

export interface DeleteOp<K> {
  readonly type: 'delete';
  readonly key: DeleteSelector<K>;
  readonly previous?: boolean | undefined;
}

/** A transaction inside a transaction. Its conditions see the state before the outermost one. */
export interface TxnOp<K, V> extends Txn<K, V> {
  readonly type: 'txn';
}

export type Op<K, V> = GetOp<K> | RangeOp<K> | PutOp<K, V> | DeleteOp<K> | TxnOp<K, V> | WithinOp;

/** If every condition holds, `then` is carried out, else `else`: at one revision, in order, wholly or not at all. */
export interface Txn<
  K,
  V,
  Then extends readonly Op<K, V>[] = readonly Op<K, V>[],
  Else extends readonly Op<K, V>[] = readonly Op<K, V>[],
> {
  /** Conditions on the state before the transaction. @default none: `then` is carried out */
  readonly if?: readonly (Compare<K, V> | WithinCompare)[] | undefined;
  readonly then?: Then | undefined;
  readonly else?: Else | undefined;
}

/** What a range operation found. */
export interface RangeOpResult<K, V> {
  readonly entries: readonly Entry<K, V>[];
  /** Matches, whatever the limit. */
  readonly total: number;
}

/** The result of one operation. */
export type OpResult<K, V, O> = O extends { readonly type: 'get' }
  ? Entry<K, V> | undefined
  : O extends { readonly type: 'range' }
    ? RangeOpResult<K, V>
    : O extends { readonly type: 'put' }
      ? PutResult<K, V>
      : O extends { readonly type: 'delete' }
        ? DeleteResult<K, V>
        : O extends { readonly type: 'txn'; readonly then?: infer Then; readonly else?: infer Else }
          ? TxnResult<K, V, Ops<Then>, Ops<Else>>
          : O extends { readonly type: 'within'; readonly result?: infer R }
            ? Exclude<R, undefined> extends readonly [infer Result]
              ? Result
              : never
            : never;

/** The operations of a branch, whose type says "or undefined" where it is optional. */
type Ops<Branch> = Exclude<Branch, undefined> extends infer Given extends readonly unknown[] ? Given : never;

/** The results of a branch, one an operation. */
export type OpResults<K, V, Branch extends readonly unknown[]> = {
  readonly [I in keyof Branch]: OpResult<K, V, Branch[I]>;
};

/** Which branch was carried out, and what it gave. Check `succeeded` to know the type of `results`. */
export type TxnResult<
  K,
  V,
  Then extends readonly unknown[] = readonly Op<K, V>[],
  Else extends readonly unknown[] = readonly Op<K, V>[],
> =
  | {
      readonly succeeded: true;
      /** The revision the transaction made, or the one it found when it changed nothing. */
      readonly revision: number;
      readonly results: OpResults<K, V, Then>;
    }
  | {
      readonly succeeded: false;
      /** The revision the transaction made, or the one it found when it changed nothing. */
      readonly revision: number;
      readonly results: OpResults<K, V, Else>;
    };

/** The key type of a selector; `never`, which fits every store, for `{}` and for `{ all: true }`. */
export type KeyOf<S> = S extends { readonly all: boolean }
  ? never
  : S extends Range<infer K>
    ? unknown extends K
      ? never
      : K
    : S;

const testNames = ['version', 'createRevision', 'modRevision', 'lease', 'value'];
const rangeNames = ['limit', 'reverse'];
const previousNames = ['previous'];
const putNames = ['previous', 'lease', 'ttl'];

/** The key does not exist; of a range, no key in it does. */
export function missing<S>(key: S): Compare<KeyOf<S>, never> {
  return compare(key, { version: { equals: 0 } });
}

/** The key exists; of a range, some key in it does. */
export function exists<S>(key: S): Compare<KeyOf<S>, never> {
  return compare(key, { version: { greater: 0 } });
}

/** Any test of a key: `compare('config', { modRevision: { equals: 7 } })`. */
export function compare<S, V = never>(key: S, tests: Tests<V>): Compare<KeyOf<S>, V> {
  checkNames(tests, 'the tests, as in compare(key, { value: { equals: x } }),', testNames);
  return { key: key as Selector<KeyOf<S>>, ...tests };
}

/** Reads one key, as the operations before it left it. */
export function get<K>(key: K): GetOp<K> {
  return { type: 'get', key };
}

/** Reads a range, as the operations before it left it; in one piece, so keep it small. */
export function range<K = never>(
  range: Range<K>,
  options: { readonly limit?: number | undefined; readonly reverse?: boolean | undefined } = {},
): RangeOp<K> {
  checkNames(options, 'options', rangeNames);
  return { type: 'range', range, ...options };
}

/** Puts a key; with a lease, or with one of its own (`ttl`). */
export function put<K, V>(
  key: K,
  value: V,
  options: LeaseChoice & { readonly previous?: boolean | undefined } = {},
): PutOp<K, V> {
  checkNames(options, 'options', putNames);
  return { type: 'put', key, value, ...options };
}

/** Deletes a key, the keys of a range, or with `{ all: true }` all there are. */
export function remove<S>(key: S, options: { readonly previous?: boolean | undefined } = {}): DeleteOp<KeyOf<S>> {
  checkNames(options, 'options', previousNames);
  return { type: 'delete', key: key as DeleteSelector<KeyOf<S>>, ...options };
}

/** The parts of a nested transaction, each of its own type; the store that gets it checks that they fit. */
export interface NestedTxn<If, Then, Else> {
  readonly if?: If | undefined;
  readonly then?: Then | undefined;
  readonly else?: Else | undefined;
}

/** A transaction as an operation of another. */
export function nested<
  const If extends readonly (Compare<unknown, unknown> | WithinCompare)[] = readonly [],
  const Then extends readonly Op<unknown, unknown>[] = readonly [],
  const Else extends readonly Op<unknown, unknown>[] = readonly [],
>(txn: NestedTxn<If, Then, Else>): { readonly type: 'txn' } & NestedTxn<If, Then, Else> {
  checkNames(txn, 'a nested transaction', ['if', 'then', 'else']);
  return { type: 'txn', ...txn };
}
