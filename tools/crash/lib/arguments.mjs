// @ts-check
/** What both programs are started with: options, then the store's folder as the last argument. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { file, level, log } from '@varve/kv';

/** @typedef {{ engine: 'file' | 'level' | 'log', durability: 'commit' | 'interval', via: 'kv' | 'server', directory: string | undefined }} Arguments */

/** A wrong argument or variable. Both programs end with code 2 for it. */
export class UsageError extends Error {
  code = 'USAGE';
}

/**
 * @param {readonly string[]} argv without node and the program
 * @returns {Arguments}
 */
export function parseArguments(argv) {
  const { values, positionals } = parsed(argv);
  const { engine = 'level', durability = 'commit', via = 'kv' } = values;
  if (engine === 'memory') throw new UsageError('--engine memory keeps nothing, so there is nothing to verify');
  if (engine !== 'file' && engine !== 'level' && engine !== 'log') {
    throw new UsageError(`--engine is file, level or log, not ${engine}`);
  }
  if (durability !== 'commit' && durability !== 'interval') {
    throw new UsageError(`--durability is commit or interval, not ${durability}`);
  }
  if (via !== 'kv' && via !== 'server') throw new UsageError(`--via is kv or server, not ${via}`);
  if (via === 'server' && durability !== 'commit')
    throw new UsageError('--via server acknowledges what is durable only');
  if (positionals.length > 1) throw new UsageError('one folder, please');
  return { engine, durability, via, directory: positionals[0] };
}

/** @param {readonly string[]} argv */
function parsed(argv) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { engine: { type: 'string' }, durability: { type: 'string' }, via: { type: 'string' } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * A whole number of the environment.
 * @param {string} name
 * @param {number} otherwise
 */
export function numberOf(name, otherwise) {
  const text = process.env[name];
  if (text === undefined || text === '') return otherwise;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new UsageError(`${name} is a whole number, not ${text}`);
  return number;
}

/**
 * The store inside of the folder, so that whatever is made and renamed while it is created stays in the folder as well.
 * @param {Pick<Arguments, 'engine' | 'via'>} which
 * @param {string} directory
 * @param {boolean} create
 */
export function engineAt({ engine, via }, directory, create) {
  if (engine === 'file')
    return file(via === 'kv' ? join(directory, 'store.db') : join(directory, 'store', 'db'), { create });
  return (engine === 'log' ? log : level)(join(directory, 'store'), { create });
}
