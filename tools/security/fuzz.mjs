// @ts-check
/**
 * Gives every decoder what means it harm: nothing may crash, every refusal has a type, nothing grows.
 *
 *   node tools/security/fuzz.mjs --minutes 10 [--seed 1] [--target json]
 *
 * A fault is printed with the seed that makes it again; the last line is the sum, and the exit code is 1 if there was one. Hostile stores with more thought
 * in them are made by `node tools/fuzz/hostile.mjs`.
 */
import process from 'node:process';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { runTarget } from './lib/run-target.mjs';
import { targets } from './lib/targets.mjs';

const names = Object.keys(targets).join('|');
const usage = `node tools/security/fuzz.mjs [--minutes 10] [--seed N] [--target ${names}]
  gives decoders and the server's port what means them harm; ends with 1 when one does not refuse it well`;

const { flags } = flagsOf(usage, {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  target: { type: 'string' },
});
const minutes = Number(flags.minutes);
if (!(minutes > 0)) refuse(usage, `--minutes is a number above 0, not ${flags.minutes}.`);
const seed = flags.seed === undefined ? Date.now() % 2 ** 31 : wholeNumber(usage, 'seed', flags.seed, 0);
const chosen = Object.entries(targets).filter(([name]) => flags.target === undefined || flags.target === name);
if (chosen.length === 0) refuse(usage, `--target is ${names}, not ${flags.target}.`);

let [inputs, faults] = [0, 0];
process.stdout.write(`seed ${seed}\n`);
const made = [];
for (const [, make] of chosen) made.push(await make());
const weights = made.reduce((sum, { weight }) => sum + weight, 0);
for (const target of made) {
  const share = (minutes * 60_000 * target.weight) / weights;
  const outcome = await runTarget(target, { untilMs: performance.now() + share, seed });
  await target.close();
  inputs += outcome.inputs;
  faults += outcome.faults.length;
  const counts = [...outcome.outcomes].toSorted((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`);
  const grown = (outcome.grownBytes / 2 ** 20).toFixed(1);
  process.stdout.write(
    `${outcome.name}: ${outcome.inputs} inputs (${counts.join(', ')}), slowest ${Math.round(outcome.slowestMs)} ms, grown ${grown} MiB\n`,
  );
  for (const fault of outcome.faults) process.stdout.write(`FAULT ${fault}\n`);
}
const { maxRSS } = process.resourceUsage();
process.stdout.write(`${inputs} inputs, ${faults} faults, at most ${Math.round(maxRSS / 1024)} MiB of memory\n`);
process.exitCode = faults === 0 ? 0 : 1;
