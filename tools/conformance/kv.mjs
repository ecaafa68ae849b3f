// @ts-check
// Runs the suite for every `Kv` on one kind of store: a line for each scenario that fails, and `N of M hold` at the end.
import { kvConformance } from '@varve/api/conformance';
import { parseArgs } from 'node:util';
import { targets } from './lib/kv-targets.mjs';

const names = Object.keys(targets);
const usage = `node tools/conformance/kv.mjs --target ${names.join('|')} [--endpoint HOST:PORT]\n`;
/** A scenario that takes so long waits for what never comes. */
const longestMs = 60_000;

const { target, endpoint } = options();
const make = Object.hasOwn(targets, target) ? targets[target] : undefined;
if (make === undefined) refuse(`there is no target ${JSON.stringify(target)}`);
if (endpoint !== undefined)
  refuse(`--endpoint is for targets that are reached over a network; ${target} runs in this process`);

const { open, reopen, end } = make();
/** @type {[string, () => Promise<void>][]} */
const scenarios = [];
kvConformance({ test: (name, body) => scenarios.push([name, body]), open, reopen });
let held = 0;
try {
  for (const [name, body] of scenarios) {
    const failure = await outcome(body);
    if (failure === undefined) held += 1;
    else process.stdout.write(`${name} -- ${failure}\n`);
  }
} finally {
  end();
}
process.stdout.write(`${held} of ${scenarios.length} hold\n`);
// What a failed scenario left open must not keep the process.
process.exit(held === scenarios.length ? 0 : 1);

/** @returns {{ target: string, endpoint: string | undefined }} */
function options() {
  try {
    const { values } = parseArgs({ options: { target: { type: 'string' }, endpoint: { type: 'string' } } });
    if (values.target !== undefined) return { target: values.target, endpoint: values.endpoint };
  } catch {
    // An option that there is not.
  }
  return refuse('say which target');
}

/** @param {string} message @returns {never} */
function refuse(message) {
  process.stderr.write(`${message}\n${usage}`);
  process.exit(2);
}

/**
 * What went wrong, in one line; `undefined` where nothing did.
 * @param {() => Promise<void>} body
 */
async function outcome(body) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${longestMs / 1000} seconds`)), longestMs);
  });
  try {
    await Promise.race([body(), late]);
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
  } finally {
    clearTimeout(timer);
  }
}
