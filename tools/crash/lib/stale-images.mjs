// @ts-check
/**
 * Files that no program wrote: one page older than the others, one bit flipped, a copy cut short, a copy torn by commits.
 *
 * STL1  Each image says which states of the history it may be read as, besides damage.
 * STL2  A torn copy is made as `cp` makes one: front to back, a piece from each moment, moments in the order of time. Between
 *     two commits there is the moment when the pages of the later one are written and its meta page is not.
 */
import { PAGE } from './store-versions.mjs';

/**
 * @typedef {object} Image
 * @property {string} kind
 * @property {Buffer} bytes
 * @property {boolean} meta a meta page is not what it was
 * @property {readonly number[]} allowed indexes of the states that it may be read as
 * @property {number} present index of the state that it was made of
 * @property {string} what which page, bit or length
 */

export const kinds = ['stale page', 'flipped bit', 'cut copy', 'torn copy'];

/**
 * @param {readonly import('./store-versions.mjs').State[]} states
 * @param {string} kind
 * @param {import('./store-versions.mjs').Random} random
 * @returns {Image}
 */
export function imageOf(states, kind, random) {
  const pick = (/** @type {number} */ limit) => Math.floor(random() * limit);
  if (kind === 'torn copy') return torn(states, pick);
  const present = 10 + pick(states.length - 10);
  const { image } = at(states, present);
  if (kind === 'stale page') return stale(states, present, pick);
  if (kind === 'flipped bit') {
    const bytes = Buffer.from(image);
    const byte = pick(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(byte) ^ (1 << pick(8)), byte);
    return one(kind, bytes, present, byte < 2 * PAGE, `byte ${byte}, page ${Math.floor(byte / PAGE)}`);
  }
  const length = 1 + pick(image.length - 1);
  const cut = image.subarray(0, pick(3) === 0 ? length : Math.ceil(length / PAGE) * PAGE);
  const bytes = pick(2) === 0 ? cut : Buffer.concat([cut, Buffer.alloc(image.length - cut.length)]);
  return one(kind, Buffer.from(bytes), present, cut.length < 2 * PAGE, `${cut.length} of ${image.length} bytes`);
}

/**
 * @param {readonly import('./store-versions.mjs').State[]} states
 * @param {number} present
 * @param {(limit: number) => number} pick
 * @returns {Image}
 */
function stale(states, present, pick) {
  const bytes = Buffer.from(at(states, present).image);
  for (;;) {
    const older = at(states, pick(present)).image;
    const page = pick(older.length / PAGE);
    const [start, end] = [page * PAGE, (page + 1) * PAGE];
    if (older.subarray(start, end).equals(bytes.subarray(start, end))) continue;
    older.copy(bytes, start, start, end);
    return one('stale page', bytes, present, page < 2, `page ${page}`);
  }
}

/**
 * @param {readonly import('./store-versions.mjs').State[]} states
 * @param {(limit: number) => number} pick
 * @returns {Image}
 */
function torn(states, pick) {
  const first = 5 + pick(states.length - 12);
  let moment = 2 * first + pick(2);
  const pause = pick(2) === 0 ? 3 : 120; // a slow copy sees many commits
  const last = Math.min(moment + 1 + pick(4 * pause), 2 * (states.length - 1));
  const length = momentOf(states, last).length;
  const piece = PAGE * ([1, 4, 16, 32][pick(4)] ?? 1);
  const bytes = Buffer.alloc(length);
  const used = new Set();
  for (let start = 0; start < length; start += piece) {
    const now = momentOf(states, moment);
    if (start < now.length) now.copy(bytes, start, start, Math.min(start + piece, now.length));
    used.add(moment);
    if (pick(3) === 0) moment = Math.min(moment + 1 + pick(pause), last);
  }
  const allowed = Array.from({ length: Math.ceil(last / 2) - first + 1 }, (_, i) => first + i);
  return { kind: 'torn copy', bytes, meta: false, allowed, present: first, what: `moments ${[...used].join(' ')}` };
}

/**
 * The file after state `moment / 2`, or half a commit later.
 * @param {readonly import('./store-versions.mjs').State[]} states
 * @param {number} moment
 */
function momentOf(states, moment) {
  const { image } = at(states, Math.floor(moment / 2));
  if (moment % 2 === 0) return image;
  const next = Buffer.from(at(states, Math.ceil(moment / 2)).image);
  image.copy(next, 0, 0, 2 * PAGE);
  return next;
}

/**
 * @param {string} kind
 * @param {Buffer} bytes
 * @param {number} present
 * @param {boolean} meta
 * @param {string} what
 * @returns {Image}
 */
function one(kind, bytes, present, meta, what) {
  return { kind, bytes, meta, allowed: [present], present, what };
}

/**
 * @param {readonly import('./store-versions.mjs').State[]} states
 * @param {number} index
 */
function at(states, index) {
  const state = states[index];
  if (state === undefined) throw new Error(`no state ${index}`);
  return state;
}
