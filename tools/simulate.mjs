// @ts-check
/**
 * Whole stores under a simulated clock and disk: random clients, watchers, compactions, crashes and failures, against a slow
 * and obvious model. After each step the laws of ARCHITECTURE.md are looked at, as far as they apply.
 *
 *   node tools/simulate.mjs [--seed 1] [--histories 1] [--steps 200] [--engine memory|file|log]
 *                           [--skip KIND,KIND] [--seconds N] [--digest] [--trace] [--lies] [--times] [--whole]
 *
 * The same options give the same run: history N has the seed `--seed` + N - 1, and all else comes from it. A history that
 * breaks a law is shrunk, and the command that runs what is left of it is printed
 * (`--whole`: it is not shrunk). `--skip` leaves kinds of steps out,
 * `--seconds` begins no history later, `--digest` prints a digest of everything that happened, `--trace` all of it.
 * With `--times` the stores note when revisions are written, which is looked at, too.
 * With `--lies` the disk says that it has synced and has not: a run that must fail.
 * The last line is `N of M histories hold`; the exit code is 1 where one does not.
 *
 * The stores are opened by `open()`, in a world of their own (law 11). The file engine and the log engine work on a disk in memory that loses, reorders and tears what was not synced; a store in memory has nothing to
 * crash. LevelDB is native: its processes are killed by its own tests.
 */
import process from 'node:process';
import { flagsOf, refuse, wholeNumber } from './run/flags.mjs';
import { SimulatedClock } from './simulate/lib/clock.mjs';
import { runHistory } from './simulate/lib/history.mjs';
import { commandOf, shrink } from './simulate/lib/shrink.mjs';
import { steps as kinds } from './simulate/lib/steps.mjs';

const usage = `node tools/simulate.mjs [--seed 1] [--histories 1] [--steps 200] [--engine memory|file|log] [--seconds N]
    [--skip KIND,...] [--digest] [--trace] [--lies] [--times] [--whole]
  whole stores under a simulated clock and disk; ends with 1 when a history breaks a law`;

const startedAt = process.hrtime.bigint();
const { flags: values } = flagsOf(usage, {
  seed: { type: 'string', default: '1' },
  histories: { type: 'string', default: '1' },
  steps: { type: 'string', default: '200' },
  engine: { type: 'string', default: 'file' },
  skip: { type: 'string', default: '' },
  seconds: { type: 'string', default: 'Infinity' },
  digest: { type: 'boolean', default: false },
  whole: { type: 'boolean', default: false },
  lies: { type: 'boolean', default: false },
  times: { type: 'boolean', default: false },
  trace: { type: 'boolean', default: false },
});

const clock = new SimulatedClock();
const seed = wholeNumber(usage, 'seed', values.seed, Number.MIN_SAFE_INTEGER);
const histories = wholeNumber(usage, 'histories', values.histories, 1);
const steps = wholeNumber(usage, 'steps', values.steps, 1);
const skip = new Set(values.skip.split(',').filter((name) => name !== ''));
const { engine } = values;
if (engine !== 'memory' && engine !== 'file' && engine !== 'log')
  refuse(usage, `--engine is memory, file or log, not ${engine}.`);
for (const name of skip) {
  if (!Object.hasOwn(kinds, name)) refuse(usage, `--skip: there is no ${name} among ${Object.keys(kinds).join(', ')}.`);
}
if (!(Number(values.seconds) > 0)) refuse(usage, `--seconds is a number above 0, not ${values.seconds}.`);

const seconds = () => Number(process.hrtime.bigint() - startedAt) / 1e9;
const trace = values.trace ? (/** @type {string} */ what) => process.stdout.write(`${what}\n`) : undefined;
let run = 0;
let bad = 0;
const sums = { revisions: 0, crashes: 0, failures: 0, saved: 0 };
while (run < histories && seconds() < Number(values.seconds)) {
  /** @type {import('./simulate/lib/history.mjs').Plan} */
  const plan = { seed: seed + run, steps, engine, skip, lies: values.lies, times: values.times };
  const outcome = await runHistory(plan, clock, trace);
  run++;
  sums.revisions += outcome.revisions;
  sums.crashes += outcome.crashes;
  sums.saved += outcome.saved;
  sums.failures += outcome.failures;
  if (values.digest) process.stdout.write(`digest ${plan.seed} ${outcome.digest}\n`);
  if (outcome.violation === undefined) continue;
  bad++;
  const { violation } = outcome;
  process.stdout.write(
    `FAULT seed ${plan.seed}, step ${outcome.steps}: ${violation instanceof Error ? violation.stack : JSON.stringify(violation)}\n`,
  );
  const alone = values.whole ? commandOf(plan) : shrink(plan, outcome.steps);
  // What breaks a law only after the histories before it is replayed with them.
  process.stdout.write(`replay: ${alone ?? commandOf({ ...plan, seed }, run)}\n`);
}
process.stderr.write(
  `${sums.revisions} revisions, ${sums.crashes} crashes, ${sums.failures} failed commits, ${sums.saved} openings from a saved index in ${seconds().toFixed(1)} s\n`,
);
process.stdout.write(`${run - bad} of ${run} histories hold\n`);
process.exitCode = bad === 0 ? 0 : 1;
