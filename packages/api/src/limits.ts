/** What is refused rather than stored, checked. */
import { checkNames, checkOptionalInteger } from './checks.ts';

export interface Limits {
  /** Bytes of a key, encoded, with the prefixes of its name spaces. @default 32 KiB */
  readonly maxKeyBytes?: number | undefined;
  /** Bytes of a value, encoded. @default 1.5 MiB, etcd's limit of a request */
  readonly maxValueBytes?: number | undefined;
  /**
   * Operations of `then`, operations of `else`, and conditions that one transaction may hold; all that is nested in it,
   * in either branch, counts. @default 128
   */
  readonly maxOps?: number | undefined;
  /** Transactions inside transactions. At most 1000. @default 100 */
  readonly maxDepth?: number | undefined;
  /**
   * Keys that one call may delete by a range, or one transaction by its ranges: they are one piece of work, which holds
   * the event loop. Beyond it `KV_TOO_LARGE`, and nothing is changed: delete in parts, `delete(range, { limit })`.
   * @default 20_000, some 200 ms
   */
  readonly maxDeletes?: number | undefined;
}

/** Limits in force. */
export type ActiveLimits = { readonly [Name in keyof Limits]-?: number };

/** `maxOps` where nobody has set it, which is etcd's, too. */
export const usualMaxOps = 128;

const limitNames = ['maxKeyBytes', 'maxValueBytes', 'maxOps', 'maxDepth', 'maxDeletes'];
/** Half of what a record may hold in every engine: key, value and the rest of it. */
const mostBytes = 1024 ** 3;

/** The limits given, and the defaults of those that are not. @param usualDeletes the default of `maxDeletes` @throws TypeError, RangeError `KV_INVALID` */
export function activeLimits(limits: Limits = {}, usualDeletes: number = 20_000): ActiveLimits {
  checkNames(limits, 'limits', limitNames);
  const { maxKeyBytes = 32 * 1024, maxValueBytes = 1536 * 1024, maxOps = usualMaxOps, maxDepth = 100 } = limits;
  const { maxDeletes = usualDeletes } = limits;
  checkOptionalInteger(maxKeyBytes, 'limits.maxKeyBytes', 1, mostBytes);
  checkOptionalInteger(maxValueBytes, 'limits.maxValueBytes', 0, mostBytes);
  checkOptionalInteger(maxOps, 'limits.maxOps', 1, 1_000_000);
  checkOptionalInteger(maxDepth, 'limits.maxDepth', 0, 1000);
  checkOptionalInteger(maxDeletes, 'limits.maxDeletes', 1, Number.MAX_SAFE_INTEGER);
  return { maxKeyBytes, maxValueBytes, maxOps, maxDepth, maxDeletes };
}
