// @ts-check
// What floods do to a server and to those who use it meanwhile.
//   node tools/security/flood.mjs [--seconds 5] [--attack 'rapid reset']
//
// The server is `varve serve` in memory, in a process of its own; so is each attack. Beside it one client puts and reads, and its
// longest wait is printed, with the server's resident memory before, at its highest, and after. Ends with 1 when the server has ended, when
// a call of that client failed, when it waited longer than 500 ms, or when memory grew by more than 128 MiB in one attack (R99).
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { attacks } from './lib/attacks.mjs';
import { GoodClient } from './lib/good-client.mjs';
import { runAttack } from './lib/run-attack.mjs';
import { serve } from './lib/served.mjs';

const usage = `node tools/security/flood.mjs [--seconds 5] [--attack NAME]
  attacks a server of its own; prints how long a well-behaved client waited, and the server's memory`;
const LONGEST_MS = 500;
const MOST_BYTES = 128 * 1024 * 1024;
const LARGE_BYTES = 1_000_000;

const { flags } = flagsOf(usage, { seconds: { type: 'string', default: '5' }, attack: { type: 'string' } });
const seconds = wholeNumber(usage, 'seconds', flags.seconds, 1);
const { attack } = flags;
if (attack !== undefined && !Object.hasOwn(attacks, attack)) {
  refuse(usage, `--attack is one of ${Object.keys(attacks).join(', ')}, not ${attack}.`);
}

const megabytes = (/** @type {number} */ bytes) => (bytes / 1024 / 1024).toFixed(0);
const server = await serve();
const client = new GoodClient(server.address);
try {
  await client.putLarge(LARGE_BYTES);
  client.begin();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const alone = await client.end();
  process.stdout.write(
    `alone: ${alone.calls} calls, median ${alone.medianMs.toFixed(1)} ms, longest ${alone.longestMs.toFixed(0)} ms\n\n`,
  );
  process.stdout.write('| attack | times | calls | median ms | longest ms | failed | MiB before | most | after |\n');
  process.stdout.write(`| --- |${' ---: |'.repeat(8)}\n`);
  for (const name of attack === undefined ? Object.keys(attacks) : [attack]) {
    const found = await runAttack(name, server, client, seconds);
    const { count, calls, medianMs, longestMs, failures, before, most, after } = found;
    const cells = [name, count, calls, medianMs.toFixed(1), longestMs.toFixed(0), failures.length];
    process.stdout.write(`| ${[...cells, ...[before, most, after].map(megabytes)].join(' | ')} |\n`);
    const isBad = failures.length > 0 || longestMs > LONGEST_MS || most - before > MOST_BYTES || !server.isAlive();
    if (isBad) process.exitCode = 1;
    for (const failure of new Set(failures)) process.stderr.write(`${name}: ${failure}\n`);
  }
} finally {
  client.close();
  await server.close();
}
