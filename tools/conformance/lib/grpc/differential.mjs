// @ts-check
/**
 * The same random operations against two live servers, every field of every answer compared; the hash of all history now and then.
 * What 3.4 is known to do otherwise (corners.mjs) is counted, not reported.
 */
import { isDeepStrictEqual } from 'node:util';
import { GrpcClient } from './client.mjs';
import { cornerOf } from './corners.mjs';
import { RandomOps } from './random-ops.mjs';
import { isEmptyHash, normalized } from './replay.mjs';
import { sameTies } from './ties.mjs';

/** @typedef {Record<string, any>} Json */

/**
 * @param {string} reference host:port of an etcd 3.4 at revision 1
 * @param {string} ours
 * @param {{ readonly seed: number, readonly ops: number }} size
 * @param {(difference: { readonly i: number, readonly op: string, readonly req: Json, readonly want: Json, readonly got: Json }) => void} report
 * @param {(endpoint: string) => GrpcClient} [connect]
 * @returns {Promise<{ equal: number, total: number, corners: Map<string, number>, failures: number }>}
 */
export async function differential(reference, ours, { seed, ops }, report, connect = (at) => new GrpcClient(at)) {
  const [theirClient, ourClient] = [connect(reference), connect(ours)];
  const random = new RandomOps(seed);
  /** @type {Set<number>} */
  const compacted = new Set();
  /** @type {Map<string, number>} */
  const corners = new Map();
  let [equal, failures, revision] = [0, 0, 1];
  try {
    for (let i = 0; i < ops; i++) {
      const { op, req } = i % 100 === 99 ? { op: 'hashKV', req: {} } : random.next(revision);
      const [want, got] = (await Promise.all([theirClient.call(op, req), ourClient.call(op, req)])).map((answer) =>
        normalized(op, answer),
      );
      if (want === undefined || got === undefined) throw new Error('no answer');
      revision = want['res']?.rev ?? revision;
      if (want['err'] !== undefined) failures++;
      if (op === 'compact' && want['res'] !== undefined) compacted.add(req['revision']);
      if (isDeepStrictEqual(want, got)) {
        equal++;
        continue;
      }
      const entry = { op, req, ...want };
      const bothAnswered = want['res'] !== undefined && got['res'] !== undefined;
      const corner =
        cornerOf({}, entry, got, compacted) ??
        ((await isEmptyHash(ourClient, entry, got)) ? 'hash with no live key' : undefined) ??
        (bothAnswered && (op === 'range' || op === 'txn') && sameTies(entry, got) ? 'order of equals' : undefined);
      if (corner === undefined) report({ i, op, req, want, got });
      else {
        equal++;
        corners.set(corner, (corners.get(corner) ?? 0) + 1);
      }
    }
  } finally {
    theirClient.close();
    ourClient.close();
  }
  return { equal, total: ops, corners, failures };
}
