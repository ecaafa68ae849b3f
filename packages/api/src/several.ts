/**
 * Several keys and ranges as one.
 *
 * SVR1  The hull is the smallest range around all of them: one watcher of it has one order, and what lies in no part is passed
 *     over. The union is the same keys as ranges that do not overlap, in the order of the keys.
 */
import { compareBytes, contains, keyAfter, noEnd, type Bounds } from './bounds.ts';
import { checkNames } from './checks.ts';
import { invalidType, KvError } from './errors.ts';
import type { KeySpace } from './key-space.ts';
import { isPlainObject } from './kind.ts';
import type { Selector, WatchSelector } from './kv.ts';

export interface Several {
  readonly hull: Bounds;
  /** Ascending, and no key in two of them. */
  readonly union: readonly Bounds[];
  /** As they were given; `undefined` where it was one selector and no `{ any }`. */
  readonly parts: readonly Bounds[] | undefined;
}

const names = ['any'];

/** @throws TypeError, RangeError `KV_INVALID`; KvError `WATCH_EMPTY_RANGE` for a part of several that holds no key */
export function selectSeveral<K>(space: KeySpace<K>, selector: WatchSelector<K>): Several {
  if (!isAny(selector)) {
    const bounds = space.select(selector);
    return { hull: bounds, union: [bounds], parts: undefined };
  }
  checkNames(selector, 'a watch of several', names);
  if (!Array.isArray(selector.any) || selector.any.length === 0) {
    throw invalidType('any must be an array of keys and ranges, at least one');
  }
  const parts = selector.any.map((part) => space.select(part));
  const ranges = parts.map(asRange).toSorted((a, b) => compareBytes(a.key, b.key));
  for (const { key, end } of ranges) {
    if (end.length > 0 && compareBytes(key, end) >= 0) {
      throw new KvError(
        'WATCH_EMPTY_RANGE',
        'a range of any holds no key: its end is at or before its start; give a later end',
      );
    }
  }
  const union: { key: Uint8Array; end: Uint8Array }[] = [];
  for (const range of ranges) {
    const last = union.at(-1);
    const apart = last !== undefined && last.end.length > 0 && compareBytes(last.end, range.key) < 0;
    if (last === undefined || apart) union.push({ ...range });
    else if (last.end.length > 0 && (range.end.length === 0 || compareBytes(range.end, last.end) > 0))
      last.end = range.end;
  }
  return { hull: { key: union[0]?.key ?? noEnd, end: union.at(-1)?.end }, union, parts };
}

/** Which of the parts a stored key lies in, ascending; empty for none. */
export function matchedIn(parts: readonly Bounds[], key: Uint8Array): readonly number[] {
  const matched: number[] = [];
  for (const [index, part] of parts.entries()) if (contains(part, key)) matched.push(index);
  return matched;
}

function isAny<K>(selector: WatchSelector<K>): selector is { readonly any: readonly Selector<K>[] } {
  return isPlainObject(selector) && 'any' in selector;
}

function asRange({ key, end }: Bounds): { readonly key: Uint8Array; readonly end: Uint8Array } {
  return { key, end: end ?? keyAfter(key) };
}
