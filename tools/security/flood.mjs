// @ts-check
// What floods do to a server and to those who use it meanwhile.
//   node tools/security/flood.mjs [--seconds 5] [--rounds 3] [--attack 'rapid reset'] [--engine log]
//
// The server is `varve serve`, in memory unless it is told otherwise, in a process of its own; so is each attack. Beside it one client puts and reads, and how
// long it waited is printed, with the server's resident memory before, at its highest, and after. Where passwords are guessed, rounds alone, beside as
// many reads, and beside the attack take turns: a machine that is busy with other things is so for all, and a server that has no time left is
// as slow for any call. Ends with 1 when the server has ended, when a call of that client failed, when it waited longer than 500 ms, when
// memory grew by more than 128 MiB in one attack (R99), or when beside guessed passwords it waited more than twice as long as alone and as beside
// reads, by the medians of the rounds (R113).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { attacks, loginAttacks } from './lib/attacks.mjs';
import { GoodClient } from './lib/good-client.mjs';
import { runAttack } from './lib/run-attack.mjs';
import { serve } from './lib/served.mjs';

const usage = `node tools/security/flood.mjs [--seconds 5] [--rounds 3] [--attack NAME] [--engine memory|log|level|file]
  attacks a server of its own; prints how long a well-behaved client waited, and the server's memory`;
const LONGEST_MS = 500;
const MOST_BYTES = 128 * 1024 * 1024;
const LARGE_BYTES = 1_000_000;
const TIMES = 2;

const { flags } = flagsOf(usage, {
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '3' },
  attack: { type: 'string' },
  engine: { type: 'string', default: 'memory' },
});
const seconds = wholeNumber(usage, 'seconds', flags.seconds, 1);
const rounds = wholeNumber(usage, 'rounds', flags.rounds, 1);
const { attack, engine } = flags;
// What needs users comes last: from then on the server asks who calls.
const names = [...Object.keys(attacks), ...Object.keys(loginAttacks)];
if (attack !== undefined && !names.includes(attack)) {
  refuse(usage, `--attack is one of ${names.join(', ')}, not ${attack}.`);
}

const megabytes = (/** @type {number} */ bytes) => (bytes / 1024 / 1024).toFixed(0);
const middle = (/** @type {readonly number[]} */ all) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;
const folder = engine === 'memory' ? undefined : mkdtempSync(join(tmpdir(), 'flood-'));
const server = await serve(['--engine', engine, ...(folder === undefined ? [] : ['--data', folder])]);
const client = new GoodClient(server.address);
try {
  await client.putLarge(LARGE_BYTES);
  await measureAlone();
  process.stdout.write('\n');
  process.stdout.write(
    '| attack | times | calls | median ms | p99 ms | longest ms | failed | MiB before | most | after |\n',
  );
  process.stdout.write(`| --- |${' ---: |'.repeat(9)}\n`);
  for (const name of attack === undefined ? names : [attack]) {
    if (Object.hasOwn(loginAttacks, name)) await againstLogins(name);
    else {
      const { longestMs } = await under(name);
      if (longestMs > LONGEST_MS) process.exitCode = 1;
    }
  }
} finally {
  client.close();
  await server.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
}

/** @param {string} name */
async function againstLogins(name) {
  await client.enableAuth();
  /** @type {Record<string, number[]>} */
  const medians = { alone: [], reads: [], guesses: [] };
  for (let round = 0; round < rounds; round++) {
    medians.alone?.push((await measureAlone()).medianMs);
    medians.reads?.push((await under('as many reads')).medianMs);
    medians.guesses?.push((await under(name)).medianMs);
  }
  const [alone = 0, reads = 0, guesses = 0] = Object.values(medians).map(middle);
  const times = (/** @type {number} */ ms) => `${(guesses / ms).toFixed(2)} times that`;
  process.stdout.write(
    `${name}: median ${guesses.toFixed(2)} ms; alone ${alone.toFixed(2)} ms, ${times(alone)}; ` +
      `beside as many reads ${reads.toFixed(2)} ms, ${times(reads)}\n`,
  );
  if (guesses > TIMES * Math.max(alone, reads)) process.exitCode = 1;
}

/** One attack, as a line of the table. @param {string} name */
async function under(name) {
  const found = await runAttack(name, server, client, seconds);
  const { count, calls, medianMs, slowMs, longestMs, failures, before, most, after } = found;
  const times = [medianMs.toFixed(1), slowMs.toFixed(1), longestMs.toFixed(0)];
  const cells = [name, count, calls, ...times, failures.length, ...[before, most, after].map(megabytes)];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
  if (failures.length > 0 || most - before > MOST_BYTES || !server.isAlive()) process.exitCode = 1;
  for (const failure of new Set(failures)) process.stderr.write(`${name}: ${failure}\n`);
  return found;
}

async function measureAlone() {
  client.begin();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const found = await client.end();
  const { calls, medianMs, slowMs, longestMs } = found;
  process.stdout.write(
    `alone: ${calls} calls, median ${medianMs.toFixed(1)} ms, p99 ${slowMs.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms\n`,
  );
  return found;
}
