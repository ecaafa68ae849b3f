// @ts-check
// Bundles for browsers, by the bundler that comes with the test runner: it is looked up from there.
import { createRequire } from 'node:module';

/**
 * One file of a bundle.
 * @typedef {{ readonly fileName: string, readonly code: string, readonly imports: readonly string[], readonly isEntry: boolean,
 *   readonly modules: Readonly<Record<string, { readonly renderedLength: number }>> }} Chunk
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

/**
 * The files that a page loads with the entry: the entry, and what is imported statically, however many files that is. What is imported when
 * it is first used is not among them.
 * @param {readonly Chunk[]} chunks
 * @returns {readonly Chunk[]}
 */
export function loadedAtOnce(chunks) {
  const loaded = new Set(chunks.filter(({ isEntry }) => isEntry));
  // A set that grows while it is walked is walked to its end.
  for (const { imports } of loaded) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk);
  }
  return [...loaded];
}

/**
 * Which part of these files came from which package, in hundredths, the largest first. By what the bundler has kept of it, before it is minified.
 * @param {readonly Chunk[]} chunks
 * @returns {[name: string, share: number][]}
 */
export function sharesOf(chunks) {
  /** @type {Map<string, number>} */
  const lengths = new Map();
  for (const [path, { renderedLength }] of chunks.flatMap(({ modules }) => Object.entries(modules))) {
    const name =
      /node_modules\/([^/@]+|@[^/]+\/[^/]+)\/(?!.*node_modules)/.exec(path)?.[1] ??
      /packages\/([^/]+)/.exec(path)?.[1] ??
      'bundler';
    lengths.set(name, (lengths.get(name) ?? 0) + renderedLength);
  }
  const whole = [...lengths.values()].reduce((sum, length) => sum + length, 0);
  return [...lengths]
    .map(([name, length]) => /** @type {[string, number]} */ ([name, Math.round((100 * length) / whole)]))
    .toSorted(([, a], [, b]) => b - a);
}
