/** Records that a codec refuses, passed over where the caller said so. */
import { ownBytes } from './coder.ts';
import { KvError } from './errors.ts';
import type { KvEvent } from './kv.ts';
import type { UndecodableOption } from './list-options.ts';
import type { Records, StoredChange, StoredRecord } from './records.ts';

type How = UndecodableOption['undecodable'];

/** What `decode` gives of a record; `undefined` where its codec refuses it and the caller goes on without. @throws KvError `KV_DECODE` */
export function decodedOr<K, V, T>(
  records: Records<K, V>,
  how: How,
  record: StoredRecord,
  decode: () => T,
): T | undefined {
  if (how === undefined || how === 'throw') return decode();
  let error: KvError;
  try {
    return decode();
  } catch (refused) {
    if (!(refused instanceof KvError) || refused.code !== 'KV_DECODE') throw refused;
    error = refused;
  }
  if (typeof how === 'function') {
    const { value, modRevision: revision } = record;
    how({ error, key: ownBytes(records.keys.relative(record.key)), value: ownBytes(value), revision });
  }
  return undefined;
}

/** An event, without a `previous` that is refused; `undefined` where it is refused itself. @throws KvError `KV_DECODE` */
export function decodedEvent<K, V>(records: Records<K, V>, how: How, change: StoredChange): KvEvent<K, V> | undefined {
  if (how === undefined || how === 'throw') return records.event(change);
  const { type, kv, previous: before } = change;
  const previous = before && decodedOr(records, how, before, () => records.entry(before));
  const event = decodedOr(records, how, kv, () => records.event({ type, kv }));
  return event === undefined || previous === undefined ? event : { ...event, previous };
}
