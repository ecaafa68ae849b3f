// @ts-check
/**
 * Opens hostile stores, one after another, and says how each call ended. Its parent watches its time and its memory.
 *
 *   in   { kind, folder, path }
 *   out  { call } before each call, { ended: [{ call, outcome }], peak } after the last
 */
import process from 'node:process';
import { readFileSync, writeFileSync } from 'node:fs';
import { boltCalls } from './bolt-calls.mjs';
import { levelCalls } from './level-calls.mjs';
import { snapshotCalls } from './snapshot-calls.mjs';

/**
 * @typedef {{ kind: 'bolt' | 'snapshot' | 'level', folder: string, path: string }} Task
 * @typedef {{ call: string, outcome: string, ms: number }} Ended
 * @typedef {(path: string, folder: string) => Promise<string>} Call resolves with a word for the answer
 */

const coded = /^(?:BOLT|BACKEND|MVCC|WATCH|KV|INDEX)_[A-Z_]+$/;
/** @type {Readonly<Record<Task['kind'], Readonly<Record<string, Call>>>>} */
const calls = { bolt: boltCalls, snapshot: snapshotCalls, level: levelCalls };

/** A line of /proc/self/status, in bytes. @param {string} name */
function memory(name) {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}

/** @param {unknown} error */
function outcomeOf(error) {
  const { code } = /** @type {{ code?: unknown }} */ (error ?? {});
  if (typeof code === 'string' && coded.test(code)) return code;
  return `RAW ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error)}`;
}

process.on('message', async (/** @type {Task} */ { kind, folder, path }) => {
  globalThis.gc?.();
  writeFileSync('/proc/self/clear_refs', '5'); // the peak starts anew
  const before = memory('VmRSS');
  /** @type {Ended[]} */
  const ended = [];
  for (const [call, run] of Object.entries(calls[kind])) {
    globalThis.gc?.(); // what the call before has left is not this one's
    process.send?.({ call });
    const start = performance.now();
    let outcome;
    try {
      outcome = `answered: ${await run(path, folder)}`;
    } catch (error) {
      outcome = outcomeOf(error);
    }
    ended.push({ call, outcome, ms: performance.now() - start });
  }
  process.send?.({ ended, peak: memory('VmHWM') - before });
});
process.on('unhandledRejection', (error) => process.send?.({ stray: outcomeOf(error) }));
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
