// @ts-check
/**
 * `varve serve` beside Debian's etcd: the same client, machine and disk, in turns.
 *
 * The client is the Go one of `go/beside.go`; servers and client share the processors. Each round starts every server anew in an empty
 * folder. Ratios are of medians; absolute figures say more about the machine than about the servers and are left out. Of the clock, a
 * server of many threads gets more of a busy machine than one of few: the CPU that a server spends on an operation is told, too.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hasProgram, startEtcd } from '../../conformance/lib/grpc/etcd.mjs';
import { goBinary } from './run.mjs';
import { median } from './stats.mjs';

/** @typedef {{ endpoint: string, pid: number, close: () => Promise<void> }} Started */
/** @typedef {Map<string, number[]>} Found of each measure, a figure a round */

const program = fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url));

/** @param {{ engines: readonly string[], rounds: number, windowSeconds: number, keys: number }} options */
export async function besideEtcd({ engines, rounds, windowSeconds, keys }) {
  if (!hasProgram('etcd')) throw new Error('etcd is not installed: apt-get install etcd-server');
  build();
  /** @type {Record<string, () => Promise<Started>>} */
  const servers = { etcd: startEtcd };
  for (const engine of engines) servers[engine] = () => startOurs(engine);
  /** @type {Record<string, Found>} */
  const found = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(servers)) {
      process.stderr.write(`round ${round + 1}: ${name} ...\n`);
      const server = await start();
      try {
        await measure(server, { windowSeconds, keys }, (found[name] ??= new Map()));
      } finally {
        await server.close();
      }
    }
  }
  process.stdout.write(tableOf(found, engines));
}

function build() {
  const { status, stderr } = spawnSync('sh', ['build.sh'], { cwd: fileURLToPath(new URL('../go', import.meta.url)) });
  if (status !== 0 || !existsSync(goBinary)) throw new Error(`the Go client cannot be built: ${String(stderr)}`);
}

/** @param {string} engine @returns {Promise<Started>} */
async function startOurs(engine) {
  const folder = mkdtempSync(join(tmpdir(), 'varve-serve-'));
  const args = ['serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0', '--engine', engine];
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => Promise.reject(new Error(`varve serve --engine ${engine} has ended`))),
  ]);
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { endpoint: String(line).replace(/^.*http:\/\//, ''), pid: child.pid ?? 0, close };
}

/** @param {Started} server @param {{ windowSeconds: number, keys: number }} options @param {Found} found */
async function measure({ endpoint, pid }, { windowSeconds, keys }, found) {
  const args = ['-mode', 'beside', '-endpoint', endpoint, '-n', String(keys), '-win', String(windowSeconds)];
  const child = spawn(goBinary, [...args, '-cap', '120'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let before = cpuTicks(pid);
  for await (const line of createInterface(child.stdout)) {
    const { m, v } = JSON.parse(line);
    const isEnd = m.endsWith('.ops');
    const now = cpuTicks(pid);
    const [name, value] = isEnd ? [m.replace(/ops$/, 'cpu'), (now - before) / v] : [m, v];
    if (isEnd) before = now;
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`the client ended with ${code}`);
}

/** The CPU time of a process so far, all its threads, in the kernel's ticks. @param {number} pid */
function cpuTicks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** @param {Record<string, Found>} found @param {readonly string[]} engines */
function tableOf(found, engines) {
  const etcd = found['etcd'] ?? new Map();
  const names = [...etcd.keys()].filter((name) => !name.includes('.') && etcd.has(`${name}.cpu`));
  /** @param {string} name @param {string} engine */
  const ratio = (name, engine) => {
    const base = median(etcd.get(name) ?? []);
    return base > 0 ? (median(found[engine]?.get(name) ?? []) / base).toFixed(2) : '';
  };
  const kinds = ['', '.p99', '.cpu'];
  const rows = names.map((name) => {
    const cells = engines.flatMap((engine) =>
      kinds.map((kind) => (etcd.has(name + kind) ? ratio(name + kind, engine) : '')),
    );
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const heads = engines.flatMap((engine) => [engine, 'p99', 'CPU of the server']);
  return [
    `| etcd = 1: rate (more is better), p99 and CPU (less is better) | ${heads.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(heads.length)}`,
    ...rows,
    '',
  ].join('\n');
}
