/**
 * Which branches a transaction takes: its conditions, decided on the state before its first change.
 *
 * TD1 All conditions of the path taken, nested ones included, are decided on that one state.
 * TD2 In the section where the ranges that they test are short. Else before it, in slices, at a revision that is the newest
 *     there is: writers wait in the line meanwhile, the event loop does not (law 10). Leases that run out do not wait: when one
 *     has changed something since, it is decided again.
 *
 * etcd: server/etcdserver/txn/txn.go, checkTxn (spec server-api.md 5.5).
 */
import { compareBytes } from '@varve/base/order';
import type { NumberTest } from '@varve/api';
import { type Condition, keyAfter, type Plan, type Step, type WholePlan } from '@varve/api/implement';
import type { KeyValue, WriteTxn } from '@varve/watch';
import { ChunkSize } from './chunk-size.ts';
import type { Core } from './core.ts';

/** The branch a plan takes. */
export interface Path {
  readonly succeeded: boolean;
  readonly steps: readonly PathStep[];
}

export type PathStep =
  | Exclude<Step, { type: 'txn' }>
  | { readonly type: 'txn'; readonly path: Path; readonly records?: undefined };

/** Keys that the conditions of one transaction may test inside its section: well below a millisecond. */
const shortKeys = 256;

const KEY_ONLY = { keyOnly: true } as const;

/** A missing key, as conditions see it. */
const absent: Pick<KeyValue, 'version' | 'createRevision' | 'modRevision' | 'lease'> = {
  version: 0,
  createRevision: 0,
  modRevision: 0,
  lease: 0n,
};

/** Where the conditions of one transaction are decided. */
export class Decision {
  /** What was found before the section, and the revision of which it is true. */
  #found: { readonly path: Path; readonly revision: number } | undefined;
  readonly #core: Core;
  readonly #plan: WholePlan;
  readonly #signal: AbortSignal | undefined;

  constructor(core: Core, plan: WholePlan, signal: AbortSignal | undefined) {
    this.#core = core;
    this.#plan = plan;
    this.#signal = signal;
  }

  prepare(): Promise<void> | undefined {
    if (this.#plan.ranges.length === 0 || this.#found?.revision === this.#core.store.finishedRev()) return undefined;
    return this.#isShort() ? undefined : this.#decide();
  }

  /** The path to take, in the section. */
  path(txn: WriteTxn): Path {
    return this.#found?.revision === txn.rev() ? this.#found.path : choosePath(this.#plan, txn);
  }

  #isShort(): boolean {
    const { value: left } = this.#core.write((txn) => {
      let left = shortKeys;
      for (const { key, end } of this.#plan.ranges) {
        left -= txn.range(key, end, { keysOnly: true, limit: left + 1 }).kvs.length;
        if (left < 0) break;
      }
      return left;
    });
    return left >= 0;
  }

  async #decide(): Promise<void> {
    const { store } = this.#core;
    // What is finished becomes visible, and no writer has a section from here to that of this one.
    await store.settled();
    const revision = store.rev();
    this.#found = { revision, path: await findPath(this.#core, this.#plan, revision, this.#signal) };
  }
}

/** The path at the present of a section, in this tick. */
function choosePath(plan: Plan, txn: WriteTxn): Path {
  const succeeded = plan.conditions.every((condition) => holds(condition, txn));
  const steps = (succeeded ? plan.then : plan.else).map((step): PathStep => {
    return step.type === 'txn' ? { type: 'txn', path: choosePath(step.plan, txn) } : step;
  });
  return { succeeded, steps };
}

/** The path at a visible revision, in slices. */
export async function findPath(
  core: Core,
  plan: Plan,
  revision: number,
  signal: AbortSignal | undefined,
): Promise<Path> {
  let succeeded = true;
  for (const condition of plan.conditions) {
    succeeded = await heldAt(core, condition, revision, signal);
    if (!succeeded) break;
  }
  const steps: PathStep[] = [];
  for (const step of succeeded ? plan.then : plan.else) {
    if (step.type === 'txn') steps.push({ type: 'txn', path: await findPath(core, step.plan, revision, signal) });
    else steps.push(step);
  }
  return { succeeded, steps };
}

async function heldAt(
  { store, world }: Core,
  condition: Condition,
  revision: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { key, end } = condition.at;
  const keysOnly = needsKeysOnly(condition);
  if (end === undefined) return passes(condition, store.get(key, { revision, keyOnly: keysOnly }));
  const size = new ChunkSize();
  for (let from = key, empty = true; ; empty = false) {
    const limit = size.entries;
    const { kvs } = await store.range(from, end, { revision, limit, keysOnly, signal });
    const last = kvs.at(-1);
    if (last === undefined) return !empty || passes(condition, undefined);
    if (!kvs.every((kv) => passes(condition, kv))) return false;
    if (kvs.length < limit) return true;
    if (world.slice.over()) await world.slice.next();
    size.learn(kvs);
    from = keyAfter(last.key);
  }
}

function holds(condition: Condition, txn: WriteTxn): boolean {
  const { key, end } = condition.at;
  const keysOnly = needsKeysOnly(condition);
  if (end === undefined) return passes(condition, txn.get(key, keysOnly ? KEY_ONLY : undefined));
  const { kvs } = txn.range(key, end, { keysOnly });
  return kvs.length === 0 ? passes(condition, undefined) : kvs.every((kv) => passes(condition, kv));
}

/** Whether the index alone can tell: it knows neither values nor leases. */
function needsKeysOnly({ numbers, value }: Condition): boolean {
  return value === undefined && numbers.every(({ field }) => field !== 'lease');
}

function passes({ numbers, value }: Condition, kv: KeyValue | undefined): boolean {
  for (const { field, test } of numbers) {
    if (!numberPasses(test, (kv ?? absent)[field])) return false;
  }
  if (value === undefined) return true;
  // A missing key has no value to compare with: every test of it fails (S83).
  if (kv === undefined) return false;
  if (value.equals !== undefined && compareBytes(kv.value, value.equals) !== 0) return false;
  if (value.not !== undefined && compareBytes(kv.value, value.not) === 0) return false;
  if (value.greater !== undefined && compareBytes(kv.value, value.greater) <= 0) return false;
  return value.less === undefined || compareBytes(kv.value, value.less) < 0;
}

function numberPasses({ equals, not, greater, less }: NumberTest<number | bigint>, actual: number | bigint): boolean {
  if (equals !== undefined && actual !== equals) return false;
  if (not !== undefined && actual === not) return false;
  if (greater !== undefined && actual <= greater) return false;
  return less === undefined || actual < less;
}
