/**
 * Writes: checked and encoded, admitted, one synchronous section, answered when they may be relied on.
 *
 * WR1  What a codec gives is used up by the store, or copied, before any other code of the caller's runs, and before anything
 *     is awaited (KK4).
 * WR2  Sections run in the order of the calls; while commits lag behind, writes wait in a line (law 9, admissions.ts).
 * WR3  What comes after the section cannot fail but by a failed commit: the signal is not looked at any more.
 * WR4  What is long and can be known before the section is found out in slices, while the line waits (law 10).
 */
import type {
  DeleteOptions,
  DeleteResult,
  Kv,
  PutOptions,
  PutResult,
  DeleteSelector,
  SignalOptions,
  Txn,
} from '@varve/api';
import {
  checkNames,
  checkOptionalBoolean,
  checkSignal,
  checkSignalOptions,
  ownBytes,
  planLease,
  planTxn,
  type PlannedPut,
  type Records,
  planDelete,
} from '@varve/api/implement';
import type { Core } from './core.ts';
import { runDelete } from './deletion.ts';
import { isGrant } from './lease-choice.ts';
import { transacting } from './late.ts';
import { runPut } from './put-run.ts';
import { section } from './section.ts';
import type { Decision } from './txn-path.ts';
import type { TxnAnswer } from './txn-run.ts';

const putNames = ['previous', 'lease', 'ttl', 'signal'];

export function putKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: PutOptions | undefined,
): Promise<PutResult<K, V>> {
  return options === undefined && core.durableWrites && core.admissions.open
    ? putAtOnce(core, records, key, value)
    : putInTurn(core, records, key, value, options);
}

/** A put that has nothing to wait for but its commit. Most are, and a function that awaits would cost each six objects. */
function putAtOnce<K, V>(core: Core, records: Records<K, V>, key: K, value: V): Promise<PutResult<K, V>> {
  let revision: number;
  try {
    core.check();
    const keyBytes = records.newKey(key);
    const valueBytes = records.newValue(value, keyBytes);
    // Asked again: a codec may have called anything meanwhile.
    if (!core.admissions.open) return putLater(core, records, { key: ownBytes(keyBytes), value: ownBytes(valueBytes) });
    revision = core.store.put(keyBytes, valueBytes);
  } catch (error) {
    return core.call(() => {
      throw error;
    });
  }
  return core.store.settled().then(() => {
    const answer = { revision };
    const { slice } = core.world;
    return slice.callDue(0) ? slice.next().then(() => answer) : answer;
  }, core.rethrow);
}

function putLater<K, V>(core: Core, records: Records<K, V>, put: PlannedPut): Promise<PutResult<K, V>> {
  return core.call(async () => {
    return (await section(core, {}, (txn, leases) => runPut(txn, leases, records, put))).value;
  });
}

async function putInTurn<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: PutOptions | undefined,
): Promise<PutResult<K, V>> {
  try {
    core.check();
    let previous: boolean | undefined;
    let signal: AbortSignal | undefined;
    let lease: PlannedPut['lease'];
    if (options !== undefined) {
      checkNames(options, 'options', putNames);
      ({ previous, signal } = options);
      checkOptionalBoolean(previous, 'previous');
      lease = planLease(options);
      checkSignal(signal);
    }
    const { admissions, store } = core;
    const direct = previous !== true && lease === undefined && admissions.open;
    let keyBytes = direct ? records.newKey(key) : records.newOwnKey(key);
    let valueBytes = direct ? records.newValue(value, keyBytes) : records.newOwnValue(value, keyBytes);
    // Asked again: a codec may have called anything meanwhile.
    if (direct && admissions.open) {
      const revision = store.put(keyBytes, valueBytes);
      if (core.durableWrites) await store.settled();
      return { revision };
    }
    if (direct) {
      keyBytes = ownBytes(keyBytes);
      valueBytes = ownBytes(valueBytes);
    }
    const put = { key: keyBytes, value: valueBytes, previous, lease };
    return (await section(core, { signal, grants: isGrant(lease) }, (txn, leases) => runPut(txn, leases, records, put)))
      .value;
  } catch (error) {
    throw core.inOwnWords(error);
  } finally {
    if (core.world.slice.callDue(0)) await core.world.slice.next();
  }
}

export function deleteKeys<K, V>(
  core: Core,
  records: Records<K, V>,
  selector: DeleteSelector<K>,
  options: DeleteOptions = {},
): Promise<DeleteResult<K, V>> {
  return core.call(async () => {
    const deletion = planDelete(records, selector, options);
    const finished = await section(core, deletion, (txn) => runDelete(txn, records, deletion));
    return finished.value;
  });
}

export function runTransaction<K, V>(
  core: Core,
  records: Records<K, V>,
  txn: Txn<K, V>,
  options: SignalOptions = {},
): Promise<TxnAnswer> {
  return core.call(async () => {
    checkSignalOptions(options);
    const { signal } = options;
    const plan = planTxn(txn, records, (namespace) => core.views.recordsOf(namespace as Kv<unknown, unknown>));
    if (core.backend.readOnly && !plan.writes) {
      const { readTxn } = transacting.loaded ?? (await transacting.load());
      return readTxn(core, plan, records, signal);
    }
    let decision: Decision | undefined;
    const prepare = (): Promise<void> | undefined => {
      const { loaded } = transacting;
      if (loaded === undefined) return transacting.load().then(() => undefined);
      decision ??= new loaded.Decision(core, plan, signal);
      return decision.prepare();
    };
    // Nobody has a section before its `prepare` had nothing to do.
    const finished = await section(core, { signal, grants: plan.grants, prepare }, (txn, leases) =>
      transacting.loaded!.runTxn(decision!.path(txn), txn, leases, records),
    );
    return finished.value;
  });
}
