/**
 * `varve-log`: look at a log store and check it. It opens for reading only, so it changes nothing.
 *
 * LGCL1  Every failure is one line on standard error and an exit code (R122). A closed output pipe ends the program quietly.
 * LGCL2  What a store or its name holds reaches the terminal as printable characters only.
 */
import type { Bucket } from '../../../contract/bucket.ts';
import { BackendError, type BackendErrorCode } from '../../../contract/errors.ts';
import { nodeWorld } from '@varve/base/node/world';
import { ASIDE_ENDING, isAside } from '../../aside-files.ts';
import { logFilesOf } from '../files/log-files.ts';
import type { LogEngine } from '../log-engine.ts';
import { openLog } from '../open/open-log.ts';

const USAGE = `usage: varve-log COMMAND FOLDER
  check FOLDER   reads every byte
  dump FOLDER    all rows, as lines of JSON: bucket, key and value in base64
  stats FOLDER   files, buckets, and how much of them lives
exit codes: 0 good, 2 wrong usage, 3 locked, 4 no such folder, or no log store, 5 damaged, 6 another version, 1 anything else
`;
const OTHER = 1;
const WRONG_USAGE = 2;
const INTERRUPTED_PIPE = 141;
const EXIT_CODES: Readonly<Partial<Record<BackendErrorCode, number>>> = {
  BACKEND_LOCKED: 3,
  BACKEND_NOT_FOUND: 4,
  BACKEND_FOREIGN: 4,
  BACKEND_CORRUPT: 5,
  BACKEND_VERSION: 6,
};

/** Where the program's text goes. */
export interface Output {
  /** Resolves when more may be written. */
  out(text: string): Promise<void>;
  error(text: string): void;
}

/** Runs one command; resolves with the exit code. */
export async function run(args: readonly string[], output: Output): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    await output.out(USAGE);
    return 0;
  }
  const [command = '', folder = ''] = args;
  const work = commands.get(command);
  if (work === undefined || folder === '' || args.length > 2 || folder.startsWith('-')) {
    output.error(`varve-log: ${printable(wrongIn(args))}\n${USAGE}`);
    return WRONG_USAGE;
  }
  try {
    const settings = { create: false, readOnly: true, verify: command === 'check', segmentBytes: 64 << 20 };
    const files = logFilesOf(nodeWorld);
    const engine = await openLog(files, folder, settings);
    try {
      for (const warning of engine.warnings) output.error(`varve-log: ${printable(warning)}\n`);
      await work(engine, output);
      if (command !== 'dump') await asides(engine, await files.names(folder), output);
    } finally {
      await engine.close();
    }
    return 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return INTERRUPTED_PIPE;
    output.error(`varve-log: ${printable(error instanceof Error ? error.message : String(error))}\n`);
    return (error instanceof BackendError ? EXIT_CODES[error.code] : undefined) ?? OTHER;
  }
}

/** Why arguments cannot be meant, in a sentence. */
function wrongIn([command, ...more]: readonly string[]): string {
  if (command === undefined) return 'a command is missing';
  if (!commands.has(command)) return `${command}: there is no such command`;
  const option = more.find((arg) => arg.startsWith('-'));
  return `${command} takes one folder${option === undefined ? '' : `, and there is no option '${option}'`}`;
}

const commands: ReadonlyMap<string, (engine: LogEngine, output: Output) => Promise<void>> = new Map([
  ['check', check],
  ['dump', dump],
  ['stats', stats],
]);

async function check(engine: LogEngine, output: Output): Promise<void> {
  let rows = 0;
  for (const bucket of bucketsOf(engine)) for await (const chunk of engine.scan(bucket)) rows += chunk.length;
  const { commit, files } = engine.stats();
  await output.out(`${rows} rows in ${files.length} files, up to commit ${commit}: all of it is whole\n`);
}

async function dump(engine: LogEngine, output: Output): Promise<void> {
  for (const bucket of bucketsOf(engine)) {
    for await (const chunk of engine.scan(bucket)) {
      const lines = chunk.map(({ key, value }) =>
        JSON.stringify({ bucket: printable(bucket.name), key: base64(key), value: base64(value) }),
      );
      await output.out(`${lines.join('\n')}\n`);
    }
  }
}

async function stats(engine: LogEngine, output: Output): Promise<void> {
  const { commit, files, buckets } = engine.stats();
  const lines = [`commit ${commit}, ${engine.size} bytes, ${engine.sizeInUse} in use`];
  for (const { name, bytes, liveBytes } of files) lines.push(`file ${name}: ${bytes} bytes, ${liveBytes} live`);
  for (const { name, number, appendOnly, rows } of buckets) {
    lines.push(`bucket ${printable(name)}: number ${number}, ${appendOnly ? 'append-only' : 'resident'}, ${rows} rows`);
  }
  await output.out(`${lines.join('\n')}\n`);
}

/** Files beside the store are read, and not looked into: who keeps them there can make them anew. */
async function asides(engine: LogEngine, names: readonly string[], output: Output): Promise<void> {
  for (const name of names.filter(isAside)) {
    let bytes = 0;
    for await (const piece of engine.aside.read(name.slice(0, -ASIDE_ENDING.length))) bytes += piece.length;
    await output.out(`beside it ${name}: ${bytes} bytes\n`);
  }
}

function bucketsOf(engine: LogEngine): Bucket[] {
  return engine.buckets().map((name) => ({ id: 0, name, appendOnly: false }));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
