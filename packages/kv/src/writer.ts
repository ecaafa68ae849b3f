/**
 * Writes: checked and encoded, admitted, one synchronous section, answered when they may be relied on.
 *
 * F1  Nothing is awaited between the check and the section unless commits lag behind (law 9); then the bytes are copied
 *     first, because the caller may change his meanwhile (K4).
 * F2  All who wait for commits wake together, so each looks again right before its section: what waits in memory is bounded
 *     by what commits may lag behind by, not by the number of writers (law 9).
 * F3  What comes after the section cannot fail but by a failed commit: the signal is not looked at any more.
 */
import type { Finished, WriteTxn } from '@varve/watch';
import { checkNames, checkOptionalBoolean, checkSignal, checkSignalOptions } from './checks.ts';
import { ownBytes } from './coder.ts';
import type { Core } from './core.ts';
import type { DeleteOptions, DeleteResult, PutOptions, PutResult, Selector, SignalOptions } from './kv.ts';
import type { Op, Txn, TxnResult } from './operations.ts';
import type { Records } from './records.ts';
import { runDelete, runPut, runTxn } from './txn-run.ts';
import { planTxn } from './txn.ts';

const writeNames = ['previous', 'signal'];

export async function putKey<K, V>(
  core: Core,
  records: Records<K, V>,
  key: K,
  value: V,
  options: PutOptions | undefined,
): Promise<PutResult<K, V>> {
  core.check();
  if (options !== undefined) checkWriteOptions(options);
  let keyBytes = records.newKey(key);
  let valueBytes = records.newValue(value);
  const { store } = core;
  if (!store.admitting) {
    keyBytes = ownBytes(keyBytes);
    valueBytes = ownBytes(valueBytes);
    do await admitted(core, options?.signal);
    while (!store.admitting);
  }
  let result: PutResult<K, V>;
  if (options?.previous === true) {
    result = store.write((txn) => runPut(txn, records, keyBytes, valueBytes, true)).value;
  } else {
    result = { revision: store.put(keyBytes, valueBytes) };
  }
  if (core.durableWrites) await store.settled();
  return result;
}

export async function deleteKeys<K, V>(
  core: Core,
  records: Records<K, V>,
  selector: Selector<K>,
  options: DeleteOptions | undefined,
): Promise<DeleteResult<K, V>> {
  core.check();
  if (options !== undefined) checkWriteOptions(options);
  const bounds = records.keys.selectDoomed(selector);
  const previous = options?.previous === true;
  const finished = await section(core, options?.signal, (txn) => runDelete(txn, records, bounds, previous));
  return finished.value;
}

export async function runTransaction<
  K,
  V,
  const Then extends readonly Op<K, V>[],
  const Else extends readonly Op<K, V>[],
>(
  core: Core,
  records: Records<K, V>,
  txn: Txn<K, V, Then, Else>,
  options: SignalOptions | undefined,
): Promise<TxnResult<K, V, Then, Else>> {
  core.check();
  if (options !== undefined) checkSignalOptions(options);
  const plan = planTxn(txn, records);
  const finished = await section(core, options?.signal, (section) => runTxn(plan, section, records));
  // One result an operation, of its type: runStep builds exactly what OpResult says.
  return finished.value as unknown as TxnResult<K, V, Then, Else>;
}

/** One section, admitted before and settled after. */
export async function section<T>(
  core: Core,
  signal: AbortSignal | undefined,
  body: (txn: WriteTxn) => T,
): Promise<Finished<T>> {
  const { store } = core;
  while (!store.admitting) await admitted(core, signal);
  const finished = store.write(body);
  if (core.durableWrites) await store.settled();
  return finished;
}

/** Waits until commits have caught up. */
async function admitted(core: Core, signal: AbortSignal | undefined): Promise<void> {
  await core.store.admit();
  core.check();
  signal?.throwIfAborted();
}

function checkWriteOptions(options: PutOptions | DeleteOptions): void {
  checkNames(options, 'options', writeNames);
  checkOptionalBoolean(options.previous, 'previous');
  checkSignal(options.signal);
}
