// @ts-check
/**
 * The slow and obvious store: every state that ever was, and the changes that led to each.
 *
 * SMO1  A revision is a whole copy of the state; nothing is shared, cached or clever.
 * SMO2  What was seen of a revision that the model does not know yet is looked at as soon as it does.
 *
 * @typedef {{ readonly key: string, readonly value: string, readonly version: number, readonly createRevision: number, readonly modRevision: number }} Entry
 * @typedef {{ readonly key: string, readonly entry: Entry | undefined, readonly previous: Entry | undefined }} Change without entry: a deletion
 * @typedef {import('@varve/kv').Range<string>} Range
 */

/** A law does not hold. */
export class Violation extends Error {}

/** @param {Entry | undefined} entry */
export function entryText(entry) {
  if (entry === undefined) return '-';
  return `${entry.key}=${entry.value}@${entry.version},${entry.createRevision},${entry.modRevision}`;
}

/** @param {readonly (Entry | undefined)[]} entries */
export function entriesText(entries) {
  return entries.map((entry) => entryText(entry)).join(' ');
}

/** @param {readonly Change[]} changes */
export function changesText(changes) {
  return changes.map(({ key, entry }) => (entry === undefined ? `-${key}` : `+${entryText(entry)}`)).join(' ');
}

/** @param {string | Range} selector @param {string} key */
export function selects(selector, key) {
  if (typeof selector === 'string') return key === selector;
  const { prefix, start, end } = selector;
  if (prefix !== undefined) return key.startsWith(prefix);
  return (start === undefined || key >= start) && (end === undefined || key < end);
}

/** The next state, as it is being made. */
export class Draft {
  /** @type {Change[]} */
  changes = [];

  /** @param {ReadonlyMap<string, Entry>} before @param {number} revision the one that changes will make */
  constructor(before, revision) {
    this.before = before;
    this.state = new Map(before);
    this.revision = revision;
  }

  /** @param {string} key @param {string} value */
  put(key, value) {
    const previous = this.state.get(key);
    const { revision } = this;
    const entry = {
      key,
      value,
      version: (previous?.version ?? 0) + 1,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
    };
    this.state.set(key, entry);
    this.changes.push({ key, entry, previous });
    return previous;
  }

  /** What was deleted. @param {import('@varve/kv').DeleteSelector<string>} selector @param {number} [limit] */
  delete(selector, limit = Infinity) {
    const range = typeof selector === 'object' && 'all' in selector ? {} : selector;
    const gone = this.list(range).slice(0, limit);
    for (const previous of gone) {
      this.state.delete(previous.key);
      this.changes.push({ key: previous.key, entry: undefined, previous });
    }
    return gone;
  }

  /** @param {string | Range} selector */
  list(selector) {
    return listed(this.state, selector);
  }
}

/** @param {ReadonlyMap<string, Entry>} state @param {string | Range} selector */
export function listed(state, selector) {
  const found = [...state.values()].filter(({ key }) => selects(selector, key));
  return found.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

export class Model {
  revision = 1;
  /** States and changes by revision. @type {Map<number, ReadonlyMap<string, Entry>>} */
  #states = new Map([[1, new Map()]]);
  /** @type {Map<number, readonly Change[]>} */
  #changes = new Map();
  /** @type {{ readonly revision: number, readonly look: () => void }[]} */
  #later = [];

  /** @param {number} revision @returns {ReadonlyMap<string, Entry>} */
  state(revision) {
    const found = this.#states.get(revision);
    if (found === undefined) throw new Violation(`revision ${revision} was seen, and never was`);
    return found;
  }

  /** @param {number} revision @returns {readonly Change[]} */
  changes(revision) {
    return this.#changes.get(revision) ?? [];
  }

  draft() {
    return new Draft(this.state(this.revision), this.revision + 1);
  }

  /** @param {Draft} draft */
  accept(draft) {
    this.revision = draft.revision;
    this.#states.set(draft.revision, draft.state);
    this.#changes.set(draft.revision, draft.changes);
  }

  /** A crash took what was answered without being durable (`interval`). @param {number} revision */
  goBack(revision) {
    for (let gone = this.revision; gone > revision; gone--) {
      this.#states.delete(gone);
      this.#changes.delete(gone);
    }
    this.revision = revision;
  }

  /** Looks once the revision is known. @param {number} revision @param {() => void} look */
  whenKnown(revision, look) {
    if (revision <= this.revision) look();
    else this.#later.push({ revision, look });
  }

  /** Everything that was seen is known, or it was never to be seen (law 1). @param {boolean} strict */
  lookBack(strict) {
    const seen = this.#later;
    this.#later = [];
    for (const { revision, look } of seen) {
      if (revision <= this.revision) look();
      else if (strict)
        throw new Violation(`law 1: revision ${revision} was seen, and is gone: ${this.revision} is the newest`);
    }
  }
}
