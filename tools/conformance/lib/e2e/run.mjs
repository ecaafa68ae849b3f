// @ts-check
/** Runs etcd's end-to-end tests one by one, each in a process of its own: one that hangs takes no other with it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';

/** How long one test may take. Some have a limit of 60 s of their own, which is theirs to tell; one of those runs etcdctl 400 times. */
const testMs = 180_000;

/** @typedef {{ name: string, outcome: 'pass' | 'fail' | 'skip', output: string, ms: number }} Result */

/** @param {import('./build.mjs').Built} built @returns {string[]} */
export function testsIn({ program, folder }) {
  const { stdout } = spawnSync(program, ['-test.list', '.*'], { cwd: folder, encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.startsWith('Test'));
}

/** @param {import('./build.mjs').Built} built @param {string} name @returns {Promise<Result>} */
export async function runTest({ program, folder, bin, starts }, name) {
  const begin = performance.now();
  const args = ['-bin-dir', bin, '-cert-dir', '../../integration/fixtures', '-test.v', '-test.run', `^${name}$`];
  const child = spawn(program, [...args, `-test.timeout=${testMs}ms`], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, EXPECT_DEBUG: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', () => resolve(1));
  });
  endStarts(starts);
  const outcome = code !== 0 ? 'fail' : /^\s*--- SKIP/m.test(output) ? 'skip' : 'pass';
  return { name, outcome, output, ms: performance.now() - begin };
}

/** Ends what the test has started and left, by its id. @param {string} starts */
function endStarts(starts) {
  if (!existsSync(starts)) return;
  for (const line of readFileSync(starts, 'utf8').split('\n')) {
    const pid = Number(line);
    // An id may be somebody else's by now.
    if (pid > 0 && commandOf(pid).includes('bin-etcd.js')) process.kill(pid, 'SIGKILL');
  }
  rmSync(starts);
}

/** @param {number} pid */
function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
