// @ts-check
/**
 * Writes transactions to a store, and says of each what it is about to do and how it ended.
 *
 *   node tools/crash/workload.mjs [--engine file|level|log] [--durability commit|interval] [--via kv|server] DIRECTORY
 *
 * Environment: FAULT_SEED (same seed, same transactions), FAULT_SEQ (first number), FAULT_OPS (how many; else until it is
 * killed), FAULT_GROW=1 (only new keys). Lines on standard output:
 *
 *   ready                                  the store is open
 *   try SEQ KEY HASH [KEY HASH ...]        before the call; one atomic transaction; HASH is - for a delete
 *   ack SEQ KEY HASH [KEY HASH ...] rev=N  it is durable
 *   fail SEQ CODE                          rejected, may have happened
 *   refused SEQ CODE                       rejected, certainly did not
 *   error CODE text                        fatal; the exit code is 1, or 2 for wrong arguments
 *   done                                   closed cleanly
 *
 * With `--via server` the store is behind `varve serve`, in the same process, and called over gRPC.
 *
 * How and why it ended stands in the file `ended` of DIRECTORY, unless it was killed.
 */
import { mkdirSync } from 'node:fs';
import { withoutHelp } from '../run/flags.mjs';
import { numberOf, parseArguments, UsageError } from './lib/arguments.mjs';
import { Ending } from './lib/ending.mjs';
import { say, sayError } from './lib/lines.mjs';
import { targetOf } from './lib/target.mjs';
import { Upkeep } from './lib/upkeep.mjs';
import { Writer } from './lib/writer.mjs';

const usage = `node tools/crash/workload.mjs [--engine file|level|log] [--durability commit|interval] [--via kv|server] DIRECTORY
  writes transactions until it is killed, and says of each how it ended (environment: FAULT_SEED, FAULT_SEQ, FAULT_OPS, FAULT_GROW)`;

const args = withoutHelp(usage);
const ending = new Ending();
try {
  const options = parseArguments(args);
  const { directory } = options;
  if (directory === undefined) throw new UsageError('which folder?');
  const plan = {
    seed: numberOf('FAULT_SEED', 1),
    first: numberOf('FAULT_SEQ', 1),
    ops: numberOf('FAULT_OPS', Number.MAX_SAFE_INTEGER),
    grow: process.env['FAULT_GROW'] === '1',
  };
  mkdirSync(directory, { recursive: true });
  ending.keepIn(directory);
  const target = await targetOf({ ...options, directory });
  say('ready');
  const upkeep = new Upkeep(target, directory);
  try {
    await new Writer(target, (seq, revision) => upkeep.after(seq, revision)).run(plan);
  } finally {
    await upkeep.ended();
    await target.close();
  }
  say('done');
} catch (error) {
  ending.because(error);
  sayError(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
