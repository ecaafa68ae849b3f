#!/usr/bin/env node
/** The program `varve-etcd`: standard streams, signals and the exit code around `runEtcd`. */
import process from 'node:process';
import { runEtcd } from './run-etcd.ts';

process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
let ending: NodeJS.Signals | undefined;
const stop = new AbortController();
const names = { SIGTERM: 'terminated', SIGINT: 'interrupt' } as const;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // What was acknowledged is durable: who asks twice is not made to wait (R92).
    if (ending !== undefined) process.exit(130);
    ending = signal;
    stop.abort(names[signal]);
  });
}
void runEtcd(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  signal: stop.signal,
  environment: process.env,
}).then((code) => {
  process.exitCode = code;
  if (ending === undefined || code !== 0 || process.pid === 1) return;
  // As etcd ends: by the signal itself, so that who started it learns why.
  process.removeAllListeners(ending);
  process.kill(process.pid, ending);
});
