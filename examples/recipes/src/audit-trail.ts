/**
 * An audit trail: who changed what, and from what, beside the change itself.
 *
 * AUD1  A change and its record are one transaction: neither is ever there without the other.
 * AUD2  A record is a key of its own, so compaction keeps it. The history of the changed key goes with compaction.
 * AUD3  Records sort by revision: a number in a tuple needs no leading zeros.
 */
import type { EmbeddedKv, Tuple } from '@varve/kv';

export interface AuditRecord {
  readonly who: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}
export type Audited = EmbeddedKv<Tuple, string | AuditRecord>;

/** Puts a value, or deletes it where there is none; returns the revision. */
export async function change(kv: Audited, who: string, name: string, after?: string): Promise<number> {
  // A section: what it reads is what it changes, and it knows the revision that it makes.
  const { revision } = await kv.write((section) => {
    const key = ['data', name];
    const before = section.get(key)?.value as string | undefined;
    if (after === undefined) section.delete(key);
    else section.put(key, after);
    section.put(['audit', section.revision + 1, name], { who, at: Date.now(), before, after });
  });
  return revision;
}

/** The records of the revisions from one on, oldest first. */
export async function* trail(kv: Audited, from: number = 1): AsyncGenerator<AuditRecord & { readonly name: string }> {
  for await (const { key, value } of kv.list({ prefix: ['audit'], start: ['audit', from] })) {
    yield { ...(value as AuditRecord), name: key[2] as string };
  }
}

/** Forgets the records below a revision, and gives their space back to the medium. */
export async function forgetBelow(kv: Audited, revision: number): Promise<void> {
  while ((await kv.delete({ prefix: ['audit'], end: ['audit', revision] }, { limit: 1000 })).more === true);
  // Deleted is not gone: the past still has it. Compaction takes the past, and defrag what that leaves of the file.
  const { revision: present, compactRevision = 0 } = await kv.status();
  if (present > compactRevision) await kv.compact(present, { physical: true });
  await kv.defrag();
}
