// @ts-check
/**
 * What two stores were told, change by change, laid side by side.
 *
 * RDS1  A change is counted once for each time it is in the history: one that is lost, doubled or out of its place makes the stories
 *     differ, and is named.
 */

/** Rows of mirrors begin so. */
const own = '\0varve/';
/** Where the mirror called `default` notes its place (decisions/0044). */
const placeKey = `${own}mirror/default`;

/** @typedef {{ key: string, value: string | undefined, revision: number }} Change */

/**
 * Every change of a store after a revision, but those of mirrors' own rows.
 * @param {import('@varve/etcd').Kv} kv @param {number} since @param {number} until @returns {Promise<Change[]>}
 */
export async function changesOf(kv, since, until) {
  /** @type {Change[]} */
  const changes = [];
  for await (const { key, value, revision } of kv.changes({}, { since, until }))
    if (!key.startsWith(own)) changes.push({ key, value, revision });
  return changes;
}

/**
 * Where the mirror was, as often as it wrote that down.
 * @param {import('@varve/etcd').Kv} target @returns {Promise<{ revision: number, part: number, target: number }[]>}
 */
export async function placesOf(target) {
  const places = [];
  for await (const { value = '', revision: at } of target.history(placeKey)) {
    const { revision, part } = JSON.parse(value);
    if (revision !== undefined) places.push({ revision, part, target: at });
  }
  return places;
}

/**
 * The first place at which two stories differ, in words; `undefined` where they do not.
 * @param {readonly Change[]} source @param {readonly Change[]} target
 */
export function difference(source, target) {
  for (let i = 0; i < Math.max(source.length, target.length); i++) {
    const [a, b] = [source[i], target[i]];
    if (a?.key !== b?.key || a?.value !== b?.value) return `change ${i + 1} is ${told(a)} and ${told(b)}`;
  }
  return undefined;
}

/** @param {Change | undefined} change */
function told(change) {
  if (change === undefined) return 'missing';
  return `${change.key} ${change.value?.replace(/\.+$/, '') ?? 'deleted'} at ${change.revision}`;
}

/**
 * How many revisions of the source are in more revisions of the target than they must be. The stories are the same.
 * @param {readonly Change[]} source @param {readonly Change[]} target @param {number} maxOps
 */
export function tornRevisions(source, target, maxOps) {
  /** @type {Map<number, { changes: number, parts: Set<number> }>} */
  const revisions = new Map();
  for (const [i, { revision }] of source.entries()) {
    const found = revisions.get(revision) ?? { changes: 0, parts: new Set() };
    revisions.set(revision, found);
    found.changes++;
    found.parts.add(target[i]?.revision ?? 0);
  }
  return [...revisions.values()].filter(({ changes, parts }) => parts.size > Math.ceil(changes / maxOps)).length;
}

/**
 * The version each changed key must have: counted from what it had, up with each put, and anew after each deletion.
 * @param {ReadonlyMap<string, number>} before @param {readonly Change[]} changes
 */
export function versionsAfter(before, changes) {
  const versions = new Map(before);
  for (const { key, value } of changes) {
    if (value === undefined) versions.delete(key);
    else versions.set(key, (versions.get(key) ?? 0) + 1);
  }
  return versions;
}

/**
 * The versions of all keys at a revision.
 * @param {import('@varve/etcd').Kv} kv @param {number} revision
 */
export async function versionsAt(kv, revision) {
  /** @type {Map<string, number>} */
  const versions = new Map();
  for await (const { key, version } of kv.at(revision).list({})) if (!key.startsWith(own)) versions.set(key, version);
  return versions;
}
