// @ts-check
/**
 * Measures what an operation costs an etcd: the figures that the simulation begins with.
 *
 * SMS1  One member alone: what its processor does for a write, a read and an event. Disk and network are not in it: the simulation is told of
 *      them.
 * SMS2  Times are of the etcd's own processor, as the system counts it, over many operations: not of the clock, which on a busy machine says
 *      how busy it is.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { connect } from '@varve/etcd';
import { startEtcd } from '../conformance/lib/grpc/etcd.mjs';
import { flagsOf } from '../run/flags.mjs';

const usage = `node tools/scale/measure.mjs [--write] [--n 20000]
  processor time of one etcd for a put, a get and an event, and its memory for a key; --write: into measured.json`;
const { flags } = flagsOf(usage, {
  write: { type: 'boolean', default: false },
  n: { type: 'string', default: '20000' },
});
const n = Number(flags.n);
const watchers = 200;
const value = 'v'.repeat(256);
/** What Linux counts processor time in. */
const ticksPerSecond = 100;

const etcd = await startEtcd();
const kv = await connect(`etcd://${etcd.endpoint}`, { writeOrder: 'any' });
try {
  await puts('warm/', 2000);
  const idleKb = residentKb();
  const put = await cost(() => puts('keys/', n));
  const keyBytes = ((residentKb() - idleKb) * 1024) / n;
  const get = await cost(() => gets(n));
  const event = await events();
  const measured = {
    day: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    load: Number(loadavg()[0]?.toFixed(1)),
    operations: n,
    putUs: round(put / n),
    getUs: round(get / n),
    eventUs: round(Math.max(event, 0)),
    keyBytes: Math.round(keyBytes),
  };
  process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
  const path = fileURLToPath(new URL('measured.json', import.meta.url));
  if (flags.write) writeFileSync(path, `${JSON.stringify(measured, undefined, 2)}\n`);
} finally {
  await kv.close();
  await etcd.close();
}

/** @param {number} us */
function round(us) {
  return Math.round(us * 10) / 10;
}

/** Processor time that the etcd takes meanwhile, in microseconds. @param {() => Promise<unknown>} work */
async function cost(work) {
  const before = processorUs();
  await work();
  return processorUs() - before;
}

/** @param {string} prefix @param {number} count */
async function puts(prefix, count) {
  for (let i = 0; i < count; i += 64) {
    const some = Math.min(64, count - i);
    await Promise.all(
      Array.from({ length: some }, (_, at) => kv.put(`${prefix}${String(i + at).padStart(26, '0')}`, value)),
    );
  }
}

/** @param {number} count */
async function gets(count) {
  for (let i = 0; i < count; i += 64)
    await Promise.all(Array.from({ length: 64 }, (_, at) => kv.get(`keys/${String((i + at) % n).padStart(26, '0')}`)));
}

/** Of one event for one of many watchers, what a put alone costs taken off. */
async function events() {
  const rounds = Math.max(50, Math.round(n / watchers));
  const one = async () => {
    for (let i = 0; i < rounds; i++) await kv.put('watched', value);
  };
  const alone = await cost(one);
  const watches = Array.from({ length: watchers }, () => kv.watch('watched'));
  await Promise.all(watches.map((watch) => watch.started()));
  const pulled = watches.map(async (watch) => {
    let left = rounds;
    for await (const _ of watch) if (--left === 0) break;
  });
  const together = await cost(async () => {
    await one();
    await Promise.all(pulled);
  });
  return (together - alone) / (rounds * watchers);
}

function processorUs() {
  const text = readFileSync(`/proc/${etcd.pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
}

function residentKb() {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${etcd.pid}/status`, 'utf8'))?.[1] ?? 0);
}
