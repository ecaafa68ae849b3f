/**
 * The log in etcd's two forms, so that what reads etcd's logs reads these.
 *
 *     2026-01-02 03:04:05.678901 I | embed: ready to serve client requests                      capnslog
 *     {"level":"info","ts":"2026-01-02T03:04:05.678Z","caller":"varve","msg":"..."}             zap
 *
 * ELG1  Written at once, in the order of the calls.
 * ELG2  No keys, no values (R117).
 *
 * etcd: embed/config_logging.go, pkg/logutil.
 */
import { openSync, writeSync } from 'node:fs';
import { UsageError } from '../failures.ts';
import { wallMs } from './clock.ts';

export type Level = 'debug' | 'info' | 'notice' | 'warn' | 'error';
type Facts = Readonly<Record<string, unknown>>;

export interface EtcdLog {
  /** @param words of the line, as capnslog has it @param part of etcd that would say so */
  say(level: Level, part: string, words: string, facts?: Facts): void;
}

/** Where lines go that are for a standard stream. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

const weights: Readonly<Record<string, number>> = {
  ...{ debug: 0, info: 1, notice: 1, warn: 2, error: 3 },
  ...{ dpanic: 4, panic: 4, fatal: 4 },
};
const letters: Readonly<Record<Level, string>> = { debug: 'D', info: 'I', notice: 'N', warn: 'W', error: 'E' };

export interface LogOptions {
  readonly logger: string;
  readonly level: string;
  readonly outputs: readonly string[];
}

/** @throws UsageError */
export function openEtcdLog({ logger, level, outputs }: LogOptions, streams: Streams): EtcdLog {
  const least = weights[level];
  if (least === undefined || level === 'notice') {
    throw new UsageError(`--log-level ${level}: debug, info, warn, error, panic or fatal`);
  }
  if (logger !== 'capnslog' && logger !== 'zap') throw new UsageError(`--logger ${logger}: 'zap' or 'capnslog'`);
  if (logger === 'capnslog' && outputs.length !== 1) {
    throw new UsageError(`--log-outputs: --logger=capnslog supports only 1 value, got ${outputs.join(',')}`);
  }
  if (outputs.includes('default') && outputs.length > 1) {
    throw new UsageError(`--log-outputs: multi logoutput for "default" is not supported (given ${outputs.join(',')})`);
  }
  const sinks = outputs.map((output) => sinkOf(output, streams));
  const form = logger === 'zap' ? zapLine : capnslogLine;
  return {
    say(at, part, words, facts = {}) {
      if (weights[at]! < least) return;
      const line = form(at, part, words, facts);
      for (const sink of sinks) sink(line);
    },
  };
}

function sinkOf(output: string, { out, error }: Streams): (line: string) => void {
  if (output === 'default' || output === 'stderr' || output === '/dev/stderr') return error;
  if (output === 'stdout' || output === '/dev/stdout') return out;
  try {
    const file = openSync(output, 'a', 0o600);
    return (line) => void writeSync(file, line);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--log-outputs ${output}: cannot be written (${why})`, { cause });
  }
}

function capnslogLine(level: Level, part: string, words: string, facts: Facts): string {
  const now = new Date(wallMs()).toISOString().replace('T', ' ').replace('Z', '000');
  const rest = Object.entries(facts).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${now} ${letters[level]} | ${part}: ${words}${level === 'warn' || level === 'error' ? rest.join('') : ''}\n`;
}

function zapLine(level: Level, part: string, words: string, facts: Facts): string {
  const at = {
    level: level === 'notice' ? 'info' : level,
    ts: new Date(wallMs()).toISOString(),
    caller: `varve/${part}`,
  };
  return `${JSON.stringify({ ...at, msg: words, ...facts })}\n`;
}
