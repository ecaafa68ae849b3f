// @ts-check
/** Whether two stores have one history: everything that a client can ask of it, asked of both. */
import { createHash } from 'node:crypto';

/**
 * @typedef {import('./history.mjs').ByteKv & { hashByRev(revision?: number): Promise<{ hash: number, compactRevision?: number | undefined }> }} HashedKv
 */

/**
 * @param {import('./checks.mjs').Check} checks
 * @param {string} what
 * @param {HashedKv} first that it was made from
 * @param {HashedKv} second
 */
export async function checkSameHistory(checks, what, first, second) {
  const [a, b] = await Promise.all([first.status(), second.status()]);
  const { revision: last, compactRevision: oldest = 1 } = a;
  const isAsFar = last === b.revision && a.compactRevision === b.compactRevision;
  const found = `${b.revision}, ${b.compactRevision ?? 'none'}`;
  checks.check(`${what}: the present revision and the compacted one`, isAsFar, found);
  // What one of them does not have cannot be asked of both.
  if (!isAsFar) return;

  let [equal, entries] = [0, 0];
  for (let revision = oldest; revision <= last; revision++) {
    const [one, other] = [await stateOf(first, revision), await stateOf(second, revision)];
    if (one.hash === other.hash) equal++;
    entries += one.entries;
  }
  const count = last - oldest + 1;
  checks.check(
    `${what}: what each past revision holds, with versions and leases`,
    equal === count,
    `${equal} of ${count} revisions, ${entries} entries`,
  );

  const below = [1, oldest - 1].filter((revision) => revision >= 1 && revision < oldest);
  const ends = await Promise.all(below.flatMap((revision) => [endOf(first, revision), endOf(second, revision)]));
  checks.check(
    `${what}: what is below ends as compacted`,
    below.length > 0 && ends.every((end) => end === `MVCC_COMPACTED ${oldest}`),
    `at ${below.join(' and ')}: ${[...new Set(ends)].join(', ')}`,
  );

  const [told, toldToo] = [await changesOf(first, oldest, last), await changesOf(second, oldest, last)];
  checks.check(
    `${what}: every change since, deletions too`,
    told.length > 0 && told.join() === toldToo.join(),
    `${told.length} and ${toldToo.length}`,
  );

  // etcd 3.4 refuses the compacted revision itself.
  const asked = [oldest + 1, Math.floor((oldest + last) / 2), last];
  const hashes = await Promise.all(asked.map((revision) => Promise.all([first, second].map(hashAt(revision)))));
  checks.check(
    `${what}: the hash of the history`,
    hashes.every(([one, other]) => one === other),
    `at ${asked.join(', ')}`,
  );
  await checkLeases(checks, what, first, second);
}

/** @param {import('./checks.mjs').Check} checks @param {string} what @param {HashedKv} first @param {HashedKv} second */
async function checkLeases(checks, what, first, second) {
  const had = new Map((await first.leases()).map((lease) => [lease.id, lease]));
  const has = await second.leases();
  const same = has.filter(({ id, ttl, remaining }) => {
    const lease = had.get(id);
    // Less than nothing of its time is lost, and it has no more than it was granted, but for what an election adds.
    return lease?.ttl === ttl && remaining > lease.remaining - 60 && remaining < ttl + 10;
  });
  checks.check(
    `${what}: leases and their time`,
    had.size > 0 && same.length === had.size && has.length === had.size,
    `${same.length} of ${had.size}, the one with least time ${Math.round(has[0]?.remaining ?? 0)} s of ${has[0]?.ttl}`,
  );
}

/**
 * That leases still hold their keys, and that history goes on where it was: this changes the store.
 * @param {import('./checks.mjs').Check} checks @param {string} what @param {HashedKv} kv
 */
export async function checkGoesOn(checks, what, kv) {
  const { revision } = await kv.status();
  const keys = new Map();
  for await (const { lease } of kv.list({})) if (lease !== undefined) keys.set(lease, (keys.get(lease) ?? 0) + 1);
  const [[id = '', held = 0] = []] = keys;
  const { deleted, revision: revoked } = await (await kv.lease({ id })).revoke();
  const put = await kv.put(Uint8Array.of(200), Uint8Array.of(1));
  checks.check(
    `${what}: a lease takes its keys along, and the next revisions follow`,
    held > 0 && deleted === held && revoked === revision + 1 && put.revision === revision + 2,
    `${deleted} keys, revisions ${revoked} and ${put.revision}`,
  );
}

/** @param {HashedKv} kv @param {number} revision */
async function stateOf(kv, revision) {
  const hash = createHash('sha256');
  let entries = 0;
  for await (const { key, value, version, createRevision, modRevision, lease } of kv.at(revision).list({})) {
    hash.update(JSON.stringify([hex(key), hex(value), version, createRevision, modRevision, lease ?? null]));
    entries++;
  }
  return { hash: hash.digest('hex'), entries };
}

/** @param {HashedKv} kv @param {number} since @param {number} until */
async function changesOf(kv, since, until) {
  const changes = [];
  for await (const { type, revision, key, value } of kv.changes({}, { since, until }))
    changes.push([revision, type, hex(key), value === undefined ? '' : hex(value)].join(' '));
  return changes;
}

/** How a read below the compacted revision ends. @param {HashedKv} kv @param {number} revision */
async function endOf(kv, revision) {
  try {
    await kv.at(revision).count({});
    return 'answered';
  } catch (error) {
    const { code, compactRevision } = /** @type {{ code?: string, compactRevision?: number }} */ (Object(error));
    return `${code} ${compactRevision}`;
  }
}

/** @param {number} revision */
function hashAt(revision) {
  return async (/** @type {HashedKv} */ kv) => {
    const { hash, compactRevision } = await kv.hashByRev(revision);
    return `${hash} ${compactRevision}`;
  };
}

/** @param {Uint8Array} array */
const hex = (array) => Buffer.from(array).toString('hex');
