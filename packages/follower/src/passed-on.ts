/**
 * Transactions on their way to the source: the parts that name a name space of the follower name the source's own.
 *
 * FPO1  Nothing else is touched or checked here: what is wrong with a transaction, the source says.
 */
import type { Entry, Kv, LeaseChoice, Op, Range, Transaction, Txn } from '@varve/api';
import { isThenable } from '@varve/api/implement';
import type { FollowerCore, Running } from './core.ts';

type SourceOf = <K, V, W>(view: Kv<K, V, W>) => Kv<K, V, W>;
type AnyTxn = Txn<unknown, unknown>;
type AnyOp = Op<unknown, unknown>;
type Condition = NonNullable<AnyTxn['if']>[number];

/** The same transaction, about name spaces of the source. @throws TypeError `KV_INVALID` for a name space that is none of the follower's */
export function passedOn(txn: AnyTxn, sourceOf: SourceOf): AnyTxn {
  if (Object(txn) !== txn) return txn;
  const passed: Record<string, unknown> = { ...txn };
  if (Array.isArray(txn.if)) passed['if'] = txn.if.map((condition: Condition) => conditionOn(condition, sourceOf));
  for (const branch of ['then', 'else'] as const) {
    const ops: unknown = txn[branch];
    if (Array.isArray(ops)) passed[branch] = ops.map((op: AnyOp) => opOn(op, sourceOf));
  }
  return passed;
}

function opOn(op: AnyOp, sourceOf: SourceOf): AnyOp {
  if (op?.type === 'within') return { ...op, namespace: sourceOf(op.namespace as Kv) };
  if (op?.type === 'txn') return passedOn(op, sourceOf) as AnyOp;
  return op;
}

function conditionOn(condition: Condition, sourceOf: SourceOf): Condition {
  if (Object(condition) !== condition || !('namespace' in condition)) return condition;
  return { ...condition, namespace: sourceOf(condition.namespace as Kv) };
}

/** An attempt of the source, as the body of a transaction of the follower sees it. */
export class PassedTransaction<K, V, W> implements Transaction<K, V, W> {
  readonly #core: FollowerCore;
  readonly #running: Running;
  readonly #there: Transaction<K, V, W>;

  constructor(core: FollowerCore, running: Running, there: Transaction<K, V, W>) {
    this.#core = core;
    this.#running = running;
    this.#there = there;
  }

  get revision(): number {
    return this.#there.revision;
  }

  get(key: K): Promise<Entry<K, V> | undefined> {
    return this.#read(this.#there.get(key));
  }

  getMany(keys: readonly K[]): Promise<readonly (Entry<K, V> | undefined)[]> {
    return this.#read(this.#there.getMany(keys));
  }

  list(range: Range<K>): Promise<readonly Entry<K, V>[]> {
    return this.#read(this.#there.list(range));
  }

  put(key: K, value: W, options?: LeaseChoice): void {
    this.#there.put(key, value, options);
  }

  delete(key: K): void {
    this.#there.delete(key);
  }

  in<L, X, Y>(namespace: Kv<L, X, Y>): Transaction<L, X, Y> {
    return new PassedTransaction(this.#core, this.#running, this.#there.in(this.#core.sourceOf(namespace)));
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    this.#running.busy++;
    this.#running.moved = true;
    try {
      return await reading;
    } finally {
      this.#running.busy--;
      this.#running.moved = true;
    }
  }
}

/** The body as the source is to run it. While it runs, only its own reads count as work; once it was ended, it fails. */
export function passedBody<K, V, W, T>(
  core: FollowerCore,
  running: Running,
  body: (tx: Transaction<K, V, W>) => T | Promise<T>,
): (tx: Transaction<K, V, W>) => T | Promise<T> {
  if (typeof body !== 'function') return body;
  return (there) => {
    const inside = (): void => {
      running.busy--;
      running.moved = true;
    };
    const outside = (): void => {
      running.busy++;
      running.moved = true;
    };
    inside();
    let value: T | Promise<T>;
    try {
      value = body(new PassedTransaction(core, running, there));
    } catch (error) {
      outside();
      throw error;
    }
    if (!isThenable(value)) {
      outside();
      return value;
    }
    const ended = Promise.resolve(value).finally(outside);
    return ended.then((result) => {
      running.ending.signal.throwIfAborted();
      return result;
    });
  };
}
