/**
 * `create` and `update`: one section each, which writes only where the key is as the caller says.
 *
 * OWR1  The loser has changed nothing, and gets what the section saw: granted leases included, nothing of it remains.
 */
import type { CreateOptions, CreateResult, Entry, UpdateOptions, UpdateResult } from '@varve/api';
import { checkNames, checkRevision, checkSignal, leaseText, planLease, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import { leaseFor } from './lease-choice.ts';
import { section } from './writer.ts';

const KEY_ONLY = { keyOnly: true } as const;
const createNames = ['lease', 'ttl', 'signal'];
const updateNames = ['revision', ...createNames];

export function createKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: CreateOptions = {},
): Promise<CreateResult<K, V>> {
  return core.call(async () => {
    checkNames(options, 'options', createNames);
    const result = await putIf(core, records, key, value, options, 0);
    // Lost means that the key is there.
    return result as CreateResult<K, V>;
  });
}

export function updateKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: UpdateOptions,
): Promise<UpdateResult<K, V>> {
  return core.call(async () => {
    checkNames(options, 'options', updateNames);
    checkRevision(options.revision, 'revision');
    return putIf(core, records, key, value, options, options.revision);
  });
}

/** @param wanted revision of the key's last change, 0 for a key that is not there */
async function putIf<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: CreateOptions,
  wanted: number,
): Promise<UpdateResult<K, V>> {
  checkSignal(options.signal);
  const lease = planLease(options);
  const keyBytes = records.newOwnKey(key);
  const valueBytes = records.newOwnValue(value, keyBytes);
  const finished = await section(core, { signal: options.signal }, (txn, leases): UpdateResult<K, V> => {
    if ((txn.get(keyBytes, KEY_ONLY)?.modRevision ?? 0) !== wanted) {
      const found = txn.get(keyBytes);
      const entry: Entry<K, V> | undefined = found && records.entry(found);
      return { succeeded: false, revision: txn.rev(), ...(entry === undefined ? undefined : { entry }) };
    }
    const id = leaseFor(leases, lease);
    const revision = txn.put(keyBytes, valueBytes, id);
    const granted = lease !== undefined && 'ttl' in lease ? { lease: leaseText(id) } : undefined;
    return { succeeded: true, revision, ...granted };
  });
  return finished.value;
}
