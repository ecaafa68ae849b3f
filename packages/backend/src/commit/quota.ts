/**
 * How much a request may add to the store before it is refused (spec backend.md section 11).
 *
 * QU1  Costs nothing, fits always: space can be freed when there is none left.
 * QU2  The size is what the medium holds, not what is in use: deleting frees nothing until a defrag.
 * QU3  A refused request is an error of that request and nothing else (BD6; etcd raises an alarm that sticks).
 *
 * etcd: server/storage/quota.go.
 */
import { check, isInteger, type Rule } from '@varve/base/options';
import type { Backend } from '../contract/backend.ts';

const defaultLimit = 2 * 1024 ** 3;
const advisedLimit = 8 * 1024 ** 3;
const rowCost = 256;
const grantCost = 64;

export interface Quota {
  /** Bytes; `undefined` where there is no quota. */
  readonly limit: number | undefined;
  /** Bytes left, negative when over the limit; 1 where there is no quota, as etcd has it. */
  readonly remaining: number;
  /** Whether a request of that cost may go on. */
  available(cost: number): boolean;
  /** One sentence about a limit that is larger than advised. */
  readonly warning: string | undefined;
}

/** The quota of a backend: how much it may hold before writes are refused. @param configured bytes; 0: the default of 2 GiB; negative: no quota */
export function quotaOf(backend: Pick<Backend, 'size'>, configured = 0): Quota {
  if (typeof configured !== 'number') throw new TypeError('quota must be a number');
  if (Number.isNaN(configured)) throw new RangeError('quota must be a number of bytes');
  const limit = configured < 0 ? undefined : configured === 0 ? defaultLimit : configured;
  return {
    limit,
    get remaining() {
      return limit === undefined ? 1 : limit - backend.size;
    },
    available: (cost) => limit === undefined || cost === 0 || backend.size + cost < limit,
    warning:
      limit !== undefined && limit > advisedLimit
        ? `the quota of ${limit} bytes is above the ${advisedLimit} bytes that are advised at most`
        : undefined,
  };
}

const isLength: Rule = isInteger(0);

/** Cost of a put in bytes, from the lengths of its key and value. */
export function putCost(keyLength: number, valueLength: number): number {
  check(keyLength, 'keyLength', isLength);
  check(valueLength, 'valueLength', isLength);
  return rowCost + keyLength + valueLength;
}

/** Cost of granting a lease in bytes. */
export function leaseGrantCost(): number {
  return grantCost;
}

/** A transaction as its cost sees it: what else it does is free and may be left out. */
export interface CostedTxn {
  readonly success: readonly CostedOp[];
  readonly failure: readonly CostedOp[];
}

export type CostedOp =
  | { readonly type: 'put'; readonly keyLength: number; readonly valueLength: number }
  | { readonly type: 'txn'; readonly txn: CostedTxn }
  | { readonly type: 'free' };

/**
 * Cost of a transaction in bytes: that of its dearer branch, nested transactions counted the same way. Nesting of any
 * depth is fine.
 */
export function txnCost(txn: CostedTxn): number {
  const outermost = new OpenTxn(txn);
  const open = [outermost];
  for (;;) {
    const innermost = open[open.length - 1]!;
    const op = innermost.next();
    if (op === undefined) {
      open.pop();
      if (innermost === outermost) return innermost.cost;
      open[open.length - 1]!.add(innermost.cost);
    } else if (op.type === 'txn') {
      open.push(new OpenTxn(op.txn));
    } else if (op.type === 'put') {
      innermost.add(putCost(op.keyLength, op.valueLength));
    }
  }
}

/** A transaction whose operations are being added up. */
class OpenTxn {
  readonly #txn: CostedTxn;
  readonly #sums = { success: 0, failure: 0 };
  #branch: 'success' | 'failure' = 'success';
  #place = 0;

  constructor(txn: CostedTxn) {
    this.#txn = txn;
  }

  get cost(): number {
    return Math.max(this.#sums.success, this.#sums.failure);
  }

  add(cost: number): void {
    this.#sums[this.#branch] += cost;
  }

  next(): CostedOp | undefined {
    if (this.#branch === 'success' && this.#place === this.#txn.success.length) {
      this.#branch = 'failure';
      this.#place = 0;
    }
    const op = this.#txn[this.#branch][this.#place];
    this.#place += 1;
    return op;
  }
}
