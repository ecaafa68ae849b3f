// @ts-check
/**
 * Gives one target inputs until its time is over, in batches of fast-check, and looks at what is left behind.
 *
 * RTG1  A rejection is a fault, and so is what was not awaited: it ends the batch, with the seed and path that make it again.
 * RTG2  Growth is what the heap and buffers hold after a collection, against what they held after the first batch.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';

/** @typedef {import('./target.mjs').Target} Target */

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {number} inputs
 * @property {ReadonlyMap<string, number>} outcomes
 * @property {readonly string[]} faults
 * @property {number} slowestMs
 * @property {number} grownBytes
 */

const BATCH = 200;

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collect = runInNewContext('gc');

/** Bytes that are held: what is given back by a finalizer is gone a turn after the collection. */
async function held() {
  for (let time = 0; time < 3; time++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** @param {Target} target @param {{ readonly untilMs: number, readonly seed: number, readonly most?: number }} bounds @returns {Promise<Outcome>} */
export async function runTarget(target, { untilMs, seed, most = Infinity }) {
  /** @type {Map<string, number>} */
  const outcomes = new Map();
  /** @type {string[]} */
  const faults = [];
  /** @type {string[]} */
  const strays = [];
  const onStray = (/** @type {unknown} */ error) =>
    void strays.push(error instanceof Error ? (error.stack ?? '') : String(error));
  process.on('uncaughtException', onStray);
  process.on('unhandledRejection', onStray);
  let [inputs, slowestMs, first] = [0, 0, 0];
  try {
    for (let batch = 0; inputs < most && (batch === 0 || performance.now() < untilMs) && faults.length < 5; batch++) {
      const property = fc.asyncProperty(target.inputs, async (input) => {
        const began = performance.now();
        const outcome = await target.run(input);
        slowestMs = Math.max(slowestMs, performance.now() - began);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        inputs++;
      });
      const details = await fc.check(property, { seed: seed + batch, numRuns: Math.min(BATCH, most) });
      if (details.failed) {
        const { errorInstance, counterexample, counterexamplePath } = details;
        const error = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
        faults.push(`seed ${seed + batch}, path ${counterexamplePath}: ${fc.stringify(counterexample)}\n${error}`);
      }
      await target.check?.();
      for (const stray of strays.splice(0)) faults.push(`seed ${seed + batch}, not awaited: ${stray}`);
      if (batch === 0) first = await held();
    }
  } finally {
    process.off('uncaughtException', onStray);
    process.off('unhandledRejection', onStray);
  }
  return { name: target.name, inputs, outcomes, faults, slowestMs, grownBytes: (await held()) - first };
}
