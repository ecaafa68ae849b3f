import { nodeClock } from '@varve/base/node/clock';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bucket, buckets, type Change, openBackend } from '../src/index.ts';
import { AppendLayer, type Layer, TreeLayer } from '../src/pending/layer.ts';
import { PackedChanges } from '../src/contract/packed-changes.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { deferred } from '../src/conformance/index.ts';
import { mergedScan } from '../src/read/merged-scan.ts';
import { byHand, turnsDuring } from './helpers.ts';

const bucket: Bucket = buckets.test;
const key = fc.nat(40);
const edits = fc.record({
  cleared: fc.constantFrom(false, false, false, true),
  rows: fc.array(fc.tuple(key, fc.option(fc.nat(255))), { maxLength: 30 }),
});

test.each([false, true])(
  'BD7 ME1 ME2 ME3 ME6 a scan through two overlays equals the map of what was last said of each key, its rows lent: %s',
  async (lent) => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 40 }),
        edits,
        edits,
        fc.option(key, { nil: undefined }),
        fc.option(key, { nil: undefined }),
        fc.integer({ min: 1, max: 9 }),
        async (committed, below, above, start, end, chunkSize) => {
          const model = new Map<number, number>(committed.map((n) => [n, 0]));
          // Overwrites what it has lent.
          const engine = lent ? deferred(memoryEngine()) : memoryEngine();
          const rows = committed.map((n): Change => ({
            type: 'put',
            bucket,
            key: Uint8Array.of(n),
            value: Uint8Array.of(0),
          }));
          await engine.commit([{ type: 'createBucket', bucket }, ...rows]);
          const layers: Layer[] = [];
          for (const { cleared, rows: changed } of [below, above]) {
            const changes = new PackedChanges();
            const layer = new TreeLayer(changes, cleared);
            if (cleared) model.clear();
            for (const [n, value] of changed) {
              if (value === null) {
                changes.pushRow('delete', bucket, Uint8Array.of(n), 0, 1, 1);
                layer.set(changes.length - 1, Uint8Array.of(n));
                model.delete(n);
              } else {
                changes.pushRow('put', bucket, Uint8Array.of(n, value), 0, 1, 2);
                layer.set(changes.length - 1, Uint8Array.of(n));
                model.set(n, value);
              }
            }
            layers.unshift(layer);
          }
          const seen: number[][] = [];
          const options = {
            start: start === undefined ? undefined : Uint8Array.of(start),
            end: end === undefined ? undefined : Uint8Array.of(end),
            chunkSize,
            lent,
          };
          for await (const chunk of mergedScan(engine, layers, bucket, options, nodeClock)) {
            expect(chunk.length).toBeGreaterThan(0);
            expect(chunk.length).toBeLessThanOrEqual(chunkSize);
            for (const row of chunk) seen.push([row.key[0]!, row.value[0]!]);
          }
          const want = [...model].filter(([n]) => n >= (start ?? 0) && n < (end ?? 99)).sort(([a], [b]) => a - b);
          expect(seen).toEqual(want);
        },
      ),
      { numRuns: lent ? 150 : 500 },
    );
  },
);

test('LY1 LY4 a pin of an append-only layer keeps its rows while the layer goes on, fails and starts again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean(), fc.nat(200)), { maxLength: 30 }),
      (sections) => {
        const changes = new PackedChanges();
        const layer = new AppendLayer(changes, buckets.key, false, undefined);
        let next = 0;
        const live = new Set<number>();
        const pins: [Layer, number[]][] = [];
        for (const [puts, fails, victim] of sections) {
          const before = next;
          for (let i = 0; i < puts; i += 1) {
            changes.pushRow('put', buckets.key, Uint8Array.of(next, sections.length), 0, 1, 2);
            layer.push(changes.length - 1);
            next += 1;
          }
          if (fails) {
            changes.cut(changes.length - puts);
            for (; next > before; next -= 1) layer.undoPush();
          } else {
            for (let n = before; n < next; n += 1) live.add(n);
            if (victim < next) {
              const key = Uint8Array.of(victim);
              changes.pushRow('delete', buckets.key, key, 0, 1, 1);
              layer.delete(changes.length - 1, key);
              live.delete(victim);
            }
          }
          pins.push([layer.pin(), [...live]]);
        }
        for (const [pin, then] of pins) {
          const found = Array.from({ length: next + 3 }, (_, n) => n).filter(
            (n) => pin.find(Uint8Array.of(n)) >= 0 && changes.isPut(pin.find(Uint8Array.of(n))),
          );
          expect(found).toEqual(then.toSorted((a, b) => a - b));
        }
      },
    ),
  );
});

test('law 10 a long scan through memory lets others run', async () => {
  await using backend = await openBackend(memoryEngine(), byHand);
  backend.batchTx((tx) => {
    tx.createBucket(buckets.key);
    for (let n = 0; n < 60_000; n += 1) tx.put(buckets.key, Uint8Array.of(n >> 16, n >> 8, n), new Uint8Array(50));
  });
  for (const committed of [false, true]) {
    if (committed) await backend.forceCommit();
    using tx = backend.concurrentReadTx();
    let rows = 0;
    const turnN = await turnsDuring(async () => {
      for await (const chunk of tx.scan(buckets.key)) rows += chunk.length;
    });
    expect(rows).toBe(60_000);
    expect(turnN).toBeGreaterThan(1);
  }
});
