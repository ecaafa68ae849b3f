// @ts-check
/**
 * What the contenders told, and whether it can be true of a store that only one may have.
 *
 * STY1  Nobody's time with the store overlaps with anybody else's. A time ends with the last line of its turn, so a
 *     contender who is killed without a word has it until it was last heard.
 */

/**
 * @typedef {{ name: string, begin: bigint, end: bigint }} Turn
 * @typedef {{ turns: Turn[], acknowledged: Map<string, string> }} Story acknowledged: value by key
 */

/**
 * @param {string} text the log
 * @returns {Story}
 */
export function readStory(text) {
  /** @type {Turn[]} */
  const turns = [];
  /** @type {Map<string, Turn>} */
  const latest = new Map();
  /** @type {Map<string, string>} */
  const acknowledged = new Map();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [name = '', what, ...words] = line.split(' ');
    const time = BigInt(words.pop() ?? '');
    if (what === 'begin') {
      const turn = { name, begin: time, end: time };
      turns.push(turn);
      latest.set(name, turn);
    }
    const turn = latest.get(name);
    if (turn === undefined) throw new Error(`no turn has begun: ${line}`);
    turn.end = time;
    const [key, value] = words;
    if (what === 'ack' && key !== undefined && value !== undefined) acknowledged.set(key, value);
  }
  return { turns, acknowledged };
}

/**
 * Pairs that had the store at the same time.
 * @param {readonly Turn[]} turns
 * @returns {string[]}
 */
export function overlaps(turns) {
  const sorted = turns.toSorted((a, b) => (a.begin < b.begin ? -1 : 1));
  return sorted.flatMap((turn, index) => {
    const before = sorted.slice(0, index).find((other) => other.end > turn.begin);
    return before === undefined ? [] : [`${turn.name} had it while ${before.name} did`];
  });
}
