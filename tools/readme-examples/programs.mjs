// @ts-check
/**
 * From fences to programs: written to a folder in which the packages resolve, read by `tsc` as a user's program would be,
 * and run by plain `node` in an empty folder.
 *
 * PRG1  What runs is the text of the fence, not what a compiler makes of it: who copies it into a file has the same program.
 *     So a fence that runs is JavaScript, without types.
 * PRG2  It runs on the oldest Node we claim. `using`, which only newer ones know, is refused whatever Node runs this.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { runLimited } from '../run/limited.mjs';
import { root } from '../run/root.mjs';
import { run } from '../run/child.mjs';
import { helperFile, rewriteAssertions } from './assertions.mjs';

/** How long an example may take on a machine that does other work, too. It takes a second or two. */
const limitMs = 120_000;

/** @typedef {import('./fences.mjs').Fence} Fence */
/** @typedef {{ fence: Fence, name: string, file: string, problems: string[] }} Program problems: empty when it is JavaScript and compiles */

/**
 * Writes all fences, and has them checked in one run of the compiler.
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
    if (fence.run) problems.push(...notForOldNode(fence));
    writeFileSync(join(folder, `${base}.ts`), code);
    writeFileSync(join(folder, `${base}.js`), code);
    return { fence, name: `${fence.document}:${fence.line}`, base, file: join(folder, `${base}.js`), problems };
  });
  const config = {
    compilerOptions: {
      target: 'esnext',
      lib: ['es2023', 'esnext.disposable'],
      noEmit: true,
      module: 'nodenext',
      moduleDetection: 'force',
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
      strict: true,
      skipLibCheck: !checkLibraries,
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
 * What keeps a fence from being run as it stands by the oldest Node.
 * @param {Fence} fence
 * @returns {string[]}
 */
export function notForOldNode({ code, document }) {
  const { program, errors } = parseSync('fence.js', code, { sourceType: 'module', lang: 'js' });
  /** @param {number} offset */
  const at = (offset) => `${document}:${code.slice(0, offset).split('\n').length}`;
  if (errors.length > 0) {
    const offset = errors[0]?.labels[0]?.start ?? 0;
    return [`${at(offset)}: is not JavaScript (${errors[0]?.message}): leave types out, or mark the fence no-run`];
  }
  /** @type {string[]} */
  const problems = [];
  /** @param {any} node */
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (node.type === 'VariableDeclaration' && String(node.kind).endsWith('using'))
      problems.push(`${at(node.start)}: '${node.kind}' is a SyntaxError before Node 24: try/finally`);
    Object.values(node).forEach(visit);
  };
  visit(program);
  return problems;
}

/**
 * Gives each of the compiler's messages to the program it is about; one about something else goes to all. Declarations of others are not
 * ours to mend: unstorage's name dozens of packages that nobody has installed.
 * @param {string} output
 * @param {readonly { fence: Fence, base: string, problems: string[] }[]} programs
 */
function distribute(output, programs) {
  for (const message of output.trim().split(/\n(?!\s)/)) {
    const [, path = '', line] = /^(.*)\((\d+),\d+\): /.exec(message) ?? [];
    if (/node_modules\/(?!.*@varve\/)/.test(path)) continue;
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
    const { code, signal, output } = await runLimited({ command: process.execPath, args: [] }, [file], {
      cwd,
      limitMs,
    });
    if (code !== 0) throw new Error(`${name} ${ending(code, signal)}\n${output}`);
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
