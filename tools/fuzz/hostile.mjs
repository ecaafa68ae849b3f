// @ts-check
/**
 * Makes stores that mean harm, and opens each in every way there is: for reading and writing, checked, counted, printed,
 * copied, imported, scanned.
 *
 *   node tools/fuzz/hostile.mjs --files 2000 [--seed 1] [--kind bolt|snapshot|level]
 *
 * Each call has three seconds to answer, or to fail with a code of ours (of the processor; fifteen by the clock, since machines
 * are busy); the process may grow by 512 MiB over the file's size; nothing outside of the store's folder may change. A fault names what was made and the seed that makes it again
 * (`--files 1 --seed N --kind K`). Without `--kind` the files are shared out among the three. The last line is
 * `N of M answered`; the exit code is 1 if one was not.
 */
import process from 'node:process';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { campaign } from './lib/campaign.mjs';

const usage = `node tools/fuzz/hostile.mjs [--files 2000] [--seed 1] [--kind bolt|snapshot|level]
  opens files and folders that mean harm; ends with 1 when a call does not answer as it should`;

/** @type {readonly ['bolt', 'snapshot', 'level']} */
const kinds = ['bolt', 'snapshot', 'level'];

const { flags } = flagsOf(usage, {
  files: { type: 'string', default: '2000' },
  seed: { type: 'string', default: '1' },
  kind: { type: 'string' },
});
const files = wholeNumber(usage, 'files', flags.files, 1);
const seed = wholeNumber(usage, 'seed', flags.seed, Number.MIN_SAFE_INTEGER);
const chosen = kinds.filter((kind) => flags.kind === undefined || kind === flags.kind);
if (chosen.length === 0) refuse(usage, `--kind is bolt, snapshot or level, not ${flags.kind}.`);

let bad = 0;
for (const [index, kind] of chosen.entries()) {
  const share = Math.floor(files / chosen.length) + (index < files % chosen.length ? 1 : 0);
  const result = await campaign(kind, share, seed, ({ seed: at, what, fault }) =>
    process.stdout.write(`FAULT ${kind} --seed ${at}: ${what}\n      ${fault}\n`),
  );
  bad += result.faults.length;
  const outcomes = [...result.outcomes].toSorted((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`);
  process.stdout.write(
    `${kind}: ${share - result.faults.length} of ${share} files answered; calls: ${outcomes.join(', ')}\n`,
  );
  process.stdout.write(
    `${kind}: slowest call ${Math.round(result.slowestMs)} ms (${result.slowest}), largest growth ${Math.round(result.largestPeak / 2 ** 20)} MiB\n`,
  );
}
process.stdout.write(`${files - bad} of ${files} answered\n`);
process.exitCode = bad === 0 ? 0 : 1;
