// @ts-check
/**
 * The same random calls of users, roles and tokens against two live servers that begin empty: every field and every text of every
 * answer compared, and at the end all users, roles and keys.
 *
 * ADF1  A token is each server's own: what is compared is that both gave one, and that it does the same at both.
 */
import { isDeepStrictEqual } from 'node:util';
import { GrpcClient } from './client.mjs';
import { RandomAuth } from './random-auth.mjs';
import { normalized } from './replay.mjs';

/** @typedef {Record<string, any>} Json */
/** @typedef {{ readonly i: number, readonly op: string, readonly as: string, readonly req: Json, readonly want: Json, readonly got: Json }} Difference */

const WRONG = 'aBcDeFgHiJkLmNoP.7';
const PERMISSION_DENIED = 7;
const RULES = [{ permType: 2, rangeEnd: '\0' }];

/**
 * @param {string} reference host:port of an etcd 3.4 without users
 * @param {string} ours
 * @param {{ readonly seed: number, readonly ops: number }} size
 * @param {(difference: Difference) => void} report
 * @returns {Promise<{ equal: number, total: number, corners: Map<string, number>, failures: number }>}
 */
export async function authDifferential(reference, ours, { seed, ops }, report) {
  const clients = [new GrpcClient(reference), new GrpcClient(ours)];
  const random = new RandomAuth(seed);
  /** Tokens of both, by slot. @type {Map<string, readonly [string, string]>} */
  const tokens = new Map();
  /** @type {Map<string, number>} */
  const corners = new Map();
  let [enabled, equal, failures, total] = [false, 0, 0, 0];

  /** @param {import('./random-auth.mjs').Call} call */
  const compare = async (call) => {
    const { op, req, as, keep } = call;
    const held = as === 'wrong' ? [WRONG, WRONG] : (tokens.get(as) ?? []);
    const [want = {}, got = {}] = /** @type {Json[]} */ (
      (await Promise.all(clients.map((client, at) => client.call(op, req, held[at])))).map((one) => normalized(op, one))
    );
    if (want['err'] !== undefined) failures++;
    else random.done(call);
    const [theirs, own] = [want['res']?.token, got['res']?.token];
    if (theirs !== undefined && own !== undefined) {
      want['res'].token = got['res'].token = 'given';
      if (keep !== undefined) tokens.set(keep, [theirs, own]);
    }
    if (op === 'authEnable' && want['res'] !== undefined) enabled = true;
    if (op === 'authDisable' && want['res'] !== undefined) {
      enabled = false;
      tokens.clear();
    }
    total++;
    if (isDeepStrictEqual(want, got)) equal++;
    else if (cornerOf(call, want, got) !== undefined) {
      equal++;
      const corner = cornerOf(call, want, got) ?? '';
      corners.set(corner, (corners.get(corner) ?? 0) + 1);
    } else report({ i: total, op, as, req, want, got });
    return want['res'];
  };

  try {
    while (total < ops) await compare(random.next(enabled, new Set(tokens.keys())));
    await compare({ op: 'authDisable', req: {}, as: 'root' });
    const as = 'nobody';
    if (!enabled) {
      const { users = [] } = (await compare({ op: 'userList', req: {}, as })) ?? {};
      for (const name of users) await compare({ op: 'userGet', req: { name }, as });
      const { roles = [] } = (await compare({ op: 'roleList', req: {}, as })) ?? {};
      for (const role of roles) await compare({ op: 'roleGet', req: { role }, as });
      await compare({ op: 'range', req: { key: '\0', rangeEnd: '\0' }, as });
      await compare({ op: 'hashKV', req: {}, as });
    }
  } finally {
    for (const client of clients) client.close();
  }
  return { equal, total, corners, failures };
}

/**
 * Where 3.4 is known to answer otherwise (docs/spec/server-api.md 14 and 16), and nothing is left behind by it.
 * @param {import('./random-auth.mjs').Call} call
 * @param {Json} want
 * @param {Json} got
 * @returns {string | undefined}
 */
function cornerOf({ op, req }, want, got) {
  if (op === 'roleGet' && req['role'] === 'root' && isDeepStrictEqual(got['res']?.perm, RULES)) {
    return want['err'] === undefined ? 'what the role root may do' : undefined;
  }
  const { key, rangeEnd = '' } = req;
  const isDenied = [want, got].some((answer) => answer['err']?.code === PERMISSION_DENIED);
  if ((op === 'range' || op === 'deleteRange') && rangeEnd !== '' && rangeEnd !== '\0' && rangeEnd <= key && isDenied) {
    return 'a range that no key is in';
  }
  const isEmpty = [req['compare'], req['success'], req['failure']].every((list) => list?.length === 0);
  if (op === 'txn' && isEmpty && want['err'] === undefined && got['err'] !== undefined) {
    return 'a transaction that does nothing, of nobody';
  }
  return undefined;
}
