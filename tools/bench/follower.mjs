// @ts-check
// A follower beside the cluster that it follows: reads of both, how fast it follows, and what a key takes of its memory.
// The cluster is one etcd on this machine, so there is no network: what a read costs over one comes on top.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { bytes, open, put } from '@varve/kv';
import { connect } from '@varve/etcd';
import { openFollower } from '@varve/follower';
import { startEtcd } from '../conformance/lib/grpc/etcd.mjs';
import { flagsOf, refuse } from '../run/flags.mjs';
import { keyOf } from './lib/client-keys.mjs';

const usage = `node --expose-gc tools/bench/follower.mjs [--keys 20000] [--seconds 2]
  gets through a follower and through the cluster, changes followed a second, and bytes a key of 32 with a value of 256`;
const { flags } = flagsOf(usage, {
  keys: { type: 'string', default: '20000' },
  seconds: { type: 'string', default: '2' },
});
const keys = Number(flags.keys);
const collect = globalThis.gc ?? refuse(usage, 'Run it with node --expose-gc.');
const value = 'v'.repeat(256);
const etcd = await startEtcd();
const name = /** @type {const} */ (`etcd://${etcd.endpoint}`);
const kv = await connect(name, { writeOrder: 'any' });
try {
  await fill('old');
  await measureMemory();
  const follower = await openFollower(name);
  await follower.synced;
  const cluster = await rate((i) => kv.get(key(i)), 64);
  const one = await rate((i) => kv.get(key(i)), 1);
  // Once for the compiler.
  await rate((i) => follower.get(key(i)), 1);
  const here = await rate((i) => follower.get(key(i)), 1);
  row('get, cluster, one at a time', `${whole(one.rate)}/s`, spent(one));
  row('get, cluster, 64 at a time', `${whole(cluster.rate)}/s`, spent(cluster));
  const less = `${whole(one.us / here.us)} and ${whole(cluster.us / here.us)} times less`;
  row('get, follower, one at a time', `${whole(here.rate)}/s`, `${spent(here)}: ${less}`);
  await follower.close();
  await follow();
} finally {
  await kv.close();
  await etcd.close();
}

/** @param {string} text */
async function fill(text) {
  for (let i = 0; i < keys; i += 100)
    await kv.txn({ then: Array.from({ length: 100 }, (_, at) => put(key(i + at), text + value)) });
}

/** Of a follower that has copied everything. */
async function measureMemory() {
  const source = await open(name, { key: bytes, value: bytes });
  const before = used();
  const follower = await openFollower(source);
  await follower.synced;
  row('bytes a key', whole((used() - before) / keys), `the key and its value have ${32 + 3 + value.length}`);
  await follower.close();
  await source.close();
}

/** How fast changes that are there already are followed: by a follower that was away while they were made. */
async function follow() {
  const folder = mkdtempSync(join(tmpdir(), 'varve-follower-'));
  const source = await open(name, { key: bytes, value: bytes });
  try {
    await (await openFollower(source, { location: folder })).close();
    // Revisions of one change each.
    for (let i = 0; i < keys; i += 128)
      await Promise.all(Array.from({ length: 128 }, (_, at) => kv.put(key((i + at) % keys), `new${value}`)));
    const follower = await openFollower(source, { location: folder });
    const began = performance.now();
    await follower.caughtUp();
    const taken = performance.now() - began;
    const { events, copies } = await follower.status();
    if (copies > 0) throw new Error('it has copied everything instead');
    row(
      'changes caught up with',
      `${whole((events / taken) * 1000)}/s`,
      `${whole(events)} revisions, from etcd, into a log`,
    );
    await follower.close();
  } finally {
    await source.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Processor time of this process, which does not mind how busy the machine is. @param {{ us: number }} one */
function spent({ us }) {
  return `${us.toFixed(us < 10 ? 1 : 0)} µs of this process for each`;
}

/** Calls a second, so many at a time, and what each costs. @param {(i: number) => Promise<unknown>} call @param {number} together */
async function rate(call, together) {
  const before = process.cpuUsage();
  const began = performance.now();
  const ends = began + Number(flags.seconds) * 1000;
  let calls = 0;
  while (performance.now() < ends) {
    for (let rounds = 0; rounds < 1000; rounds++) {
      if (together === 1) await call((calls * 7919) % keys);
      else await Promise.all(Array.from({ length: together }, (_, i) => call(((calls + i) * 7919) % keys)));
      calls += together;
      if (performance.now() > ends) break;
    }
    await turn();
  }
  const { user, system } = process.cpuUsage(before);
  return { rate: (calls / (performance.now() - began)) * 1000, us: (user + system) / calls };
}

/** @param {number} i */
function key(i) {
  return keyOf('k', i);
}

function used() {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** @param {number} number */
function whole(number) {
  return Math.round(number).toLocaleString('en');
}

/** @param {string} name @param {string} value */
function row(name, value, rest = '') {
  console.log(`${name.padEnd(30)}${value}${rest === '' ? '' : `   ${rest}`}`);
}
