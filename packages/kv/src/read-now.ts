/**
 * Reads in the tick of the call: what only a store in this process can give.
 *
 * RNW1  They see what everybody sees: what is visible, not what a section under way has written. So a section refuses them.
 * RNW2  What is read is bounded: nothing else runs meanwhile (law 10).
 */
import type { Entry, Range } from '@varve/api';
import { checkInteger, checkNames, checkOptionalBoolean, invalidType, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import type { SyncListOptions } from './embedded.ts';

const listNames = ['limit', 'reverse'];
/** Read from the medium, they take a few milliseconds. */
const mostEntries = 1000;

export function getNow<K, V>(core: Core, records: Records<K, V>, key: K): Entry<K, V> | undefined {
  checkOutside(core);
  const kv = core.store.get(records.keys.lend(key));
  return kv && records.entry(kv, key);
}

export function listNow<K, V>(
  core: Core,
  records: Records<K, V>,
  range: Range<K>,
  options: SyncListOptions,
): readonly Entry<K, V>[] {
  checkOutside(core);
  checkNames(options, 'options', listNames);
  const { limit, reverse } = options;
  checkInteger(limit, 'limit', 1, mostEntries);
  checkOptionalBoolean(reverse, 'reverse');
  const { key, end } = records.keys.bounds(range);
  using read = core.store.read();
  return read.rangeNow(key, end, { limit, reverse }).kvs.map((kv) => records.entry(kv));
}

function checkOutside(core: Core): void {
  core.check();
  if (core.inside)
    throw invalidType(
      'getSync and listSync do not see what a section writes: inside the body of write use the section',
    );
}
