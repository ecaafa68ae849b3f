import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bucket, buckets } from '../src/index.ts';
import { type Ground, type Layers, Overlay } from '../src/pending/overlay.ts';
import { noRoom } from '../src/contract/packed-changes.ts';
import { Slab } from '../src/pending/slab.ts';
import { checkLayer } from './check-layers.ts';

const key = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n & 0xff);
const used: readonly Bucket[] = [buckets.key, buckets.test];

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('put' as const), bucket: fc.nat(1), n: fc.nat(30) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('delete' as const), bucket: fc.nat(1), n: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drop' as const), bucket: fc.nat(1) }) },
);
const section = fc.record({ steps: fc.array(step, { maxLength: 12 }), fails: fc.boolean(), pins: fc.boolean() });

function newGround(): Ground {
  return {
    names: new Set(),
    floors: new Map(),
    kinds: new Map(),
    slab: new Slab(noRoom),
    read: new WeakSet(),
    words: undefined,
  };
}

type Said = Map<string, 'put' | 'delete'>;

function shown(layers: Layers): Record<string, Said> {
  return Object.fromEntries([...layers].map(([name, layer]) => [name, checkLayer(layer)]));
}

/** Without layers that say nothing: whether there is one is the overlay's own affair. */
function told(said: Readonly<Record<string, Said>>): Record<string, Said> {
  return Object.fromEntries(Object.entries(said).filter(([, rows]) => rows.size > 0));
}

test('OV1 OV2 OV3 LY1 LY4 an overlay says what was said last; a section that fails says nothing; a pin goes on saying the same', () => {
  fc.assert(
    fc.property(fc.array(section, { maxLength: 20 }), (sections) => {
      const overlay = new Overlay(newGround());
      for (const bucket of used) overlay.createBucket(bucket);
      let model: Record<string, Said> = {};
      const pins: [Layers, Record<string, Said>][] = [];
      // Keys of the append-only bucket ascend for ever: also those of a section that failed may come again.
      let next = 0;
      for (const { steps, fails, pins: isPinned } of sections) {
        const mark = overlay.mark();
        const bytesBefore = overlay.byteN;
        const after: Record<string, Said> = Object.fromEntries(
          Object.entries(model).map(([name, said]) => [name, new Map(said)]),
        );
        for (const each of steps) {
          const bucket = used[each.bucket]!;
          const said = (after[bucket.name] ??= new Map());
          const hex = (n: number): string => Buffer.from(key(n)).toString('hex');
          if (each.type === 'put') {
            const n = bucket.appendOnly ? (next += 1 + each.n) : each.n;
            overlay.put(bucket, key(n), Uint8Array.of(n & 0xff));
            said.set(hex(n), 'put');
          } else if (each.type === 'delete') {
            overlay.delete(bucket, key(each.n));
            const greatest = [...said.keys()].toSorted().at(-1);
            if (!bucket.appendOnly || (greatest !== undefined && hex(each.n) <= greatest))
              said.set(hex(each.n), 'delete');
          } else {
            overlay.deleteBucket(bucket);
            overlay.createBucket(bucket);
            after[bucket.name] = new Map();
          }
          expect(told(shown(overlay.layers))).toEqual(told(after));
          expect(told(shown(overlay.pinBefore(mark)))).toEqual(told(model));
        }
        if (fails) {
          overlay.rollback(mark);
          expect(overlay.byteN).toBe(bytesBefore);
        } else {
          model = after;
        }
        expect(told(shown(overlay.layers))).toEqual(told(model));
        if (isPinned) pins.push([overlay.pin(), model]);
      }
      for (const [pin, was] of pins) expect(told(shown(pin))).toEqual(told(was));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['a pin', (overlay: Overlay): Layers => overlay.pin()],
  ['the layers of a sealed one', (overlay: Overlay): Layers => overlay.share()],
  ['a pin of the state before a section', (overlay: Overlay): Layers => overlay.pinBefore(overlay.mark())],
])('OV4: %s still says what it said when many others have come and gone', (_, held) => {
  const ground = newGround();
  const write = (overlay: Overlay, from: number): void => {
    for (let n = from; n < from + 50; n++) {
      overlay.put(buckets.key, key(n), Uint8Array.of(n & 0xff));
      overlay.put(buckets.test, key(n % 60), Uint8Array.of(n & 0xff));
    }
  };
  const first = new Overlay(ground);
  for (const bucket of used) first.createBucket(bucket);
  write(first, 0);
  const layers = held(first);
  const before = shown(layers);
  const said = (): unknown => [...layers.values()].map(({ changes }) => [...changes]);
  const rows = said();
  first.seal();
  first.end();
  for (let round = 1; round < 5; round++) {
    const next = new Overlay(ground);
    write(next, 100 * round);
    next.seal();
    next.end();
    expect(ground.words).toBeDefined();
  }
  expect(shown(layers)).toEqual(before);
  expect(said()).toEqual(rows);
});

test('OV4: words are used again where nobody holds a pin, and none that are too many', () => {
  const ground = newGround();
  const seen: (Uint32Array | undefined)[] = [];
  for (let round = 0; round < 3; round++) {
    const overlay = new Overlay(ground, 100);
    if (round === 0) overlay.createBucket(buckets.key);
    overlay.put(buckets.key, key(round), key(round));
    overlay.seal();
    overlay.end();
    seen.push(ground.words);
  }
  expect(seen[0]).toBeDefined();
  expect(seen[1]).toBe(seen[0]);
  expect(seen[2]).toBe(seen[0]);
  const large = new Overlay(ground);
  for (let n = 10; n < 30_000; n++) large.put(buckets.key, key(n), key(n));
  large.end();
  expect(ground.words).toBeUndefined();
});

test.each([
  ['out of order', [[2, 1]], 'LY4'],
  ['with a key twice, the older one first', [[1], [1]], 'LY4'],
  ['whose rows are not found', [[1, 2]], 'LY3'],
] as const)('a layer %s is noticed', (_, cursors, rule) => {
  const row = (n: number) => ({ type: 'put', bucket: buckets.test, key: key(n), value: key(0) }) as const;
  const layer = {
    cursors: () => cursors.map((list) => list.map(row)[Symbol.iterator]()),
    find: (wanted: Uint8Array) => (rule === 'LY3' ? undefined : wanted),
  };
  expect(() => checkLayer(layer)).toThrow(rule);
});
