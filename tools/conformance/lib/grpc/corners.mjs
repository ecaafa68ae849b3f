// @ts-check
/**
 * Where etcd 3.4 is known to answer otherwise than the etcd of the specification, which the server follows
 * (docs/spec/server-api.md 14, docs/spec/watch.md 15). An answer counts as equal here only if it is exactly the one that the
 * corner explains.
 */
import { isDeepStrictEqual } from 'node:util';

/** @typedef {Record<string, any>} Json */

const COMPACTED = 'etcdserver: mvcc: required revision has been compacted';

/**
 * @param {Json} _header of the recording
 * @param {Json} entry
 * @param {Json} got our answer
 * @param {ReadonlySet<number>} compacted every revision that was compacted so far
 * @returns {string | undefined}
 */
export function cornerOf(_header, entry, got, compacted) {
  switch (entry['op']) {
    case 'hashKV':
      return hashCorner(entry, got, compacted);
    case 'txn':
      return putsFirst(entry, got) ? 'order of checks inside a transaction' : undefined;
    case 'watchSync':
      return onlyDropped(entry['res'], got['res'], compacted) ? 'deletion at a compacted revision' : undefined;
    case 'watchProgress':
      return got['res'].none === true && got['res'].compacted === true && entry['res'].watchId === -1
        ? 'progress while a watcher of the stream is compacted'
        : undefined;
    default:
      return undefined;
  }
}

/**
 * @param {Json} entry
 * @param {Json} got
 * @param {ReadonlySet<number>} compacted
 */
function hashCorner({ req, err }, got, compacted) {
  if (err?.msg !== COMPACTED || got['err'] !== undefined) return undefined;
  return compacted.has(Number(req.revision)) ? 'hash of a compacted revision' : undefined;
}

/**
 * 3.4 looks at the puts of a transaction before its ranges, whatever their order: the put's failure is its answer, and the range's
 * is ours.
 * @param {Json} entry
 * @param {Json} got
 */
function putsFirst({ req, err }, got) {
  const ofPuts = ['etcdserver: requested lease not found', 'etcdserver: key not found'];
  const ofRanges = [COMPACTED, 'etcdserver: mvcc: required revision is a future revision'];
  if (!ofPuts.includes(err?.msg) || !ofRanges.includes(got['err']?.msg)) return false;
  const ops = allOps(req);
  const range = ops.findIndex(({ requestRange }) => (requestRange?.revision ?? 0) !== 0);
  return (
    range >= 0 && ops.slice(range).some(({ requestPut: put }) => put?.lease ?? put?.ignoreValue ?? put?.ignoreLease)
  );
}

/**
 * The operations of a transaction, in order, nested ones too.
 * @param {Json} txn
 * @returns {Json[]}
 */
function allOps({ success = [], failure = [] }) {
  return [...success, ...failure].flatMap((op) => (op.requestTxn === undefined ? [op] : allOps(op.requestTxn)));
}

/**
 * Whether watchers got what is recorded, and besides nothing but deletions that etcd's compactions dropped.
 * @param {Json} want the recorded result of a sync
 * @param {Json} got
 * @param {ReadonlySet<number>} compacted
 */
function onlyDropped(want, got, compacted) {
  const { events: recorded = {}, ...others } = want;
  const { events = {}, ...ourOthers } = got;
  if (!isDeepStrictEqual(others, ourOthers)) return false;
  return [...new Set([...Object.keys(recorded), ...Object.keys(events)])].every((label) => {
    /** @type {Json[]} */
    const expected = recorded[label] ?? [];
    let at = 0;
    for (const event of events[label] ?? []) {
      if (isDeepStrictEqual(event, expected[at])) at += 1;
      else if (event.type !== 1 || !compacted.has(event.kv.modRevision)) return false;
    }
    return at === expected.length;
  });
}
