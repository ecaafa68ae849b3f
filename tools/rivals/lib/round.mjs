// @ts-check
/**
 * One round: some contenders at nearly the same time, then a look at what they left.
 *
 * RN1  Each is alone in its own PID, network and mount namespace with a temporary folder of its own, as in a container that
 *     shares nothing with the others but the store; or, where that is not possible, a plain process.
 * RN2  Every second one finds no program at all on its PATH, flock(1) included; which ones changes from round to round.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { file, level, log as logAt, open } from '@varve/kv';
import { randomOf } from '../../run/random.mjs';
import { overlaps, readStory } from './story.mjs';

const contender = fileURLToPath(new URL('../contender.mjs', import.meta.url));
const namespaces = ['--pid', '--net', '--mount', '--fork', '--kill-child', '--mount-proc'];
const shell = whereIs('sh');
const unshare = whereIs('unshare');

/** @typedef {'file' | 'level' | 'log'} EngineName */
/** @typedef {{ problems: string[], turns: number, acknowledged: number, deaths: number }} Outcome */

/** Whether this process may make namespaces, and if not, why. @returns {string | undefined} */
export function whyNotIsolated() {
  const { status, error, stderr } = spawnSync(unshare, [...namespaces, shell, '-c', 'exit 0'], { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/**
 * @param {{ engine: EngineName, folder: string, round: number, isolate: boolean }} options folder: of this store; one store
 *   may see several rounds
 * @returns {Promise<Outcome>}
 */
export async function playRound({ engine, folder, round, isolate }) {
  const random = randomOf(round * 7919 + (engine === 'file' ? 1 : 2));
  const store = join(folder, engine === 'file' ? 'store.db' : 'store');
  const log = join(folder, 'log');
  const count = 2 + (round % 4);
  const runs = Array.from({ length: count }, async (_, index) => {
    const death = random() < 0.4 ? 1 + Math.floor(random() * 2) : 0;
    const args = [engine, store, log, `r${round}c${index}`, '2', `${death}`, `${Math.floor(random() * 2 ** 31)}`];
    const home = join(folder, `home-${round}-${index}`);
    mkdirSync(home);
    const path = (index + round) % 2 === 0 ? (process.env['PATH'] ?? '') : home;
    return { death, ...(await run(args, { PATH: path, TMPDIR: home }, isolate)) };
  });
  const ended = await Promise.all(runs);
  const { turns, acknowledged } = readStory(readFileSync(log, 'utf8'));
  const problems = [
    ...overlaps(turns),
    ...ended.flatMap(({ code, complaint, death }) =>
      code === 0 || (death > 0 && code === 137) ? [] : [`${code}: ${complaint}`],
    ),
    ...(await missing(engine, store, acknowledged)),
  ];
  const deaths = ended.filter(({ code }) => code === 137).length;
  return { problems, turns: turns.length, acknowledged: acknowledged.size, deaths };
}

/**
 * @param {readonly string[]} args
 * @param {Record<string, string>} environment
 * @param {boolean} isolate
 * @returns {Promise<{ code: number, complaint: string }>} code 137: killed
 */
function run(args, environment, isolate) {
  // The shell stays, so that the contender is not number 1, which nobody in its namespace can kill, itself included.
  const inner = [shell, '-c', '"$@"; exit $?', 'sh', process.execPath, contender, ...args];
  const [program = '', ...rest] = isolate ? [unshare, ...namespaces, ...inner] : inner;
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      cwd: dirname(contender),
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
    child.on('error', (error) => resolve({ code: 127, complaint: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, complaint: complaint.trim() }));
  });
}

/**
 * Acknowledged rows that a fresh open does not show.
 * @param {EngineName} engine
 * @param {string} store
 * @param {ReadonlyMap<string, string>} acknowledged
 */
async function missing(engine, store, acknowledged) {
  const kv = await open({ file, level, log: logAt }[engine](store));
  try {
    /** @type {string[]} */
    const lost = [];
    for (const [key, value] of acknowledged) {
      const found = await kv.get(key);
      if (found?.value !== value)
        lost.push(`${key} was acknowledged and is ${found === undefined ? 'gone' : 'another'}`);
    }
    return lost;
  } finally {
    await kv.close();
  }
}

/** @param {string} program */
function whereIs(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim() || program;
}
