/** `kv.write`: one section, whose body is given a typed face of it (`store-section.ts`). */
import type { SignalOptions } from '@varve/api';
import { checkSignalOptions, invalidType, type Records } from '@varve/api/implement';
import type { Core } from './core.ts';
import type { WriteResult, WriteSection } from './embedded.ts';
import { sectioning } from './late.ts';
import type { Opened } from './store-section.ts';
import { section } from './section.ts';

/** Runs `body` as one transaction. */
export function writeSection<K, V, T>(
  core: Core,
  records: Records<K, V>,
  body: (section: WriteSection<K, V>) => T,
  options: SignalOptions,
): Promise<WriteResult<K, V, T>> {
  return core.call(async () => {
    if (typeof body !== 'function') throw invalidType('the body of a write must be a function');
    checkSignalOptions(options);
    // What the body will do is not known before: it may grant a lease.
    const entry = { signal: options.signal, grants: true, prepare: loadSections };
    const { value, revision, changes } = await section<T>(core, entry, (txn, leases) => {
      const opened: Opened = { core, revision: txn.rev(), txn, leases };
      try {
        // Nobody has a section before its `prepare` had nothing to do.
        return body(new sectioning.loaded!.StoreSection(opened, records));
      } finally {
        opened.txn = undefined;
      }
    });
    // Decoded when looked at: a codec that throws must not make a finished write look like a failed one.
    return { value, revision, events: () => changes.map((change) => records.event(change)) };
  });
}

function loadSections(): Promise<void> | undefined {
  return sectioning.loaded === undefined ? sectioning.load().then(() => undefined) : undefined;
}
