/**
 * `varve`: what people run. So far: `varve serve`.
 *
 * VCLI1  Every failure is one line on standard error and an exit code, never a stack: 1 other, 2 usage, 3 locked, 4 nothing
 *     there, or no store, 5 damaged, 6 version (R122).
 */
import { createRequire } from 'node:module';
import { exitCodeOf, lineOf, UsageError } from './failures.ts';
import { readServeOptions } from './serve-options.ts';
import { serve } from './serve.ts';
import type { Environment } from './systemd.ts';

const USAGE = `usage: varve serve [options]    serves a store as an etcd does, until Ctrl-C or SIGTERM
       varve --version | --help
  --data DIR           where the store is, made when it is not there (./varve-data)
  --listen HOST:PORT   where clients find it; port 0: a free one (127.0.0.1:2379); or unix://PATH, unixs://PATH with TLS
  --engine NAME        log, level, file or memory (what the folder is; a new one: log)
  --cert FILE --key FILE   serve with TLS
  --client-ca FILE     with TLS: clients must show a certificate of this authority
  --auth-token SPEC    simple, or jwt,sign-method=RS256,priv-key=FILE,pub-key=FILE,ttl=5m (simple)
  --auth-token-ttl N   seconds that a simple token lives after its last use (300)
  --bcrypt-cost N      of passwords, 4 to 31 (10)
  --insecure           serve without TLS on an address that others can reach
  --cors ORIGINS       web pages that may call over HTTP, with commas between; *: all (none)
  --host-whitelist NAMES   hosts under which HTTP without TLS is answered; *: all (on 127.0.0.1: this machine)
exit codes: 0 good, 2 wrong usage, 3 locked, 4 no store, 5 damaged, 6 another version, 1 anything else
`;

const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };

/** The world of one run. */
export interface World {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Aborts when the program shall end. */
  readonly signal: AbortSignal;
  /** @default that of the process */
  readonly environment?: Environment | undefined;
}

/** Why the first word cannot be meant. */
function wrongIn(command: string | undefined): string {
  if (command === undefined) return 'a command is missing';
  if (command.startsWith('-')) return `${command}: the command comes first, as in varve serve ${command}`;
  return `${command}: there is no such command; the one there is so far is varve serve`;
}

/** Runs the command to its end; resolves with the exit code, and never rejects. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const [command, ...rest] = args;
  try {
    const isHelp = command === 'help' || args.some((arg) => arg === '--help' || arg === '-h');
    if (isHelp) {
      world.out(USAGE);
      return 0;
    }
    if (command === '--version') {
      world.out(`${version}\n`);
      return 0;
    }
    if (command === 'serve') {
      await serve(readServeOptions(rest), world);
      return 0;
    }
    throw new UsageError(wrongIn(command));
  } catch (error) {
    world.error(`varve: ${lineOf(error)}\n`);
    if (error instanceof UsageError) world.error(command === undefined ? USAGE : 'varve --help lists the options\n');
    return exitCodeOf(error);
  }
}
