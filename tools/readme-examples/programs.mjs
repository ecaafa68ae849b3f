// @ts-check
/**
 * From fences to programs: written to a folder in which the packages resolve, compiled by `tsc` as a user would compile
 * them, run by plain `node` in an empty folder.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { root } from '../workshop/root.mjs';
import { run } from '../workshop/child.mjs';
import { helperFile, rewriteAssertions } from './assertions.mjs';

/** How long an example may take. It is meant to be read in that time, too. */
const limitMs = 30_000;

/** @typedef {import('./fences.mjs').Fence} Fence */
/** @typedef {{ fence: Fence, name: string, file: string, problems: string[] }} Program file: the JavaScript; problems: the compiler's, empty when it compiles */

/**
 * Writes and compiles all fences, in one run of the compiler.
 * @param {readonly Fence[]} fences
 * @param {string} folder where the packages resolve
 * @param {{ checkLibraries?: boolean }} [options] checkLibraries: check the declarations of the packages, too
 * @returns {Promise<Program[]>}
 */
export async function compile(fences, folder, { checkLibraries = false } = {}) {
  mkdirSync(folder, { recursive: true });
  for (const file of [helperFile, helperFile.replace('.mjs', '.d.mts')]) {
    copyFileSync(fileURLToPath(new URL(file, import.meta.url)), join(folder, file));
  }
  const programs = fences.map((fence) => {
    const base = `${fence.document.replace(/\.md$/, '').replaceAll('/', '-')}-line-${fence.line}`;
    /** @type {string[]} */
    const problems = [];
    let code = fence.code;
    try {
      code = rewriteAssertions(fence.code, fence.document);
    } catch (error) {
      problems.push(/** @type {Error} */ (error).message);
    }
    writeFileSync(join(folder, `${base}.ts`), code);
    return { fence, name: `${fence.document}:${fence.line}`, base, file: join(folder, `${base}.js`), problems };
  });
  const config = {
    compilerOptions: {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      moduleDetection: 'force',
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
      strict: true,
      skipLibCheck: !checkLibraries,
      inlineSourceMap: true,
      inlineSources: true,
    },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config, undefined, 2));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run('node', [tsc, '-p', folder, '--pretty', 'false'], { quiet: true, cwd: folder });
  if (code !== 0) distribute(output, programs);
  return programs.map(({ fence, name, file, problems }) => ({ fence, name, file, problems }));
}

/**
 * Gives each of the compiler's messages to the program it is about; one about something else goes to all.
 * @param {string} output
 * @param {readonly { fence: Fence, base: string, problems: string[] }[]} programs
 */
function distribute(output, programs) {
  for (const message of output.trim().split(/\n(?!\s)/)) {
    const [, path = '', line] = /^(.*)\((\d+),\d+\): /.exec(message) ?? [];
    const owner = programs.find(({ base }) => basename(path) === `${base}.ts`);
    if (owner === undefined) for (const { problems } of programs) problems.push(message);
    else owner.problems.push(`${owner.fence.document}:${line}: ${message.replace(/^.*?: /, '')}`);
  }
}

/**
 * Runs one program to its end, in an empty folder. Rejects with what it printed when it fails or takes too long.
 * @param {Program} program
 * @returns {Promise<void>}
 */
export async function runProgram({ name, file }) {
  const cwd = mkdtempSync(join(tmpdir(), 'varve-example-'));
  try {
    await new Promise((resolve, reject) => {
      const { NODE_OPTIONS: _, ...env } = process.env;
      const child = spawn(process.execPath, ['--enable-source-maps', file], {
        cwd,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text) => (output += text));
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      child.on('error', reject);
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve(undefined);
        else reject(new Error(`${name} ${ending(code, signal)}\n${output}`));
      });
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** @param {number | null} code @param {NodeJS.Signals | null} signal */
function ending(code, signal) {
  if (signal === 'SIGKILL') return `did not end within ${limitMs / 1000} seconds`;
  if (code === 13) return 'awaits something that never comes';
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}
