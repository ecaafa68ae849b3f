// @ts-check
/**
 * Where etcd 3.4 is known to answer otherwise, and we do the right thing and say so (decisions/0011).
 *
 * An answer counts as equal here only if it is exactly the one that the corner explains:
 * - `hash of a compacted revision`: 3.4 refuses it up to and with the compacted revision; later ones compute the hash at
 *   that very revision, and keep the hashes that compactions took.
 * - `compaction below 1`: etcd calls it compacted, we call it a wrong argument (D5).
 * - `hash with no live key`: etcd then hashes whatever is still stored at or below the compacted revision, so the value
 *   depends on how far a compaction has come (D2). The recorded value must be that of the records that are stored.
 * - `deletion at a compacted revision`: before 3.4.34 a compaction dropped the deletions of its own revision, so a watcher
 *   that begins there never hears of them. Nothing but such deletions may be missing.
 */
import { isDeepStrictEqual } from 'node:util';
import { buckets, crc32c } from '@varve/backend';

const encoder = new TextEncoder();

/** @typedef {Record<string, any>} Entry */

/**
 * The corner that explains a difference, if one does.
 * @param {Entry} header of the recording
 * @param {Entry} entry
 * @param {Entry} got our answer
 * @param {import('@varve/watch').WatchableStore} store as it was when it answered
 * @param {import('@varve/backend').Backend} backend
 * @param {ReadonlySet<number>} compacted every revision that was compacted so far
 * @returns {Promise<string | undefined>}
 */
export async function knownCorner(header, entry, got, store, backend, compacted) {
  const patch = /^etcd 3\.4\.(\d+)$/.exec(header['server'])?.[1];
  if (patch === undefined) return undefined;
  if (entry['op'] === 'sync') {
    return Number(patch) < 34 && onlyDropped(entry['res'], got['res'], compacted)
      ? 'deletion at a compacted revision'
      : undefined;
  }
  if (entry['op'] === 'compact') {
    return entry['rev'] < 1 && entry['err'] === 'compacted' && got['err'] === 'invalid'
      ? 'compaction below 1'
      : undefined;
  }
  if (entry['op'] !== 'hash' || got['err'] !== undefined) return undefined;
  const { compacted: compactRevision, rev } = got['res'];
  const revision = entry['rev'] > 0 ? entry['rev'] : rev;
  if (entry['err'] !== undefined) {
    return entry['err'] === 'compacted' && revision <= store.firstRev() ? 'hash of a compacted revision' : undefined;
  }
  const sameState = entry['res'].rev === rev && entry['res'].compacted === compactRevision;
  const all = new Uint8Array(0);
  if (!sameState || (await store.range(all, all, { revision, countOnly: true })).count > 0) return undefined;
  const stored = await storedHash(backend, revision, compactRevision);
  return stored === entry['res'].hash ? 'hash with no live key' : undefined;
}

/**
 * Whether watchers got what is recorded, and besides nothing but deletions that etcd's compactions dropped.
 * @param {Entry} want the recorded result of a sync
 * @param {Entry} got
 * @param {ReadonlySet<number>} compacted
 */
function onlyDropped(want, got, compacted) {
  const { events: recorded = {}, ...others } = want;
  const { events = {}, ...ourOthers } = got;
  if (!isDeepStrictEqual(others, ourOthers)) return false;
  return [...new Set([...Object.keys(recorded), ...Object.keys(events)])].every((label) => {
    /** @type {Entry[]} */
    const expected = recorded[label] ?? [];
    let at = 0;
    for (const event of events[label] ?? []) {
      if (isDeepStrictEqual(event, expected[at])) at += 1;
      else if (event.type !== 1 || !compacted.has(event.kv.modRevision)) return false;
    }
    return at === expected.length;
  });
}

/**
 * The hash over all stored records up to a revision, without the tombstones at the compacted one, which 3.4 drops.
 * @param {import('@varve/backend').Backend} backend
 * @param {number} revision
 * @param {number} compacted
 */
async function storedHash(backend, revision, compacted) {
  let hash = crc32c(encoder.encode('key'));
  const tx = backend.concurrentReadTx();
  try {
    for await (const rows of tx.scan(buckets.key)) {
      for (const { key, value } of rows) {
        const main = Number(Buffer.from(key).readBigUInt64BE());
        if (main > revision || (main === compacted && key.length === 18)) continue;
        hash = crc32c(value, crc32c(key, hash));
      }
    }
  } finally {
    tx[Symbol.dispose]();
  }
  return hash;
}
