/** Finds the values of many keys among rows in memory. */
import type { RowSearch } from '../contract/row-search.ts';

export function findResident(
  rows: { get(key: Uint8Array): Uint8Array | undefined } | undefined,
  search: RowSearch,
): void {
  if (rows === undefined) return;
  for (let i = 0; i < search.length; i += 1) {
    const value = rows.get(search.key(i));
    if (value !== undefined) search.found(i, value, 0, value.length);
  }
}
