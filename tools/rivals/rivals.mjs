// @ts-check
/**
 * Pits writers against each other on one store, as if each lived in a container of its own, with and without flock(1).
 *
 *   node tools/rivals/rivals.mjs [--rounds 200] [--engine file|level|log] [--from 0]
 *
 * Every fourth round begins a new store. The last line is `N of M rounds hold`, and says how often the store changed hands, how
 * many writes were acknowledged and how many holders were killed; the exit code is 1 when a round does not hold. What is
 * wrong is printed with its round, and its folder stays.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { playRound, whyNotIsolated } from './lib/round.mjs';

const usage = `node tools/rivals/rivals.mjs [--rounds 200] [--engine file|level|log] [--from 0]
  pits writers against each other on one store; ends with 1 when a round does not hold`;
const roundsPerStore = 4;
const { flags } = flagsOf(usage, {
  rounds: { type: 'string', default: '200' },
  engine: { type: 'string', default: 'file' },
  from: { type: 'string', default: '0' },
});
const rounds = wholeNumber(usage, 'rounds', flags.rounds, 1);
const from = wholeNumber(usage, 'from', flags.from, 0);
const { engine } = flags;
if (engine !== 'file' && engine !== 'level' && engine !== 'log')
  refuse(usage, `--engine is file, level or log, not ${engine}.`);

const why = whyNotIsolated();
if (why !== undefined) console.log(`not isolated, plain processes: ${why}`);
let held = 0;
let turns = 0;
let acknowledged = 0;
let deaths = 0;
for (let first = from; first < from + rounds; first += roundsPerStore) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-rivals-'));
  let before = { turns: 0, acknowledged: 0 };
  let isGood = true;
  for (let round = first; round < Math.min(first + roundsPerStore, from + rounds); round += 1) {
    const outcome = await playRound({ engine, folder, round, isolate: why === undefined });
    for (const problem of outcome.problems) console.log(`round ${round}: ${problem} (${folder})`);
    if (outcome.problems.length === 0) held += 1;
    else isGood = false;
    turns += outcome.turns - before.turns;
    acknowledged += outcome.acknowledged - before.acknowledged;
    deaths += outcome.deaths;
    before = outcome;
  }
  if (isGood) rmSync(folder, { recursive: true, force: true });
}
const details = `${turns} times held, ${acknowledged} writes acknowledged, ${deaths} holders killed`;
console.log(`${engine}, ${why === undefined ? 'isolated' : 'not isolated'}: ${details}`);
console.log(`${held} of ${rounds} rounds hold`);
process.exitCode = held === rounds ? 0 : 1;
