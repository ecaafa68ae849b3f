/**
 * `varve-bolt`: look at a Bolt file, check it, make it small.
 *
 * CLI1  Every failure is one line on standard error and an exit code (R122); nothing but `compact` writes, and only its new file.
 * CLI2  A closed output pipe ends the program quietly.
 * CLI3  What a file or its name holds reaches the terminal as printable characters only, and large values in pieces.
 */
import { parseArgs } from 'node:util';
import { nodeWorld } from '@varve/base/node/world';
import { chooseMeta } from '../open/choose-meta.ts';
import { BoltError } from '../errors.ts';
import type { BoltErrorCode } from '../errors.ts';
import { walkEntries } from './entry-walk.ts';
import { listing } from './listing.ts';
import { openBolt } from '../open/open-bolt.ts';
import { PageFile } from '../pages/page-file.ts';
import { piecesOf } from './pieces.ts';

const USAGE = `usage: varve-bolt COMMAND FILE
  check FILE             every rule of the format
  dump [--json] FILE     all buckets, keys and values; --json: a full listing
  stats FILE             counts of pages, keys and buckets
  compact FILE NEWFILE   a dense copy under a new name
exit codes: 0 good, 2 wrong usage, 3 locked, 4 no such file, or no Bolt file, 5 damaged, 6 another version, 1 anything else
`;
const MOST_INDENT = 32;
const CACHE_BYTES = 16 * 1024 * 1024;
const OTHER = 1;
const WRONG_USAGE = 2;
const NO_STORE = 4;
const DAMAGED = 5;
const INTERRUPTED_PIPE = 141;

const EXIT_CODES: Readonly<Partial<Record<BoltErrorCode, number>>> = {
  BOLT_LOCKED: 3,
  BOLT_NOT_FOUND: NO_STORE,
  BOLT_INVALID: NO_STORE,
  BOLT_CHECKSUM: DAMAGED,
  BOLT_TOO_SMALL: DAMAGED,
  BOLT_TRUNCATED: DAMAGED,
  BOLT_FREELIST: DAMAGED,
  BOLT_CORRUPT: DAMAGED,
  BOLT_VERSION: 6,
};

/** Where the program's text goes. */
export interface Output {
  /** Resolves when more may be written. */
  out(text: string): Promise<void>;
  error(text: string): void;
}

class UsageError extends Error {}

/** Runs one command; resolves with the exit code. */
export async function run(args: readonly string[], output: Output): Promise<number> {
  try {
    return await command(args, output);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return INTERRUPTED_PIPE;
    if (error instanceof UsageError) {
      output.error(`varve-bolt: ${printable(error.message)}\n${USAGE}`);
      return WRONG_USAGE;
    }
    output.error(`varve-bolt: ${printable(error instanceof Error ? error.message : String(error))}\n`);
    return error instanceof BoltError ? (EXIT_CODES[error.code] ?? OTHER) : OTHER;
  }
}

async function command(args: readonly string[], output: Output): Promise<number> {
  const { json, help, positionals } = parse(args);
  if (help) {
    await output.out(USAGE);
    return 0;
  }
  const [name, file, target, ...more] = positionals;
  const commands = ['check', 'dump', 'stats', 'compact'];
  if (name === undefined) throw new UsageError('a command is missing');
  if (!commands.includes(name)) throw new UsageError(`${name}: there is no such command`);
  if (file === '' || target === '') throw new UsageError('a file has no name');
  if (file === undefined || more.length > 0 || (target !== undefined) !== (name === 'compact'))
    throw new UsageError(
      name === 'compact' ? 'compact takes a file and the name of a new one' : `${name} takes one file`,
    );
  if (json && name !== 'dump') throw new UsageError('--json is for dump');
  if (name === 'check') return check(file, output);
  if (name === 'dump') return dump(file, json, output);
  if (name === 'stats') return stats(file, output);
  return compact(file, target as string, output);
}

function parse(args: readonly string[]): { json: boolean; help: boolean; positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    });
    return { json: values.json, help: values.help, positionals };
  } catch (error) {
    // The first sentence says what is wrong; the rest is how `parseArgs` may be told otherwise.
    throw new UsageError((error as Error).message.split(/\. |\n/)[0]);
  }
}

async function check(file: string, output: Output): Promise<number> {
  const bolt = await openBolt(file, { readOnly: true, cacheBytes: CACHE_BYTES });
  try {
    const { problems, unlisted, remarks } = await bolt.check();
    const place = (page: number | undefined): string => (page === undefined ? '' : `page ${page}: `);
    for (const { page, message } of remarks) await output.out(`remark: ${place(page)}${message}\n`);
    for (const { rule, page, message } of problems) await output.out(`${rule} ${place(page)}${message}\n`);
    if (unlisted > 0) await output.out(`and ${unlisted} more\n`);
    await output.out(problems.length === 0 ? 'OK\n' : `${problems.length + unlisted} problems\n`);
    return problems.length === 0 ? 0 : DAMAGED;
  } finally {
    await bolt.close();
  }
}

async function stats(file: string, output: Output): Promise<number> {
  const bolt = await openBolt(file, { readOnly: true, cacheBytes: CACHE_BYTES });
  try {
    await output.out(`${JSON.stringify(await bolt.stats(), undefined, 1)}\n`);
    return 0;
  } finally {
    await bolt.close();
  }
}

async function compact(file: string, target: string, output: Output): Promise<number> {
  const bolt = await openBolt(file, { readOnly: true, cacheBytes: CACHE_BYTES });
  try {
    const { sizeBefore, sizeAfter } = await bolt.copyTo(target);
    await output.out(`${sizeBefore} -> ${sizeAfter} bytes\n`);
    return 0;
  } finally {
    await bolt.close();
  }
}

async function dump(path: string, json: boolean, output: Output): Promise<number> {
  // The handle finds the file good and holds the lock; the raw pages are read beside it.
  const bolt = await openBolt(path, { readOnly: true, cacheBytes: 0 });
  try {
    const file = await nodeWorld.files.open(bolt.path, 'read');
    try {
      const chosen = chooseMeta(file, path);
      const pages = new PageFile(file, chosen.active.pageSize, CACHE_BYTES);
      const text = json ? listing(pages, chosen, file.size()) : plainLines(pages, chosen.active);
      for (const piece of gathered(text)) await output.out(piece);
      return 0;
    } finally {
      await file.close();
    }
  } finally {
    await bolt.close();
  }
}

function* plainLines(...state: Parameters<typeof walkEntries>): IterableIterator<string> {
  for (const step of walkEntries(...state)) {
    if (step.kind === 'end') continue;
    yield indentOf(step.depth);
    yield* readable(step.key);
    if (step.kind === 'pair') {
      yield ' = ';
      yield* readable(step.value);
      yield '\n';
    } else yield `/ sequence ${step.tree.header.sequence}\n`;
  }
}

/** Deeper levels are numbered: a line of one byte must not take a thousand. */
function indentOf(depth: number): string {
  const indent = '  '.repeat(Math.min(depth, MOST_INDENT));
  return depth <= MOST_INDENT ? indent : `${indent}(level ${depth}) `;
}

/** Printable ASCII as it is in quotes, everything else in hexadecimal. */
function* readable(bytes: Buffer): IterableIterator<string> {
  const plain = isPlain(bytes);
  yield plain ? '"' : '0x';
  for (const piece of piecesOf(bytes))
    yield plain ? JSON.stringify(piece.toString('latin1')).slice(1, -1) : piece.toString('hex');
  if (plain) yield '"';
}

function isPlain(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte < 0x20 || byte > 0x7e) return false;
  return true;
}

/** File names can hold what a terminal obeys. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function* gathered(pieces: Iterable<string>): IterableIterator<string> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < 65_536) continue;
    yield text;
    text = '';
  }
  yield text;
}
