// @ts-check
/**
 * What the documents say of speed: made of a report, between two marks, so that no figure in them was typed.
 *
 * DOC1  `<!-- measured NAME -->` begins a part and `<!-- /measured -->` ends it; what is between is replaced. Text without marks is an error.
 * DOC2  A figure above 1 is the peer ahead of etcd's engine, or, in rows of time, memory and disk, so many times what it takes.
 */
import { human, ratioOf, times, valueOf } from './ratios.mjs';
import { caveat, circumstances } from './table.mjs';
import { goals, lessIsBetter, titles } from './titles.mjs';

/** @typedef {import('./contract.d.mts').Report} Report */

/** The default, and what it is compared with. */
const OURS = 'varve';
const ETCD = 'etcd-mvcc';
const FLOOR = 'floor';
/** Closer than this is level. */
const CLOSE = 1.1;

/** Rows of the README, in short words; the rest is in docs/performance.md. @type {readonly (readonly [metric: string, text: string])[]} */
export const brief = [
  ['W1.put', 'sequential puts'],
  ['W1r.putRandom', 'puts of new keys in random order'],
  ['W2.durable1', 'durable puts of 1 writer'],
  ['W2.durable64', 'durable puts of 64 writers'],
  ['W2.durable1024', 'durable puts of 1,024 writers'],
  ['W3.getUniform', 'gets just after opening'],
  ['W3.getHot', 'gets of hot keys'],
  ['W4.range100b', 'cold ranges of 100'],
  ['W5.update', 'updates'],
  ['W5.getAtRev', 'gets at old revisions'],
  ['W6.generations', 'put, put, delete'],
  ['W6.getAtRev', 'gets in old generations'],
  ['W7.cas', 'compare and put'],
  ['W8.fan100', 'events to 100 watchers'],
  ['W8.fan10000', 'events to 10,000 watchers'],
  ['W8k.keyWatch', 'puts with a watcher on each of 10,000 keys'],
  ['W8c.catchup', 'catch-up from history'],
  ['W9.open', 'time of opening'],
  ['W10.compact', 'time of a compaction'],
  ['W9.rssAnonMB', 'memory after opening'],
  ['W1.rssAnonMB', 'memory after loading'],
  ['W12.loadDisk', 'disk after loading'],
];

/** The parts, by the name in their mark. @type {Readonly<Record<string, (report: Report) => string[]>>} */
const partsOf = { table: wholeTable, machine, brief: briefTable };

/**
 * The text with every marked part made anew.
 * @param {string} text
 * @param {Report} report
 */
export function withMeasured(text, report) {
  let found = 0;
  const made = text.replace(/<!-- measured (\w+) -->\n[^]*?<!-- \/measured -->/g, (_, name) => {
    found += 1;
    const part = Object.hasOwn(partsOf, name) ? partsOf[name] : undefined;
    if (part === undefined)
      throw new RangeError(`there is no measured part ${name}: ${Object.keys(partsOf).join(', ')}`);
    return [`<!-- measured ${name} -->`, '', ...part(report), '', '<!-- /measured -->'].join('\n');
  });
  if (found === 0) throw new RangeError('the text has no part that begins with <!-- measured NAME -->');
  return made;
}

/** Whether the report can be shown: it has ours and etcd's engine. @param {Report} report @returns {string | undefined} what is missing */
export function missingIn({ peers }) {
  return [OURS, ETCD, FLOOR].find((name) => !peers.some((peer) => peer.name === name));
}

/** What the floor keeps in memory says nothing. @param {string} metric */
function isOfMemory(metric) {
  return metric.endsWith('rssAnonMB') || metric.endsWith('heapMB');
}

/** @param {Report} report */
function wholeTable(report) {
  const { samples, unit, peers } = report;
  const others = peers.map(({ name }) => name).filter((name) => name !== ETCD && name !== FLOOR);
  const cell = (/** @type {string} */ metric, /** @type {string} */ name, /** @type {string} */ to) => {
    const ratio = ratioOf(samples, metric, name, to);
    return ratio === undefined || ratio <= 0 ? '–' : `${times(ratio)}×`;
  };
  const absolute = (/** @type {string} */ metric, /** @type {string} */ name) => {
    const value = valueOf(samples, metric, name);
    return value === undefined || value < 0 ? '–' : human(value, unit[metric] ?? '');
  };
  const rows = titles
    .filter(([metric]) => !metric.startsWith('M.') && valueOf(samples, metric, ETCD) !== undefined)
    .map(([metric, title]) => {
      const less = lessIsBetter.has(unit[metric] ?? '') ? ' ↓' : '';
      const goal = goals[metric];
      const cells = others.flatMap((name) =>
        name === OURS
          ? [`**${cell(metric, name, ETCD)}**`, goal === undefined ? '–' : `${goal}×`]
          : [cell(metric, name, ETCD)],
      );
      const floor = isOfMemory(metric) ? ['–', '–'] : [absolute(metric, FLOOR), cell(metric, OURS, FLOOR)];
      return `| ${title}${less} | ${[absolute(metric, ETCD), ...cells, ...floor].join(' | ')} |`;
    });
  return [
    ...circumstances(report, 'ratios to etcd’s engine are taken within a round'),
    '',
    `| | etcd's engine | ${others.map((name) => (name === OURS ? `\`${name}\` | goal` : `\`${name}\``)).join(' | ')} | floor | \`varve\` to the floor |`,
    `| --- | ---: | ${others.map(() => '---: |').join(' ')} ---: | ---: | ---: |`,
    ...rows,
  ];
}

/** @param {Report} report */
function machine({ samples, unit }) {
  const rows = titles
    .filter(([metric]) => metric.startsWith('M.') && valueOf(samples, metric, FLOOR) !== undefined)
    .map(
      ([metric, title]) => `| ${title.slice(2)} | ${human(valueOf(samples, metric, FLOOR) ?? 0, unit[metric] ?? '')} |`,
    );
  return ['| of a record of 320 bytes, unless it says otherwise | |', '| --- | ---: |', ...rows];
}

/** @param {Report} report */
function briefTable(report) {
  const { samples, unit, options, circumstances: where } = report;
  const [ahead, level, behind] = [
    /** @type {string[]} */ ([]),
    /** @type {string[]} */ ([]),
    /** @type {string[]} */ ([]),
  ];
  for (const [metric, text] of brief) {
    const ratio = ratioOf(samples, metric, OURS, ETCD);
    if (ratio === undefined || ratio <= 0) continue;
    const better = lessIsBetter.has(unit[metric] ?? '') ? 1 / ratio : ratio;
    (better >= CLOSE ? ahead : better > 1 / CLOSE ? level : behind).push(`${text} | ${times(ratio)}×`);
  }
  const rows = Array.from({ length: Math.max(ahead.length, level.length, behind.length) }, (_, i) =>
    [ahead, level, behind].map((column) => column[i] ?? ' |').join(' | '),
  );
  return [
    `Ratios to etcd's own engine (Go, bbolt) at its best, each row in one run: ${options.n.toLocaleString('en-US')} keys of 32 bytes with values of 256, ` +
      `${where.cores} cores at a load of ${where.load.toFixed(1)}, ${where.day}. ${caveat(where)}`.trimEnd(),
    '',
    '| ahead | | level | | behind | |',
    '| --- | ---: | --- | ---: | --- | ---: |',
    ...rows.map((row) => `| ${row} |`),
  ];
}
