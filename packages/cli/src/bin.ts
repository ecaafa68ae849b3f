#!/usr/bin/env node
/** The program `varve`: standard streams, signals and the exit code around `run`. */
import process from 'node:process';
import { run } from './cli.ts';

// A closed pipe behind us must not end the program with a stack.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
let asked = 0;
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // What was acknowledged is durable: who asks twice is not made to wait (R92).
    if (++asked > 1) process.exit(130);
    stop.abort();
  });
}
void run(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  signal: stop.signal,
}).then((code) => {
  process.exitCode = code;
});
