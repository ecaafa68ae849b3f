// @ts-check
// What floods do to a server and to those who use it meanwhile.
//   node tools/security/flood.mjs [--seconds 5] [--attack 'rapid reset'] [--engine log]
//
// The server is `varve serve`, in memory unless it is told otherwise, in a process of its own; so is each attack. Beside it one client puts and reads, and its
// longest wait is printed, with the server's resident memory before, at its highest, and after. Ends with 1 when the server has ended, when
// a call of that client failed, when it waited longer than 500 ms, when memory grew by more than 128 MiB in one attack (R99), or
// when beside guessed passwords it waited twice as long as alone, by the median (R113).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { attacks, loginAttacks } from './lib/attacks.mjs';
import { GoodClient } from './lib/good-client.mjs';
import { runAttack } from './lib/run-attack.mjs';
import { serve } from './lib/served.mjs';

const usage = `node tools/security/flood.mjs [--seconds 5] [--attack NAME] [--engine memory|log|level|file]
  attacks a server of its own; prints how long a well-behaved client waited, and the server's memory`;
const LONGEST_MS = 500;
const MOST_BYTES = 128 * 1024 * 1024;
const LARGE_BYTES = 1_000_000;

const { flags } = flagsOf(usage, {
  seconds: { type: 'string', default: '5' },
  attack: { type: 'string' },
  engine: { type: 'string', default: 'memory' },
});
const seconds = wholeNumber(usage, 'seconds', flags.seconds, 1);
const { attack, engine } = flags;
// What needs users comes last: from then on the server asks who calls.
const names = [...Object.keys(attacks), ...Object.keys(loginAttacks)];
if (attack !== undefined && !names.includes(attack)) {
  refuse(usage, `--attack is one of ${names.join(', ')}, not ${attack}.`);
}

const megabytes = (/** @type {number} */ bytes) => (bytes / 1024 / 1024).toFixed(0);
const folder = engine === 'memory' ? undefined : mkdtempSync(join(tmpdir(), 'flood-'));
const server = await serve(['--engine', engine, ...(folder === undefined ? [] : ['--data', folder])]);
const client = new GoodClient(server.address);
try {
  await client.putLarge(LARGE_BYTES);
  let alone = await measureAlone();
  process.stdout.write('\n');
  process.stdout.write('| attack | times | calls | median ms | longest ms | failed | MiB before | most | after |\n');
  process.stdout.write(`| --- |${' ---: |'.repeat(8)}\n`);
  for (const name of attack === undefined ? names : [attack]) {
    const isLogin = Object.hasOwn(loginAttacks, name);
    if (isLogin) {
      await client.enableAuth();
      alone = await measureAlone();
    }
    const found = await runAttack(name, server, client, seconds);
    const { count, calls, medianMs, longestMs, failures, before, most, after } = found;
    const cells = [name, count, calls, medianMs.toFixed(1), longestMs.toFixed(0), failures.length];
    process.stdout.write(`| ${[...cells, ...[before, most, after].map(megabytes)].join(' | ')} |\n`);
    const isSlow = isLogin ? medianMs > 2 * alone.medianMs : longestMs > LONGEST_MS;
    const isBad = isSlow || failures.length > 0 || most - before > MOST_BYTES || !server.isAlive();
    if (isBad) process.exitCode = 1;
    for (const failure of new Set(failures)) process.stderr.write(`${name}: ${failure}\n`);
  }
} finally {
  client.close();
  await server.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
}

async function measureAlone() {
  client.begin();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const found = await client.end();
  const { calls, medianMs, longestMs } = found;
  process.stdout.write(`alone: ${calls} calls, median ${medianMs.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms\n`);
  return found;
}
