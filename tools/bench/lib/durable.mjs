// @ts-check
// Durable puts of 1, 64 and 1,024 writers, each in a store of its own.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { key, P } from './gen.mjs';
import { emit, now } from './metrics.mjs';
import { pct, sorted } from './stats.mjs';

const WARMING = { writers: 64, first: 2e9 };

/**
 * @param {import('./contract.d.mts').Peer} peer
 * @param {string} folder
 * @param {number} windowMs
 * @param {(i: number) => Buffer} valueOf
 */
export async function durableChain(peer, folder, windowMs, valueOf) {
  for (const writers of [1, 64, 1024]) {
    const dir = resolve(folder, `c${writers}`);
    mkdirSync(dir, { recursive: true });
    const s = await peer.open(dir, { durable: 'every' });
    const put = s.putDurable?.bind(s);
    if (put === undefined) {
      await s.close();
      return;
    }
    // A lone writer makes some 4,000 calls a second: code that has hardly run would be compiled during all of the window.
    await writing(put, WARMING.writers, windowMs, WARMING.first, valueOf);
    const t = now();
    const took = await writing(put, writers, windowMs, 0, valueOf);
    const seconds = (now() - t) / 1000;
    const l = sorted(took);
    emit(`W2.durable${writers}`, took.length / seconds, 'op/s');
    emit(`W2.durable${writers}.p50`, pct(l, 0.5), 'us');
    emit(`W2.durable${writers}.p99`, pct(l, 0.99), 'us');
    await s.close();
  }
}

/**
 * Each writer puts again when it was answered. Microseconds of each put.
 * @param {(key: Buffer, value: Buffer) => unknown} put
 * @param {number} writers
 * @param {number} ms
 * @param {number} first number of the first key
 * @param {(i: number) => Buffer} valueOf
 */
async function writing(put, writers, ms, first, valueOf) {
  /** @type {number[]} */
  const took = [];
  const t = now();
  await Promise.all(
    Array.from({ length: writers }, async (_, w) => {
      for (let i = 0; now() - t < ms; i++) {
        const t0 = now();
        await put(key(P.dur, first + w * 1_000_000 + i), valueOf(i));
        took.push((now() - t0) * 1000);
      }
    }),
  );
  return took;
}
