// @ts-check
// Bundles for browsers, by the bundler that comes with the test runner: it is looked up from there.
import { createRequire } from 'node:module';

/**
 * One file of a bundle.
 * @typedef {{ readonly fileName: string, readonly code: string, readonly imports: readonly string[], readonly isEntry: boolean }} Chunk
 */

/**
 * The files of an entry and everything under it, minified; `problems` are what the bundler had to say.
 * @param {string} entry a path
 * @param {{ readonly oneFile?: boolean }} [options]
 * @returns {Promise<{ readonly chunks: readonly Chunk[], readonly problems: readonly string[] }>}
 */
export async function bundle(entry, { oneFile = false } = {}) {
  const vitest = createRequire(import.meta.url).resolve('vitest/package.json');
  const vite = createRequire(vitest).resolve('vite/package.json');
  const { rolldown } = await import(createRequire(vite).resolve('rolldown'));
  /** @type {string[]} */
  const problems = [];
  const built = await rolldown({
    input: entry,
    platform: 'browser',
    onLog: (/** @type {string} */ level, /** @type {{ message: string }} */ log) =>
      problems.push(`${level}: ${log.message}`),
  });
  const { output } = await built.generate({ format: 'es', minify: true, codeSplitting: !oneFile });
  await built.close();
  return { chunks: output, problems };
}
