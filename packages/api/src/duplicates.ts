/**
 * The rule that a transaction changes a key once: no key is put twice in a branch, none is put and deleted (M98, D8).
 *
 * DU1  Order inside a branch does not matter; deletions may overlap. Between nested transactions side by side it does:
 *     a key put in one may be deleted in a later one, not the other way round (S71).
 * DU2  The two branches of one nested transaction exclude each other and may put the same key.
 * DU3  A deletion to the end of all keys reaches every key from its start on.
 *
 * etcd: checkIntervals of server/etcdserver/api/v3rpc/key.go (spec server-api.md 5.5). Departs: DU3, where etcd's interval
 * is empty (#22445).
 */
import { beginsWith, type Bounds } from './bounds.ts';
import { byteKey, bytesOfKey, keyName } from './byte-key.ts';
import { KvError } from './errors.ts';
import type { Plan, Step } from './txn.ts';

/** Keys by `byteKey`. */
interface Touched {
  readonly puts: Set<string>;
  readonly deletes: Deletions;
}

class Deletions {
  readonly #keys = new Set<string>();
  /** `end` is `undefined` for all keys from `start` on. */
  readonly #ranges: { readonly start: string; readonly end: string | undefined }[] = [];

  add({ key, end }: Bounds): void {
    if (end === undefined) this.#keys.add(byteKey(key));
    else this.#ranges.push({ start: byteKey(key), end: end.length === 0 ? undefined : byteKey(end) });
  }

  addAll(other: Deletions): void {
    for (const key of other.#keys) this.#keys.add(key);
    // Not spread: there may be more than a call takes arguments.
    for (const range of other.#ranges) this.#ranges.push(range);
  }

  has(key: string): boolean {
    if (this.#keys.has(key)) return true;
    return this.#ranges.some(({ start, end }) => start <= key && (end === undefined || key < end));
  }
}

/** The part of a key space that the error needs. */
interface Space {
  readonly prefix: Uint8Array;
  relative(stored: Uint8Array): Uint8Array;
}

/** @throws KvError `KV_DUPLICATE_KEY`, with the key as the innermost of its name spaces knows it */
export function checkDuplicates(plan: Plan, spaces: readonly Space[]): void {
  try {
    for (const steps of [plan.then, plan.else]) {
      if (steps.length > 1 || steps[0]?.type === 'txn') touched(steps);
    }
  } catch (error) {
    throw error instanceof Duplicate ? duplicate(relativeTo(spaces, error.key)) : error;
  }
}

function relativeTo(spaces: readonly Space[], key: Uint8Array): Uint8Array {
  const around = spaces.filter(({ prefix }) => beginsWith(key, prefix));
  const [inner] = around.toSorted((a, b) => b.prefix.length - a.prefix.length);
  return inner?.relative(key) ?? key;
}

class Duplicate extends Error {
  readonly key: Uint8Array;

  constructor(key: Uint8Array) {
    super();
    this.key = key;
  }
}

function touched(steps: readonly Step[]): Touched {
  const puts = new Set<string>();
  const deletes = new Deletions();
  for (const step of steps) if (step.type === 'delete') deletes.add(step.at);
  for (const step of steps) if (step.type === 'txn') addNested(step.plan, puts, deletes);
  for (const step of steps) {
    if (step.type !== 'put') continue;
    const key = byteKey(step.key);
    if (puts.has(key) || deletes.has(key)) throw new Duplicate(step.key);
    puts.add(key);
  }
  return { puts, deletes };
}

function addNested(plan: Plan, puts: Set<string>, deletes: Deletions): void {
  const branches = [touched(plan.then), touched(plan.else)] as const;
  const before = new Set(puts);
  for (const branch of branches) {
    for (const key of branch.puts) {
      if (before.has(key) || deletes.has(key)) throw new Duplicate(bytesOfKey(key));
      puts.add(key);
    }
  }
  for (const branch of branches) deletes.addAll(branch.deletes);
}

function duplicate(key: Uint8Array): KvError {
  const message = `the transaction changes ${keyName(key)} twice; give each key one put, or one deletion, a branch`;
  return new KvError('KV_DUPLICATE_KEY', message, { key: new Uint8Array(key) });
}
