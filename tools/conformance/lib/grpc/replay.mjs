// @ts-check
/** Plays a recording of gRPC calls against a live server, and compares every answer. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isDeepStrictEqual } from 'node:util';
import { GrpcClient } from './client.mjs';
import { cornerOf } from './corners.mjs';
import { sameTies } from './ties.mjs';
import { Watchers } from './watchers.mjs';

/** @typedef {Record<string, any>} Json */

/** @param {string} file */
function read(file) {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/**
 * @param {string} file
 * @param {string} endpoint of a server at revision 1
 * @param {(difference: { readonly entry: Json, readonly got: Json }) => void} report
 * @param {() => boolean} [hasCaughtUp] whether no watcher of the server reads history any more, where that is known
 * @returns {Promise<{ equal: number, total: number, corners: Map<string, number> }>}
 */
export async function replayGrpc(file, endpoint, report, hasCaughtUp) {
  const [header, ...entries] = read(file);
  if (header.trace !== 1 || header.level === 'storage') throw new TypeError(`${file}: not a recording of gRPC calls`);
  const client = new GrpcClient(endpoint);
  const watchers = new Watchers(client, hasCaughtUp);
  /** @type {Map<string, number>} */
  const corners = new Map();
  /** Revisions that were compacted. @type {Set<number>} */
  const compacted = new Set();
  let equal = 0;
  try {
    for (const entry of entries) {
      const got = await answer(client, watchers, entry, compacted);
      if (entry.op === 'compact' && entry.res !== undefined) compacted.add(Number(entry.req.revision ?? 0));
      if (isEqual(entry, got)) {
        equal++;
        continue;
      }
      const corner =
        cornerOf(header, entry, got, compacted) ??
        ((await isEmptyHash(client, entry, got)) ? 'hash with no live key' : undefined);
      if (corner === undefined) report({ entry, got });
      else {
        equal++;
        corners.set(corner, (corners.get(corner) ?? 0) + 1);
      }
    }
  } finally {
    watchers.close();
    client.close();
  }
  return { equal, total: entries.length, corners };
}

/**
 * @param {GrpcClient} client
 * @param {Watchers} watchers
 * @param {Json} entry
 * @param {ReadonlySet<number>} compacted
 * @returns {Promise<Json>}
 */
async function answer(client, watchers, { op, req, res }, compacted) {
  switch (op) {
    case 'watchCreate':
      return { res: await watchers.create(req) };
    case 'watchCancel':
      return { res: await watchers.cancelOne(req) };
    case 'watchProgress':
      return { res: await watchers.progress(req) };
    case 'watchClose':
      return { res: watchers.closeStream(req) };
    case 'watchSync':
      return {
        res: await watchers.sync(res, (got) => cornerOf({}, { op, res }, { res: got }, compacted) !== undefined),
      };
    default:
      return normalized(op, await client.call(op, req));
  }
}

/**
 * What recordings leave out of answers that time changes.
 * @param {string} op
 * @param {Json} got
 */
export function normalized(op, got) {
  if (op === 'hashKV' && got['res'] !== undefined) {
    // A field of 3.6.
    const { hashRevision: _newer, ...res } = got['res'];
    return { res };
  }
  if (op === 'leaseTtl' && got['res'] !== undefined) {
    const { TTL, ...rest } = got['res'];
    return { res: { ...rest, ...(TTL === -1 ? { TTL } : {}), ...(rest.keys ? { keys: rest.keys.toSorted() } : {}) } };
  }
  if (op === 'leaseList' && got['res']?.leases !== undefined) {
    const leases = got['res'].leases.toSorted((/** @type {Json} */ a, /** @type {Json} */ b) =>
      BigInt(a['ID']) < BigInt(b['ID']) ? -1 : 1,
    );
    return { res: { ...got['res'], leases } };
  }
  return got;
}

/**
 * Whether only hashes differ that were taken where no key is alive: etcd then hashes whatever is still stored at or below the
 * compacted revision, so its value depends on how far a compaction has come (D2).
 * @param {GrpcClient} client
 * @param {Json} entry
 * @param {Json} got
 */
export async function isEmptyHash(client, { op, req, res }, got) {
  if (op !== 'hashKV' || res === undefined || got['res'] === undefined) return false;
  if (!isDeepStrictEqual({ ...res, hash: 0 }, { ...got['res'], hash: 0 })) return false;
  const all = { key: '\0', rangeEnd: '\0', countOnly: true, revision: req.revision ?? 0 };
  const answer = await client.call('range', all);
  return 'res' in answer && answer.res['count'] === undefined;
}

/**
 * @param {Json} entry
 * @param {Json} got
 */
function isEqual(entry, got) {
  const { err, res, ties } = entry;
  if (err !== undefined || got['err'] !== undefined) return isDeepStrictEqual(err, got['err']);
  return isDeepStrictEqual(res, got['res']) || (ties === true && sameTies(entry, got));
}
