#!/usr/bin/env node
/** The program `varve-log`: standard streams and the exit code around `run`. */
import process from 'node:process';
import { run } from './cli.ts';

// A write to a closed pipe fails in its callback; the same error as an event must not end the program with a stack.
process.stdout.on('error', () => undefined);
void run(process.argv.slice(2), {
  out: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    }),
  error: (text) => process.stderr.write(text),
}).then((code) => {
  process.exitCode = code;
});
