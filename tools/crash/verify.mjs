// @ts-check
/**
 * Opens a store that the workload wrote, and says what is in it.
 *
 *   node tools/crash/verify.mjs [--engine file|level|log] [--via kv|server] [DIRECTORY]
 *
 *   KEY HASH         each live key, with the first 16 hex digits of the SHA-256 of its value
 *   rev N            the newest revision
 *   warn CODE text   something was repaired or dropped
 *   error CODE text  it cannot be opened or read; the exit code is 1, or 2 for wrong arguments
 *
 * Without a folder: reads folders from standard input, one a line, answers each and then prints `end`; nothing stays open
 * in between.
 */
import { createInterface } from 'node:readline';
import { bytes, open } from '@varve/kv';
import { withoutHelp } from '../run/flags.mjs';
import { engineAt, parseArguments, UsageError } from './lib/arguments.mjs';
import { say, sayError } from './lib/lines.mjs';
import { hashOf } from './lib/plan.mjs';

const usage = `node tools/crash/verify.mjs [--engine file|level|log] [--via kv|server] [DIRECTORY]
  opens stores that the workload wrote, and prints what is in them; without a folder, those that standard input names`;

/**
 * @param {Pick<import('./lib/arguments.mjs').Arguments, 'engine' | 'via'>} which
 * @param {string} directory
 */
async function show(which, directory) {
  const kv = await open(engineAt(which, directory, false), { value: bytes });
  try {
    for (const warning of kv.stats().warnings) say(`warn REPAIRED ${warning.replaceAll(/\s+/g, ' ')}`);
    for await (const { key, value } of kv.list({})) say(`${key} ${hashOf(value)}`);
    say(`rev ${kv.revision}`);
  } finally {
    await kv.close();
  }
}

try {
  const which = parseArguments(withoutHelp(usage));
  const { directory } = which;
  if (directory === undefined) {
    for await (const line of createInterface({ input: process.stdin })) {
      await show(which, line).catch(sayError);
      say('end');
    }
  } else {
    await show(which, directory);
  }
} catch (error) {
  sayError(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
