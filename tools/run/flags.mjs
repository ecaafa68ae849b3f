// @ts-check
/**
 * The command line of a tool.
 *
 * FLG1  `--help` prints the usage, two or three lines, and ends with 0.
 * FLG2  What is wrong is told in one sentence, with the usage, on standard error, and ends with 2: before anything is done.
 */
import { parseArgs } from 'node:util';

/** @typedef {NonNullable<import('node:util').ParseArgsConfig['options']>} Options */

/**
 * The options that were given. `positionals` are refused unless the usage has some.
 * @template {Options} const O
 * @param {string} usage
 * @param {O} options as `parseArgs` wants them
 * @param {{ positionals?: boolean }} [more]
 */
export function flagsOf(usage, options, { positionals = false } = {}) {
  try {
    const found = parseArgs({ options, allowPositionals: positionals, args: withoutHelp(usage) });
    return { flags: found.values, positionals: found.positionals };
  } catch (error) {
    // The first sentence says what is wrong; the rest is how `parseArgs` may be told otherwise.
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    return refuse(usage, sentence.endsWith('.') ? sentence : `${sentence}.`);
  }
}

/**
 * Ends the program: what was given cannot be meant.
 * @param {string} usage
 * @param {string} sentence
 * @returns {never}
 */
export function refuse(usage, sentence) {
  process.stderr.write(`${sentence}\n${usage}\n`);
  process.exit(2);
}

/**
 * A whole number of at least `least`.
 * @param {string} usage
 * @param {string} name of the option
 * @param {string | undefined} text
 * @param {number} least
 */
export function wholeNumber(usage, name, text, least) {
  const number = Number(text);
  if (text === '' || !Number.isSafeInteger(number) || number < least) {
    refuse(usage, `--${name} is a whole number of at least ${least}, not ${text}.`);
  }
  return number;
}

/**
 * The arguments; or the end, with the usage, if help is asked for.
 * @param {string} usage
 */
export function withoutHelp(usage) {
  const args = process.argv.slice(2);
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own.includes('--help') || own.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  return args;
}
