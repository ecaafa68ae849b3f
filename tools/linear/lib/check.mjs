// @ts-check
/**
 * Whether what concurrent clients saw can have happened in one order that agrees with their clocks.
 *
 * Every write returns its revision, so the order is known, and nothing has to be searched for: what is checked is that it agrees with time, with
 * what was read, and with what watchers were told.
 *
 * LIN1  Acknowledged writes are in the history of the store, each at the revision it was told, once. What else is in the history was called by
 *      somebody who was not told how it ended.
 * LIN2  A write that ended before another one began has the lower revision.
 * LIN3  A read finds a state that was there between its beginning and its end: nothing older than what was acknowledged, or read, before it
 *      began; nothing that was called after it had ended. What it finds is in the history.
 * LIN4  A watcher gets the events of its range from its first revision on, each once and in order, up to where it was ended.
 * LIN5  The key of a lease is there as long as its holder was told so, and gone when the revocation was acknowledged, until it is put again.
 */

/**
 * @typedef {{ revision: number, key: string, value: string | undefined }} Change value undefined: a deletion
 *
 * @typedef {object} Write
 * @property {string} key
 * @property {string | undefined} value unique among all writes; undefined: a deletion
 * @property {number} began by one clock for all
 * @property {number | undefined} ended undefined: its outcome is not known
 * @property {number | undefined} revision that it was told
 *
 * @typedef {object} Read
 * @property {string} key
 * @property {string | undefined} value undefined: there was no such key
 * @property {number} modRevision 0 where there was none
 * @property {number} began
 * @property {number} ended
 *
 * @typedef {{ prefix: string, from: number, until: number, events: readonly Change[] }} Watched until: the last revision that it was told everything up to
 *
 * @typedef {object} Held
 * @property {string} key of a lease; nobody else writes it
 * @property {number} began when the put was called
 * @property {number | undefined} from when it was acknowledged
 * @property {number} until when the holder was told that it is over, or began to end it
 * @property {number | undefined} gone when the revocation was acknowledged
 *
 * @typedef {object} History
 * @property {number} first the revision before everything
 * @property {readonly Change[]} changes what the store says that has happened after it, in order
 * @property {readonly Write[]} writes
 * @property {readonly Read[]} reads
 * @property {readonly Watched[]} watches
 * @property {readonly Held[]} held
 *
 * @typedef {{ problems: string[], unknown: number, done: number, notDone: number }} Verdict unknown outcomes, and what became of them
 */

/** @param {History} history @returns {Verdict} */
export function check({ first, changes, writes, reads, watches, held }) {
  /** @type {string[]} */
  const problems = [];
  const leased = new Set(held.map(({ key }) => key));
  const resolved = resolve(changes, writes, leased, problems);
  inOrder(resolved.told, problems);
  for (const key of new Set(reads.map((read) => read.key))) {
    const ofKey = reads.filter((read) => read.key === key);
    if (leased.has(key)) checkHeld(key, held, ofKey, problems);
    else checkReads(key, ofKey, changes, resolved.byRevision, first, problems);
  }
  for (const watched of watches) checkWatch(watched, changes, problems);
  const unknown = writes.filter(({ ended }) => ended === undefined).length;
  return { problems, unknown, done: resolved.done, notDone: unknown - resolved.done };
}

/**
 * Which write made which revision.
 * @param {readonly Change[]} changes @param {readonly Write[]} writes @param {ReadonlySet<string>} leased @param {string[]} problems
 */
function resolve(changes, writes, leased, problems) {
  /** @type {Map<number, Write>} */
  const told = new Map();
  for (const write of writes) {
    if (write.revision === undefined) continue;
    if (told.has(write.revision)) problems.push(`two writes were told revision ${write.revision}`);
    told.set(write.revision, write);
  }
  const open = writes.filter(({ ended }) => ended === undefined);
  /** @type {Map<number, Write>} */
  const byRevision = new Map();
  let done = 0;
  for (const change of changes) {
    const write = told.get(change.revision);
    if (write !== undefined) {
      if (write.key === change.key && write.value === change.value) byRevision.set(change.revision, write);
      else problems.push(`revision ${change.revision} has ${name(change)}, its writer was told it has ${name(write)}`);
      continue;
    }
    const at = open.findIndex(({ key, value }) => key === change.key && value === change.value);
    const [found] = at < 0 ? [] : open.splice(at, 1);
    if (found !== undefined) {
      byRevision.set(change.revision, found);
      done += 1;
    } else if (!leased.has(change.key)) {
      problems.push(`nobody has written ${name(change)}, revision ${change.revision}`);
    }
  }
  for (const [revision, write] of told) {
    if (!changes.some((change) => change.revision === revision))
      problems.push(`lost: ${name(write)}, revision ${revision}`);
  }
  return { byRevision, told, done };
}

/**
 * LIN2: sorted by their end, each beginning is compared with the highest revision that had ended before.
 * @param {ReadonlyMap<number, Write>} told by revision @param {string[]} problems
 */
function inOrder(told, problems) {
  const byEnd = [...told].toSorted(([, a], [, b]) => (a.ended ?? 0) - (b.ended ?? 0));
  let next = 0;
  let highest = 0;
  for (const [revision, write] of [...told].toSorted(([, a], [, b]) => a.began - b.began)) {
    for (let one = byEnd[next]; one !== undefined && (one[1].ended ?? 0) < write.began; one = byEnd[++next]) {
      highest = Math.max(highest, one[0]);
    }
    if (revision < highest)
      problems.push(`${name(write)} has revision ${revision}, and ${highest} was acknowledged before it began`);
  }
}

/**
 * LIN3, of one key.
 * @param {string} key @param {readonly Read[]} reads @param {readonly Change[]} changes @param {ReadonlyMap<number, Write>} byRevision
 * @param {number} first @param {string[]} problems
 */
function checkReads(key, reads, changes, byRevision, first, problems) {
  const ofKey = changes.filter((change) => change.key === key);
  // What is known from a moment on: the key is at least as new as this.
  /** @type {{ at: number, revision: number }[]} */
  const known = [];
  for (const { revision } of ofKey) {
    const ended = byRevision.get(revision)?.ended;
    if (ended !== undefined) known.push({ at: ended, revision });
  }
  for (const read of reads) known.push({ at: read.ended, revision: stateOf(read, ofKey, first)?.revision ?? 0 });
  known.sort((a, b) => a.at - b.at);
  let next = 0;
  let least = 0;
  for (const read of reads.toSorted((a, b) => a.began - b.began)) {
    for (let one = known[next]; one !== undefined && one.at < read.began; one = known[++next]) {
      least = Math.max(least, one.revision);
    }
    const what = `a read of ${key} that found ${JSON.stringify(read.value)} of revision ${read.modRevision}`;
    if (read.modRevision === 0) {
      // Absent: as before the first change, or as some deletion left it that nothing acknowledged has followed.
      const deletion = ofKey.find(
        ({ value, revision }) =>
          value === undefined && revision >= least && (byRevision.get(revision)?.began ?? 0) <= read.ended,
      );
      if (least > 0 && deletion === undefined) problems.push(`${what}: revision ${least} was known before`);
      continue;
    }
    const state = ofKey.find(({ revision }) => revision === read.modRevision);
    if (state === undefined || state.value !== read.value) problems.push(`${what}: it never was so`);
    else if (read.modRevision < least) problems.push(`${what}: revision ${least} was known before`);
    else if ((byRevision.get(read.modRevision)?.began ?? 0) > read.ended)
      problems.push(`${what}: it was written after the read had ended`);
  }
}

/** @param {Read} read @param {readonly Change[]} ofKey @param {number} first */
function stateOf({ modRevision }, ofKey, first) {
  return modRevision <= first ? undefined : ofKey.find(({ revision }) => revision === modRevision);
}

/** LIN4. @param {Watched} watched @param {readonly Change[]} changes @param {string[]} problems */
function checkWatch({ prefix, from, until, events }, changes, problems) {
  const wanted = changes.filter(({ key, revision }) => key.startsWith(prefix) && revision >= from && revision <= until);
  const last = Math.max(wanted.length, events.length);
  for (let i = 0; i < last; i++) {
    const [a, b] = [wanted[i], events[i]];
    if (a !== undefined && b !== undefined && a.revision === b.revision && a.key === b.key && a.value === b.value)
      continue;
    const shown = (/** @type {Change | undefined} */ one) =>
      one === undefined ? 'nothing' : `${one.revision} ${name(one)}`;
    problems.push(
      `a watch of ${JSON.stringify(prefix)} from ${from} got ${shown(b)} where ${shown(a)} comes, place ${i}`,
    );
    return;
  }
}

/** LIN5. @param {string} key @param {readonly Held[]} held in order @param {readonly Read[]} reads @param {string[]} problems */
function checkHeld(key, held, reads, problems) {
  const ofKey = held.filter((one) => one.key === key);
  for (const [i, { from, until, gone }] of ofKey.entries()) {
    const next = ofKey[i + 1]?.began ?? Number.POSITIVE_INFINITY;
    for (const { value, began, ended } of reads) {
      if (value === undefined && from !== undefined && began > from && ended < until)
        problems.push(`${key} was not there while its lease was held`);
      if (value !== undefined && gone !== undefined && began > gone && ended < next)
        problems.push(`${key} was there after its lease was revoked`);
    }
  }
}

/** @param {{ key: string, value: string | undefined }} change */
function name({ key, value }) {
  return value === undefined ? `the deletion of ${key}` : `${key}=${value}`;
}
