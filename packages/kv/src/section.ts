/**
 * One section of the store, as every write has it: admitted before, settled after.
 *
 * SNE1  What has to be known or loaded before it is found out while the line of the writes waits (admissions.ts): that keeps the order of calls.
 */
import type { LeaseTxn } from '@varve/lease';
import type { Finished, WriteTxn } from '@varve/watch';
import type { Entry } from './admissions.ts';
import type { Core } from './core.ts';

/** What a section needs. */
export interface SectionEntry extends Entry {
  /** Whether it may grant a lease: then the lessor is loaded first, while the line waits. */
  readonly grants?: boolean | undefined;
}

/** One section, admitted before and settled after. */
export async function section<T>(
  core: Core,
  entry: SectionEntry,
  body: (txn: WriteTxn, leases: LeaseTxn) => T,
): Promise<Finished<T>> {
  const { admissions, leases } = core;
  let { prepare } = entry;
  if (entry.grants === true && leases.loaded === undefined) {
    const { prepare: own } = entry;
    prepare = () => (leases.loaded === undefined ? leases.load().then(() => undefined) : own?.());
  }
  let direct = admissions.open;
  if (direct && prepare !== undefined) {
    const ask = prepare;
    let begun = ask();
    direct = begun === undefined;
    // A write that leaves the line does not ask how it ended.
    begun?.catch(() => undefined);
    prepare = () => {
      const prepared = begun ?? ask();
      begun = undefined;
      return prepared;
    };
  }
  const finished = direct ? core.write(body) : await admissions.enter(() => core.write(body), { ...entry, prepare });
  if (core.durableWrites) await core.store.settled();
  return finished;
}
