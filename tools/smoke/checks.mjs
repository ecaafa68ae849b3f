// @ts-check
/**
 * What one runtime must be able to do with the installed packages: load every export both ways, walk through a store on
 * every engine both ways, run every README example as it stands, and answer `--help`.
 *
 * CEC1  Each check is one program in an empty folder with a limit of time, and one counted line.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLimited } from '../run/limited.mjs';

/** @typedef {import('../checks/lib/packing.mjs').Packed} Packed */
/** @typedef {import('../run/runtimes.mjs').Program} Program */
/** @typedef {import('../readme-examples/programs.mjs').Program} Example */
/** @typedef {{ name: string, problem: string | undefined }} Checked */

const limitMs = 180_000;
const engines = ['memory', 'file', 'folder', 'level'];
const sources = fileURLToPath(new URL('programs/', import.meta.url));

/**
 * @param {Program} runtime
 * @param {string} folder where the packages are installed
 * @param {readonly Packed[]} packed
 * @param {readonly Example[]} examples of the folder
 * @returns {AsyncGenerator<Checked>}
 */
export async function* checks(runtime, folder, packed, examples) {
  const programs = join(folder, 'programs');
  mkdirSync(programs, { recursive: true });
  for (const file of readdirSync(sources)) copyFileSync(join(sources, file), join(programs, file));

  /** @param {string} name @param {string} file @param {readonly string[]} args */
  const check = async (name, file, ...args) => {
    const cwd = mkdtempSync(join(folder, 'run-'));
    try {
      const ran = await runLimited(runtime, [file, ...args], { cwd, limitMs });
      return { name, ...ran, problem: ran.code === 0 ? undefined : describe(ran) };
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  };

  for (const { manifest } of packed) {
    for (const [ending, load] of /** @type {const} */ ([
      ['mjs', (/** @type {string} */ name) => `await import(${name});`],
      ['cjs', (/** @type {string} */ name) => `require(${name});`],
    ])) {
      const file = join(programs, `load-${manifest.name.replace(/\W+/g, '-')}.${ending}`);
      writeFileSync(file, exportsOf(manifest).map(load).join('\n'));
      yield await check(`${manifest.name}: ${ending === 'mjs' ? 'import' : 'require'}`, file);
    }
  }

  for (const engine of engines) {
    for (const ending of ['mjs', 'cjs']) {
      const name = `${engine}, ${ending === 'mjs' ? 'import' : 'require'}`;
      const ran = await check(name, join(programs, `store.${ending}`), engine);
      const steps = ran.stdout.match(/^ok .*$/gm) ?? [];
      // A program that ends in the middle with code 0 has not done what it should.
      const problem = ran.problem ?? (steps.at(-1) === 'ok close' ? undefined : `ended after: ${steps.join(', ')}`);
      yield { name: `${name}: ${steps.map((step) => step.slice(3)).join(' ')}`, problem };
    }
  }

  for (const { name, file, fence } of examples) if (fence.run) yield await check(name, file);

  for (const { manifest } of packed) {
    for (const [bin, path] of Object.entries(typeof manifest.bin === 'object' ? manifest.bin : {})) {
      const file = join(folder, 'node_modules', ...manifest.name.split('/'), path);
      const ran = await check(`${bin} --help`, file, '--help');
      yield { name: ran.name, problem: ran.problem ?? (ran.stdout.trim() === '' ? 'prints nothing' : undefined) };
    }
  }
}

/** @param {import('../run/root.mjs').Manifest} manifest the names to import, quoted */
function exportsOf(manifest) {
  return Object.keys(manifest.exports ?? {})
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => JSON.stringify(manifest.name + subpath.slice(1)));
}

/** @param {import('../run/limited.mjs').Ran} ran */
function describe({ code, signal, output }) {
  const how =
    signal === 'SIGKILL' ? `did not end within ${limitMs / 1000} s` : `ended with ${signal ?? `code ${code}`}`;
  return `${how}\n${output.trimEnd()}`;
}
