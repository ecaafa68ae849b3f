// @ts-check
// Runs one chain of workloads on one Node peer, in a process of its own.
//   node --expose-gc lib/worker.mjs <peer.mjs> <chain> <options as JSON>
// Prints one JSON object a line: {"m": metric, "v": number, "u": unit}.
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { mkdirSync } from 'node:fs';
import { Prng, makeValues, key, permutation, P, N_VALUES } from './gen.mjs';
import { at, cpu0, cpuPer, emit, memory, now, settle, tick } from './metrics.mjs';
import { pct, sorted, statusKB, diskMB } from './stats.mjs';
import { check, check100, mixedGets, thenable } from './answers.mjs';
import { durableChain } from './durable.mjs';

/** @typedef {import('./contract.d.mts').BenchStore} BenchStore */

const [, , peerPath = '', chain = '', optJson] = process.argv;
/** @type {import('./contract.d.mts').Options & { dir: string, vsize: number, loaded?: number }} */
const o = {
  dir: '',
  n: 100000,
  hk: 1000,
  hr: 100,
  win: 0.7,
  wmax: 10000,
  vsize: 256,
  cap: 30,
  ...JSON.parse(optJson || '{}'),
};
/** @type {{ peer: import('./contract.d.mts').Peer, default?: import('./contract.d.mts').Peer }} */
const { peer: ours, default: peer = ours } = await import(pathToFileURL(resolve(peerPath)).href);
const values = makeValues(o.vsize);
const shared = (/** @type {number} */ i) => /** @type {Buffer} */ (values[i & (N_VALUES - 1)]);
const val = peer.freshValues ? (/** @type {number} */ i) => Buffer.from(shared(i)) : shared;
const winMs = o.win * 1000;
/**
 * f(i) for i below n, or until the cap; says how many were done. A promise back from f is back-pressure.
 * @param {number} n
 * @param {(i: number) => unknown} f
 */
async function bounded(n, f) {
  const t = now(),
    cap = o.cap * 1000;
  for (let i = 0; i < n; i++) {
    const p = f(i);
    if (thenable(p)) await p;
    if ((i & 1023) === 1023 && now() - t > cap) return i + 1;
  }
  return n;
}

/**
 * f(i) again and again in the window; 64 in flight where f gives promises. Ops/s.
 * @param {(i: number) => unknown} f
 */
async function windowed(f, ms = winMs, inFlight = 64, cpuName = '') {
  let cnt = 0;
  const probe = f(cnt++);
  const isAsync = thenable(probe);
  if (isAsync) await probe;
  const c0 = cpu0();
  const t = now();
  cnt = 0;
  if (isAsync) {
    while (now() - t < ms) {
      const ps = Array.from({ length: inFlight });
      for (let j = 0; j < inFlight; j++) ps[j] = f(cnt++);
      await Promise.all(ps);
    }
  } else {
    while (now() - t < ms) {
      for (let j = 0; j < 64; j++) {
        const answer = f(cnt++);
        if (Array.isArray(answer)) await answer[0]; // back-pressure from a put among gets
      }
    }
  }
  const d = now() - t;
  if (cpuName) cpuPer(cpuName, c0, cnt);
  return cnt / (d / 1000);
}

/** @param {number} base */
async function load(base) {
  const s = await peer.open(o.dir, { durable: 'periodic' });
  const c0 = cpu0();
  const t = now();
  const done = await bounded(o.n, (i) => s.put(key(P.load, i), val(i)));
  const acc = now() - t;
  await s.flush();
  const d = now() - t;
  cpuPer('W1.put', c0, done);
  emit('W1.put', done / (d / 1000), 'op/s');
  emit('W1.putAccepted', done / (acc / 1000), 'op/s');
  if (done < o.n) emit('W1.capped', done, 'op');
  memory('W1', base);
  await s.close();
  emit('W12.loadDisk', diskMB(o.dir), 'MB');
}

/** @param {number} base */
async function reopen(base) {
  const t0 = now();
  const s = await peer.open(o.dir, { durable: 'periodic' });
  emit('W9.open', (now() - t0) / 1000, 's');
  memory('W9', base);
  const n = o.loaded || o.n;
  const r = new Prng(7);
  const keys = Array.from({ length: 65536 }, () => key(P.load, r.below(n)));
  await windowed((i) => check(s.get(at(keys, i & 65535))), 100); // warm the code
  emit('W3.getUniform', await windowed((i) => check(s.get(at(keys, i & 65535))), winMs, 64, 'W3.getUniform'), 'op/s');
  const hot = Array.from({ length: 1000 }, (_, i) => key(P.load, Math.floor((i * n) / 1000)));
  emit('W3.getHot', await windowed((i) => check(s.get(at(hot, i % 1000)))), 'op/s');
  if (s.getAwait)
    emit('W3.getAwait', await windowed((i) => check(s.getAwait?.(at(keys, i & 65535))), winMs, 1), 'op/s');
  if (!peer.server) {
    const mixed = mixedGets(s, keys, val);
    emit('W3m.getMixed', await windowed(mixed, winMs, 64, 'W3m.getMixed'), 'op/s');
    await s.flush();
  }
  if (s.range) {
    /** @type {NonNullable<BenchStore['range']>} */
    const range = (start, end, limit) => s.range?.(start, end, limit) ?? 0;
    const end = key(P.stop, 0);
    const from = Array.from({ length: 4096 }, () => r.below(n - 100));
    const a = from.map((i) => key(P.load, i)),
      b = from.map((i) => key(P.load, i + 100));
    await windowed((i) => check100(range(at(a, i & 4095), at(b, i & 4095), 0)), 100, 16);
    emit(
      'W4.range100b',
      await windowed((i) => check100(range(at(a, i & 4095), at(b, i & 4095), 0)), winMs, 16, 'W4.range100b'),
      'op/s',
    );
    emit('W4.range100', await windowed((i) => check100(range(at(a, i & 4095), end, 100)), winMs, 16), 'op/s');
  }
  if (s.cas) {
    const ck = Math.min(n, 10000);
    const cks = Array.from({ length: ck }, (_, i) => key(P.load, i));
    let cnt = 0;
    const c0 = cpu0();
    const t = now();
    while (now() - t < winMs) {
      const ps = [];
      for (let j = 0; j < 64; j++) {
        const p = s.cas(at(cks, r.below(ck)), val(cnt));
        cnt++;
        if (p !== undefined) ps.push(p);
      }
      if (ps.length) await Promise.all(ps);
    }
    await s.flush();
    cpuPer('W7.cas', c0, cnt);
    emit('W7.cas', cnt / ((now() - t) / 1000), 'op/s');
  }
  {
    const m = Math.floor(n / 2);
    const perm = permutation(m);
    const t = now();
    const done = await bounded(m, (i) => s.put(key(P.rand, perm[i] ?? 0), val(i)));
    await s.flush();
    emit('W1r.putRandom', done / ((now() - t) / 1000), 'op/s');
  }
  await s.close();
}

async function history() {
  const s = await peer.open(o.dir, { durable: 'periodic' });
  const K = o.hk,
    R = o.hr,
    total = K * R;
  if (!s.rev && !s.getAt) {
    // nothing but the puts can be compared
    const t = now();
    const done = await bounded(total, (i) => s.put(key(P.hist, i % K), val(i)));
    await s.flush();
    emit('W5.update', done / ((now() - t) / 1000), 'op/s');
    emit('W12.histDisk', diskMB(o.dir), 'MB');
    await s.close();
    return;
  }
  const first = (s.rev?.() ?? 0) + 1;
  const c0 = cpu0();
  const t = now();
  const done = await bounded(total, (i) => s.put(key(P.hist, i % K), val(i)));
  await s.flush();
  cpuPer('W5.update', c0, done);
  emit('W5.update', done / ((now() - t) / 1000), 'op/s');
  const last = s.rev?.() ?? 0;
  const r = new Prng(11);
  const hks = Array.from({ length: K }, (_, i) => key(P.hist, i));
  const lo = peer.server ? Math.floor(done / 4) : K; // many clients at once put out of order
  const get = () => check(s.getAt?.(at(hks, r.below(K)), first + lo + r.below(done - lo)));
  await windowed(get, 100);
  emit('W5.getAtRev', await windowed(get, winMs, 64, 'W5.getAtRev'), 'op/s');
  if (s.watch) {
    let got = 0;
    const from = Math.max(first, last - 99999),
      total = last - from + 1; // the last 100,000 events
    const t = now();
    const w = await s.watch(Buffer.from('/bench/h/'), Buffer.from('/bench/h0'), from, (evs) => {
      got += evs.length;
    });
    if (w) {
      while (got < total && now() - t < o.cap * 1000) await tick();
      emit('W8c.catchup', got / ((now() - t) / 1000), 'ev/s');
      await w.cancel();
    }
  }
  emit('W12.histDisk', diskMB(o.dir), 'MB');
  if (s.compact) {
    const fk = Array.from({ length: 100 }, (_, i) => key(P.fg, i));
    const fg = async (/** @type {() => boolean} */ stop) => {
      /** @type {number[]} */
      const lat = [];
      const start = now();
      for (let i = 0; ; i++) {
        const due = start + i;
        while (now() < due) await tick();
        const p = s.put(at(fk, i % 100), val(i));
        if (p !== undefined) await p;
        lat.push((now() - due) * 1000);
        if (stop()) return sorted(lat);
      }
    };
    const end = now() + winMs;
    emit('W10.fgBaseP99', pct(await fg(() => now() > end), 0.99), 'us');
    const t = now();
    let took = 0,
      failed;
    const c = s.compact(last).then(
      () => {
        took = now() - t;
      },
      (e) => {
        failed = e;
        took = 1;
      },
    );
    const lat = await fg(() => (took > 0 && now() - t > 100) || now() - t > o.cap * 1000);
    await c;
    if (failed) throw failed;
    emit('W10.compact', took / 1000, 's');
    emit('W10.fgP99', pct(lat, 0.99), 'us');
    emit('W10.fgMax', pct(lat, 1), 'us');
    await s.flush();
    emit('W12.compactedDisk', diskMB(o.dir), 'MB');
    if (s.defrag) {
      const t = now();
      await s.defrag();
      emit('W12.defragS', (now() - t) / 1000, 's');
      emit('W12.defragDisk', diskMB(o.dir), 'MB');
    }
  }
  if (s.del) {
    const G = 10,
      GK = Math.min(K, 2000);
    const base = s.rev?.() ?? 0;
    const gks = Array.from({ length: GK }, (_, i) => key(P.gen, i));
    const t = now();
    const n = await bounded(G * GK, (i) => {
      const k = at(gks, i % GK);
      const a = s.put(k, val(3 * i)),
        b = s.put(k, val(3 * i + 1)),
        c = s.del?.(k);
      if (a !== undefined || b !== undefined || c !== undefined) return Promise.all([a, b, c]);
      return undefined;
    });
    await s.flush();
    emit('W6.generations', (3 * n) / ((now() - t) / 1000), 'op/s');
    const span = 3 * n - 3 * GK;
    if (span > 0) {
      const g = () => s.getAt?.(at(gks, r.below(GK)), base + 3 * GK + r.below(span));
      emit('W6.getAtRev', await windowed(g, winMs / 2), 'op/s');
    }
  }
  await s.close();
}

async function watch() {
  const s = await peer.open(o.dir, { durable: 'periodic' });
  if (!s.watch || s.noFanout) {
    await s.close();
    return;
  }
  const wks = Array.from({ length: Math.max(1000, o.wmax) }, (_, i) => key(P.watch, i));
  for (const nw of [1, 100, 10000]) {
    if (nw > o.wmax) continue;
    let delivered = 0,
      want = 0;
    const ws = [];
    for (let i = 0; i < nw; i++) {
      ws.push(
        await s.watch(Buffer.from('/bench/w/'), Buffer.from('/bench/w0'), 0, (evs) => {
          delivered += evs.length;
        }),
      );
    }
    /** @type {number[]} */
    const lat = [];
    let t = now();
    for (let i = 0; i < 2000 && now() - t < winMs / 2; i++) {
      const t0 = now();
      const p = s.put(at(wks, i % 1000), val(i));
      want += nw;
      if (p !== undefined) await p;
      while (delivered < want && now() - t0 < 20000) await tick();
      lat.push((now() - t0) * 1000);
    }
    const l = sorted(lat);
    const name = 'W8.fan' + nw;
    emit(name + '.latP50', pct(l, 0.5), 'us');
    emit(name + '.latP99', pct(l, 0.99), 'us');
    let best = 0;
    for (const w of [1, 64]) {
      t = now();
      const start = want;
      for (let i = 0; i < 200000 && now() - t < winMs; i++) {
        while (want - delivered > (w - 1) * nw) await tick();
        const p = s.put(at(wks, i % 1000), val(i));
        want += nw;
        if (p !== undefined) await p;
      }
      await settle(() => delivered >= want, 20000);
      best = Math.max(best, (delivered - start) / ((now() - t) / 1000));
    }
    emit(name, best, 'ev/s');
    for (const w of ws) await w?.cancel();
  }
  {
    let delivered = 0,
      want = 0;
    const ws = [];
    for (let i = 0; i < o.wmax; i++)
      ws.push(
        await s.watch(at(wks, i), null, 0, (evs) => {
          delivered += evs.length;
        }),
      );
    const t = now();
    for (let i = 0; i < 200000 && now() - t < winMs; i++) {
      while (want - delivered > 64) await tick();
      const p = s.put(at(wks, (i * 7919) % o.wmax), val(i));
      want++;
      if (p !== undefined) await p;
    }
    await settle(() => delivered >= want, 20000);
    emit('W8k.keyWatch', delivered / ((now() - t) / 1000), 'ev/s');
    for (const w of ws) await w?.cancel();
  }
  await s.close();
}

async function machine() {
  await peer.machine?.(o.dir, { windowMs: winMs, valueBytes: o.vsize, emit });
}

mkdirSync(o.dir, { recursive: true });
globalThis.gc?.();
const base = statusKB('RssAnon');
const durable = () => durableChain(peer, o.dir, winMs, val);
/** @type {Readonly<Record<string, (base: number) => Promise<void>>>} */
const chains = { machine, load, reopen, history, durable, watch };
if (chains[chain] === undefined) throw new RangeError(`there is no chain ${chain}`);
await chains[chain](base);
process.exit(0);
