// @ts-check
/** Ranges in an order that leaves equals open: only the order of the groups of equals counts, and of a cut last group its size. */
import { isDeepStrictEqual } from 'node:util';

/** @typedef {Record<string, any>} Json */

const fields = ['key', 'version', 'createRevision', 'modRevision', 'value'];

/**
 * @param {Json} entry
 * @param {Json} got
 */
export function sameTies({ op, req, res }, got) {
  return op === 'txn' ? sameTxn(req, res, got['res']) : sameRange(req, res, got['res']);
}

/**
 * @param {Json} req
 * @param {Json} want
 * @param {Json} got
 * @returns {boolean}
 */
function sameTxn(req, want, got) {
  const { responses: ours = [], ...rest } = got;
  const { responses: theirs = [], ...others } = want;
  if (!isDeepStrictEqual(rest, others) || ours.length !== theirs.length) return false;
  const ops = (want['succeeded'] === true ? req['success'] : req['failure']) ?? [];
  return theirs.every((/** @type {Json} */ response, /** @type {number} */ at) => {
    const op = ops[at];
    if (op.requestRange) return sameRange(op.requestRange, response['responseRange'], ours[at].responseRange);
    if (op.requestTxn) return sameTxn(op.requestTxn, response['responseTxn'], ours[at].responseTxn);
    return isDeepStrictEqual(response, ours[at]);
  });
}

/**
 * @param {Json} req
 * @param {Json} want
 * @param {Json} got
 */
function sameRange(req, want, got) {
  const { kvs: theirs = [], ...others } = want;
  const { kvs: ours = [], ...rest } = got;
  if (!isDeepStrictEqual(rest, others) || ours.length !== theirs.length) return false;
  const field = fields[req['sortTarget'] ?? 0] ?? 'key';
  const groups = (/** @type {Json[]} */ kvs) => kvs.map((kv) => kv[field]);
  if (!isDeepStrictEqual(groups(ours), groups(theirs))) return false;
  const last = groups(theirs).at(-1);
  const inWhole = (/** @type {Json[]} */ kvs) =>
    kvs.filter((kv) => want['more'] !== true || kv[field] !== last).toSorted((a, b) => (a['key'] < b['key'] ? -1 : 1));
  return isDeepStrictEqual(inWhole(ours), inWhole(theirs));
}
