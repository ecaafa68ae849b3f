/**
 * `create` and `update`: one section each, which writes only where the key is as the caller says.
 *
 * OWR1  The loser has changed nothing, and gets what the section saw: granted leases included, nothing of it remains.
 */
import type { CreateOptions, CreateResult, Entry, UpdateOptions, UpdateResult } from '@varve/api';
import { leaseText, planCreate, planUpdate, type ConditionalPut, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import { isGrant, leaseFor } from './lease-choice.ts';
import { section } from './section.ts';

const KEY_ONLY = { keyOnly: true } as const;

export function createKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: CreateOptions = {},
): Promise<CreateResult<K, V>> {
  return core.call(async () => {
    const result = await putIf(core, records, planCreate(records, key, value, options));
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
  return core.call(() => putIf(core, records, planUpdate(records, key, value, options)));
}

async function putIf<K, V>(
  core: Core,
  records: Records<K, V>,
  { key, value, lease, wanted, signal }: ConditionalPut,
): Promise<UpdateResult<K, V>> {
  const finished = await section(core, { signal, grants: isGrant(lease) }, (txn, leases): UpdateResult<K, V> => {
    if ((txn.get(key, KEY_ONLY)?.modRevision ?? 0) !== wanted) {
      const found = txn.get(key);
      const entry: Entry<K, V> | undefined = found && records.entry(found);
      return { succeeded: false, revision: txn.rev(), ...(entry === undefined ? undefined : { entry }) };
    }
    const id = leaseFor(leases, lease);
    const revision = txn.put(key, value, id);
    const granted = lease !== undefined && 'ttl' in lease ? { lease: leaseText(id) } : undefined;
    return { succeeded: true, revision, ...granted };
  });
  return finished.value;
}
