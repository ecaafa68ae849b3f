/**
 * The retained changes of one key, oldest first.
 *
 * The store answers in one tick, so this is a list that is decoded as it is pulled; the present is the moment of the
 * first pull.
 */
import { MvccError, type Change } from '@varve/watch';
import { checkNames, checkOptionalInteger, checkSignal } from './checks.ts';
import type { Core } from './core.ts';
import type { HistoryOptions, KvEvent } from './kv.ts';
import { pullEach, type Source } from './pull.ts';
import type { Records } from './records.ts';

const optionNames = ['from', 'signal'];

export function historyOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  options: HistoryOptions = {},
): AsyncIterable<KvEvent<K, V>> {
  checkNames(options, 'options', optionNames);
  checkOptionalInteger(options.from, 'from', 1, Number.MAX_SAFE_INTEGER);
  const bytes = records.keys.encodeOwn(key);
  return pullEach(() => changesOf(core, records, bytes, options));
}

function changesOf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: Uint8Array,
  { from, signal }: HistoryOptions,
): Source<KvEvent<K, V>> {
  let changes: readonly Change[] | undefined;
  let index = 0;
  return {
    take() {
      const change = changes?.[index];
      if (change === undefined) return undefined;
      checkSignal(signal);
      index++;
      return records.event(change);
    },
    async load() {
      if (changes !== undefined) return false;
      checkSignal(signal);
      core.check();
      const compactRevision = core.store.firstRev();
      if (from !== undefined && from < compactRevision) {
        const message = `the history from there is compacted; it begins at revision ${compactRevision}`;
        throw new MvccError('MVCC_COMPACTED', message, { compactRevision });
      }
      changes = core.store.history(key, from);
      return changes.length > 0;
    },
    close() {
      changes = [];
    },
  };
}
