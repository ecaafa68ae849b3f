/** Whether two stores hold the same, at a revision of each. */
import type { Range } from '@varve/api';
import type { ByteKv } from './contract.ts';
import { pairs, sameValue } from './merge.ts';
import { checkCompare } from './options.ts';

/** One of the stores, and when. */
export interface Side {
  readonly store: ByteKv;
  /** @default the present one */
  readonly revision?: number | undefined;
}

export interface CompareStoresOptions {
  /** @default all keys */
  readonly range?: Range<Uint8Array> | undefined;
  /** Differences that are kept; all are counted. @default 100 */
  readonly keep?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Difference {
  readonly key: Uint8Array;
  /** `missing` in the second, `extra` there, or with another value. */
  readonly kind: 'missing' | 'extra' | 'different';
}

export interface Comparison {
  readonly equal: boolean;
  /** Keys that were looked at. */
  readonly keys: number;
  readonly firstRevision: number;
  readonly secondRevision: number;
  /** How many there are. */
  readonly differences: number;
  /** The first of them. */
  readonly examples: readonly Difference[];
}

/**
 * Compares keys and values of two stores. Versions and revisions are each store's own; rows of mirrors are left out.
 * @throws TypeError, RangeError `KV_INVALID`; KvError `MVCC_COMPACTED` when a revision is compacted meanwhile, `MVCC_FUTURE_REVISION`
 */
export async function compareStores(
  first: Side,
  second: Side,
  options: CompareStoresOptions = {},
): Promise<Comparison> {
  checkCompare(first, second, options);
  const { range = {}, keep = 100, signal } = options;
  const firstRevision = await revisionOf(first);
  const secondRevision = await revisionOf(second);
  const examples: Difference[] = [];
  let keys = 0;
  let differences = 0;
  for await (const pair of pairs(first.store.at(firstRevision), second.store.at(secondRevision), range, signal)) {
    keys++;
    if (sameValue(pair)) continue;
    differences++;
    const kind = pair.second === undefined ? 'missing' : pair.first === undefined ? 'extra' : 'different';
    if (examples.length < keep) examples.push({ key: pair.key, kind });
  }
  return { equal: differences === 0, keys, firstRevision, secondRevision, differences, examples };
}

async function revisionOf({ store, revision }: Side): Promise<number> {
  return revision ?? (await store.status()).revision;
}
