// @ts-check
/**
 * What clients do: each call as it is made, and as the model plays it.
 *
 * SCA1  `play` changes the draft as the call must have changed the store, and gives the text of the answer it must have given.
 * SCA2  An optimistic transaction takes effect somewhere after its body: it floats. All others are in the order of the calls.
 *
 * @typedef {import('@varve/kv').EmbeddedKv} Store
 * @typedef {import('../../run/random.mjs').Random} Random
 * @typedef {import('./model.mjs').Draft} Draft
 * @typedef {{ readonly text: string, readonly revision: number | undefined }} Answer without revision: nothing was to change
 *
 * @typedef {object} Call
 * @property {string} said
 * @property {boolean} floats
 * @property {(kv: Store) => Promise<Answer>} make
 * @property {readonly ((draft: Draft) => string)[]} plays one; of a transaction one an attempt, the newest first
 */
import { compare, exists, get, missing, put, range, remove } from '@varve/kv';
import { turns } from './clock.mjs';
import { entriesText, entryText, listed } from './model.mjs';

export const prefixes = ['a/', 'b/', 'c/', 'd/'];

/** @param {Random} random */
export function anyKey(random) {
  return `${random.pick(prefixes)}${random.below(8)}`;
}

/** @param {Random} random @returns {import('@varve/kv').BoundedRange<string>} */
export function anyRange(random) {
  if (random.chance(0.6)) return { prefix: random.pick(prefixes) };
  const [start = 'a/', last = 'b/'] = [anyKey(random), anyKey(random)].toSorted();
  const end = last === start ? `${last}~` : last; // a watch refuses a range without keys
  return random.chance(0.2) ? { start } : { start, end };
}

let written = 0;

/** Values that tell who wrote them begin anew. */
export function beginValues() {
  written = 0;
}

/** @param {Random} random */
function anyValue(random) {
  const length = random.chance(0.03)
    ? random.below(20_000)
    : random.chance(0.2)
      ? random.below(1500)
      : random.below(20);
  return `${++written}:${'v'.repeat(length)}`;
}

/** @param {Random} random @returns {Call} */
function putCall(random) {
  const key = anyKey(random);
  const value = anyValue(random);
  const previous = random.chance(0.4);
  return {
    said: `put ${key} ${value.length}`,
    floats: false,
    async make(kv) {
      const result = await kv.put(key, value, { previous });
      return { text: entryText(result.previous), revision: result.revision };
    },
    plays: [
      (draft) => {
        const before = draft.put(key, value);
        return entryText(previous ? before : undefined);
      },
    ],
  };
}

/** @param {Random} random @returns {Call} */
function deleteCall(random) {
  const selector = random.chance(0.7) ? anyKey(random) : anyRange(random);
  const limit = typeof selector !== 'string' && random.chance(0.3) ? random.between(1, 3) : undefined;
  const previous = random.chance(0.4);
  return {
    said: `delete ${JSON.stringify(selector)} ${limit}`,
    floats: false,
    async make(kv) {
      const options = limit === undefined ? { previous } : { previous, limit };
      const result = await kv.delete(selector, options);
      return { text: `${result.deleted} ${entriesText(result.previous ?? [])}`, revision: result.revision };
    },
    plays: [
      (draft) => {
        const gone = draft.delete(selector, limit);
        return `${gone.length} ${entriesText(previous ? gone : [])}`;
      },
    ],
  };
}

/** @param {Random} random */
function anyBranch(random) {
  // The last prefix is for ranges, so that no branch puts what it deletes.
  const keys = new Set(
    Array.from({ length: random.between(1, 4) }, () => `${random.pick(['a/', 'b/', 'c/'])}${random.below(8)}`),
  );
  const ops = [...keys].map((key) =>
    random.chance(0.6)
      ? put(key, anyValue(random), { previous: random.chance(0.5) })
      : random.chance(0.5)
        ? remove(key)
        : get(key),
  );
  if (random.chance(0.3)) return [...ops, remove({ prefix: 'd/' }), range({ prefix: random.pick(prefixes) })];
  return ops;
}

/** @param {Random} random @returns {Call} */
function txnCall(random) {
  const tested = anyKey(random);
  const kind = random.below(3);
  const bound = random.between(0, 4);
  const condition =
    kind === 0 ? exists(tested) : kind === 1 ? missing(tested) : compare(tested, { version: { greater: bound } });
  const then = anyBranch(random);
  const otherwise = anyBranch(random);
  return {
    said: `txn ${tested} ${kind} ${then.length} ${otherwise.length}`,
    floats: false,
    async make(kv) {
      const result = await kv.txn({ if: [condition], then, else: otherwise });
      const results = /** @type {readonly unknown[]} */ (result.results);
      const parts = results.map((part, at) => opAnswer((result.succeeded ? then : otherwise)[at]?.type, part));
      return { text: `${result.succeeded} ${parts.join('; ')}`, revision: result.revision };
    },
    plays: [
      (draft) => {
        const version = draft.before.get(tested)?.version ?? 0;
        const holds = kind === 0 ? version > 0 : kind === 1 ? version === 0 : version > bound;
        const parts = (holds ? then : otherwise).map((op) => {
          if (op.type === 'get') return entryText(draft.state.get(op.key));
          if (op.type === 'range') return entriesText(draft.list(op.range));
          if (op.type === 'delete') return String(draft.delete(op.key).length);
          const before = draft.put(op.key, op.value);
          return entryText(op.previous === true ? before : undefined);
        });
        return `${holds} ${parts.join('; ')}`;
      },
    ],
  };
}

/** @param {string | undefined} type @param {unknown} part */
function opAnswer(type, part) {
  if (type === 'get') return entryText(/** @type {import('./model.mjs').Entry | undefined} */ (part));
  if (type === 'range')
    return entriesText(/** @type {import('@varve/kv').RangeOpResult<string, string>} */ (part).entries);
  if (type === 'delete') return String(/** @type {import('@varve/kv').DeleteResult<string, string>} */ (part).deleted);
  return entryText(/** @type {import('@varve/kv').PutResult<string, string>} */ (part).previous);
}

const enough = new Error('enough');

/** A section of puts and deletes of any keys, the same ones again too; some throw, and nothing of them remains. @param {Random} random @returns {Call} */
function sectionCall(random) {
  const throws = random.chance(0.25);
  const ops = Array.from({ length: random.between(1, 6) }, () => ({
    key: anyKey(random),
    value: random.chance(0.7) ? anyValue(random) : undefined,
  }));
  return {
    said: `section ${ops.length} ${throws ? 'throws' : ''}`,
    floats: false,
    async make(kv) {
      try {
        const result = await kv.write((section) => {
          const seen = ops.map(({ key, value }) => {
            const before = section.get(key);
            if (value === undefined) section.delete(key);
            else section.put(key, value);
            return entryText(before);
          });
          if (throws) throw enough;
          return seen.join(' ');
        });
        return { text: result.value, revision: result.revision };
      } catch (error) {
        if (error !== enough) throw error;
        return { text: 'threw', revision: undefined };
      }
    },
    plays: [
      (draft) => {
        if (throws) return 'threw';
        const seen = ops.map(({ key, value }) => {
          const before = draft.state.get(key);
          if (value === undefined) draft.delete(key);
          else draft.put(key, value);
          return entryText(before);
        });
        return seen.join(' ');
      },
    ],
  };
}

/** Reads, waits a while, and writes what depends on what it has read. @param {Random} random @returns {Call} */
function transactionCall(random) {
  const read = [anyKey(random), anyKey(random)];
  const listing = random.chance(0.3) ? anyRange(random) : undefined;
  const writes = [...new Set([anyKey(random), anyKey(random), anyKey(random)])].map((key) => ({
    key,
    value: random.chance(0.75) ? anyValue(random) : undefined,
  }));
  const rests = random.below(4);
  /** @type {((draft: Draft) => string)[]} */
  const plays = [];
  return {
    said: `transaction ${read.join(' ')} ${rests}`,
    floats: true,
    async make(kv) {
      const result = await kv.transaction(async (tx) => {
        const seen = [];
        for (const key of read) seen.push(await tx.get(key));
        const found = listing === undefined ? [] : await tx.list(listing);
        await turns(rests);
        const basis = seen.map((entry) => String(entry?.modRevision ?? 0)).join('+');
        for (const { key, value } of writes) {
          if (value === undefined) tx.delete(key);
          else tx.put(key, `${basis}:${value}`);
        }
        plays.unshift((draft) => {
          for (const { key, value } of writes) {
            if (value === undefined) draft.delete(key);
            else draft.put(key, `${basis}:${value}`);
          }
          const then = read.map((key) => entryText(draft.before.get(key)));
          return [...then, entriesText(listing === undefined ? [] : listed(draft.before, listing))].join(' ');
        });
        return [...seen.map((entry) => entryText(entry)), entriesText(found)].join(' ');
      });
      return { text: result.value, revision: result.revision };
    },
    plays,
  };
}

/** @param {Random} random */
export function anyCall(random) {
  const dice = random.next();
  if (dice < 0.4) return putCall(random);
  if (dice < 0.6) return deleteCall(random);
  if (dice < 0.78) return txnCall(random);
  return dice < 0.9 ? sectionCall(random) : transactionCall(random);
}

export const calls = {
  put: putCall,
  delete: deleteCall,
  txn: txnCall,
  section: sectionCall,
  transaction: transactionCall,
};
