/**
 * The command line and the environment, as etcd reads them: `--flag value`, `--flag=value`, `-flag`, and ETCD_FLAG.
 *
 * ERF1  As Go's package flag: one dash or two, a switch takes its value only after `=`, the last one counts, `--` and the first word
 *     without a dash end the flags, and something behind them is an error.
 * ERF2  A variable that a flag shadows is an error, as etcd's: nobody knows which one was meant.
 *
 * ERF3  With a file, only the file counts.
 *
 * etcd: pkg/flags/flag.go; Go: src/flag/flag.go.
 */
import { durationMs } from '../duration.ts';
import { UsageError } from '../failures.ts';
import { readNamed } from '../serve-options.ts';
import { asFlag, readConfigFile } from './config-file.ts';
import type { FlagKind } from './flag.ts';
import { flags, ignoredFlags, type Values } from './flags.ts';
import { renamed } from './newer-flags.ts';

export interface Given {
  readonly values: Values;
  /** Those that somebody gave. */
  readonly set: ReadonlySet<string>;
  /** For the log. */
  readonly remarks: readonly string[];
  readonly help: boolean;
  /** Whether a file was read, and nothing else. */
  readonly isFromFile: boolean;
}

/** @throws UsageError */
export function readFlags(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Given {
  const given = new Map<string, string>();
  const remarks: string[] = [];
  let help = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg);
    if (match === null) {
      const rest = arg === '--' ? args[at + 1] : arg;
      if (rest === undefined) break;
      throw new UsageError(/^-.*=|^---/.test(rest) ? `bad flag syntax: ${rest}` : `'${rest}' is not a valid flag`);
    }
    const name = renamed.get(match[1]!) ?? match[1]!;
    let value = match[2];
    if (name === 'help' || name === 'h') help = true;
    else if (ignoredFlags.has(name)) remarks.push(`flag "-${name}" is no longer supported - ignoring.`);
    else {
      const flag = flags.get(name);
      if (flag === undefined) throw new UsageError(`flag provided but not defined: -${name}`);
      if (value === undefined) value = flag.kind === 'switch' ? 'true' : args[++at];
      if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
      given.set(name, checked(flag.kind, value, `flag -${name}`));
    }
  }
  const path = given.get('config-file') ?? environment['ETCD_CONFIG_FILE'] ?? '';
  const isFromFile = path !== '' && !help && given.get('version') !== 'true';
  if (isFromFile) fromFile(path, given, remarks);
  else fromEnvironment(environment, given, remarks);
  const set = new Set(given.keys());
  for (const [name, { initial }] of flags) {
    if (!given.has(name)) given.set(name, initial);
  }
  return { values: Object.fromEntries(given) as Values, set, remarks, help, isFromFile };
}

function fromFile(path: string, given: Map<string, string>, remarks: string[]): void {
  given.clear();
  const others = 'other flags and environment variables are ignored';
  remarks.push(`Loading server configuration from ${JSON.stringify(path)}: ${others}`);
  try {
    for (const { name: written, value, where, inSection } of readConfigFile(String(readNamed('--config-file', path)))) {
      const name = renamed.get(written) ?? written;
      const flag = flags.get(name);
      if (flag !== undefined && name !== 'config-file' && name !== 'version') {
        if (value !== '') given.set(name, checked(flag.kind, asFlag(flag.kind, value), where));
      } else if (inSection) throw new UsageError(`${where}: there is no ${written} in this section`);
      else remarks.push(`${where} of the configuration: there is no flag ${written}`);
    }
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`--config-file ${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function fromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  given: Map<string, string>,
  remarks: string[],
): void {
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('ETCD_') || variable === 'ETCD_UNSUPPORTED_ARCH' || value === undefined) continue;
    const written = variable.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-');
    const name = renamed.get(written) ?? written;
    const flag = flags.get(name);
    if (flag === undefined) remarks.push(`unrecognized environment variable ${variable}`);
    else if (given.has(name)) {
      throw new UsageError(`${variable} and --${name} are both given: unset the variable, or leave the flag out`);
    } else if (value !== '') {
      given.set(name, checked(flag.kind, value, variable));
      remarks.push(`recognized and used environment variable ${variable}`);
    }
  }
}

/** @returns the value @throws UsageError when it is not of the flag's kind */
function checked(kind: FlagKind, value: string, where: string): string {
  const wrong = (what: string): UsageError => new UsageError(`invalid value "${value}" for ${where}: ${what}`);
  if (kind === 'switch') {
    const truth = truthOf(value);
    if (truth === undefined) throw wrong('true or false');
    return String(truth);
  }
  if (kind === 'number' && !/^-?\d{1,15}$/.test(value)) throw wrong('a whole number');
  if (kind === 'duration' && durationMs(value) === undefined) throw wrong('a duration, such as 10s or 1h30m');
  return value;
}

/** As Go's strconv.ParseBool. */
function truthOf(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
