/**
 * The leaves of the tree against a sorted list: whatever order keys come and go in, every visit is that of the list, and leaves
 * do not stay nearly empty.
 */
import * as fc from 'fast-check';
import { byteKey, keyBytes } from '@varve/base/order';
import { expect, test } from 'vitest';
import { LEAF_KEYS } from '../src/leaf.ts';
import { SlotTree, STOP, type Edit } from '../src/slot-tree.ts';

const OPEN = new Uint8Array();

const numbered = (n: number): Uint8Array => Buffer.from(`key/${String(n).padStart(6, '0')}`);

function visited(tree: SlotTree, low: string, end: Uint8Array | undefined, most = Infinity): [string, number][] {
  const found: [string, number][] = [];
  tree.visit(low, end, (key, slot) => {
    found.push([key, Number(slot)]);
    return found.length >= most ? STOP : undefined;
  });
  return found;
}

function visitedReversed(tree: SlotTree, low: string, end: Uint8Array | undefined): [string, number][] {
  const found: [string, number][] = [];
  tree.visitReversed(low, end, (key, slot) => void found.push([key, Number(slot)]));
  return found;
}

function put(tree: SlotTree, key: Uint8Array, value: number): void {
  if (tree.find(key) === undefined) tree.add(value);
  else tree.replace(value);
}

const orders: Readonly<Record<string, (n: number, i: number) => number>> = {
  ascending: (_, i) => i,
  descending: (n, i) => n - i,
  'several runs': (n, i) => (i % 7) * n + i,
  'two runs towards each other': (n, i) => (i % 2 === 0 ? i : 2 * n - i),
  'from the middle outwards': (n, i) => (i % 2 === 0 ? n + i : n - i),
  scattered: (n, i) => (i * 7919) % (10 * n),
};

test.each(Object.keys(orders))(
  'M22 decisions/0037 keys in %s order: all are there, in leaves at least half full on average',
  (name) => {
    const tree = new SlotTree();
    const n = 5000;
    const keys = Array.from({ length: n }, (_, i) => numbered(orders[name]!(n, i)));
    const wanted = new Map<string, number>();
    for (const [i, key] of keys.entries()) {
      put(tree, key, i);
      wanted.set(byteKey(key), i);
    }
    tree.checkInvariants();
    expect(tree.size).toBe(wanted.size);
    expect(tree.leafN).toBeLessThanOrEqual(Math.ceil((2.1 * wanted.size) / LEAF_KEYS));
    const sorted = [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(visited(tree, '', OPEN)).toEqual(sorted);
    expect(visitedReversed(tree, '', OPEN)).toEqual(sorted.toReversed());
  },
);

test('M27 decisions/0037 when nine keys of ten go, so do the leaves', () => {
  const tree = new SlotTree();
  for (let i = 0; i < 5000; i++) put(tree, numbered(i), i);
  expect(tree.edit('', (slot) => (Number(slot) % 10 === 0 ? undefined : { delete: true }))).toBeUndefined();
  tree.checkInvariants();
  expect(tree.size).toBe(500);
  expect(tree.leafN).toBeLessThanOrEqual(Math.ceil((2 * 500) / LEAF_KEYS));
  expect(visited(tree, '', OPEN)).toHaveLength(500);
});

test('LK2 decisions/0037 a key that the cache knows, found again by addNew and then given another slot', () => {
  const tree = new SlotTree();
  for (let i = 0; i < 10; i++) put(tree, numbered(i), i);
  expect(tree.find(numbered(3))).toBe(3);
  expect(tree.find(numbered(5))).toBe(5);
  expect(tree.addNew(numbered(3), 30)).toBe(false);
  put(tree, numbered(3), 31);
  tree.checkInvariants();
  expect(tree.find(numbered(4))).toBe(4);
  expect(tree.find(numbered(3))).toBe(31);
});

test('decisions/0037 what an edit has done before it throws is done, and nothing else', () => {
  const tree = new SlotTree();
  for (let i = 0; i < 200; i++) put(tree, numbered(i), i);
  const edit = (): unknown =>
    tree.edit('', (slot) => {
      if (slot === 70) throw new Error('enough');
      return slot === 69 ? undefined : { delete: true };
    });
  expect(edit).toThrow('enough');
  tree.checkInvariants();
  expect(visited(tree, '', OPEN).map(([, value]) => value)).toEqual(Array.from({ length: 131 }, (_, i) => 69 + i));
});

type Step =
  | { readonly kind: 'put' | 'remove' | 'find' | 'add new'; readonly key: number }
  | { readonly kind: 'run'; readonly key: number; readonly length: number; readonly down: boolean }
  | { readonly kind: 'edit'; readonly key: number; readonly modulus: number; readonly most: number };

const key = fc.integer({ min: 0, max: 2000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('put', 'remove', 'find', 'add new'), key }),
  fc.record({
    kind: fc.constant('run'),
    key,
    length: fc.integer({ min: 1, max: 200 }),
    down: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('edit'),
    key,
    modulus: fc.integer({ min: 2, max: 9 }),
    most: fc.integer({ min: 1, max: 500 }),
  }),
);

/** The tree and a sorted list, changed together. */
class Pair {
  readonly tree = new SlotTree();
  readonly model = new Map<string, number>();
  #value = 0;

  do(step: Step): void {
    const bytes = numbered(step.key);
    if (step.kind === 'run') {
      for (let i = 0; i < step.length; i++) this.put(numbered(step.key + (step.down ? step.length - i : i)));
    } else if (step.kind === 'edit') this.edit(bytes, step.modulus, step.most);
    else if (step.kind === 'put') this.put(bytes);
    else if (step.kind === 'find') expect(this.tree.find(bytes)).toBe(this.model.get(byteKey(bytes)));
    else if (step.kind === 'add new') {
      const isNew = !this.model.has(byteKey(bytes));
      expect(this.tree.addNew(bytes, ++this.#value)).toBe(isNew);
      if (isNew) this.model.set(byteKey(bytes), this.#value);
    } else if (this.tree.find(bytes) !== undefined) {
      this.tree.remove();
      expect(this.model.delete(byteKey(bytes))).toBe(true);
    }
  }

  put(bytes: Uint8Array): void {
    expect(this.tree.find(bytes)).toBe(this.model.get(byteKey(bytes)));
    put(this.tree, bytes, ++this.#value);
    this.model.set(byteKey(bytes), this.#value);
    // Asked again at once: the same place.
    expect(this.tree.find(bytes)).toBe(this.#value);
  }

  edit(from: Uint8Array, modulus: number, most: number): void {
    const low = byteKey(from);
    const keys = this.sorted().filter(([key]) => key >= low);
    const seen: number[] = [];
    const stopped = this.tree.edit(low, (slot, n): Edit => {
      expect(n).toBe(seen.length);
      if (n === most) return STOP;
      seen.push(Number(slot));
      if (Number(slot) % modulus === 0) return { delete: true };
      return Number(slot) % modulus === 1 ? { value: Number(slot) + modulus } : undefined;
    });
    // Each its own.
    expect(seen).toEqual(keys.slice(0, most).map(([, slot]) => slot));
    expect(stopped).toBe(keys[most]?.[0]);
    for (const [key, slot] of keys.slice(0, most)) {
      if (slot % modulus === 0) this.model.delete(key);
      else if (slot % modulus === 1) this.model.set(key, slot + modulus);
    }
  }

  sorted(): [string, number][] {
    return [...this.model].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  check(from: number, to: number): void {
    this.tree.checkInvariants();
    const all = this.sorted();
    expect(this.tree.size).toBe(all.length);
    expect([...this.tree.entries()]).toEqual(all);
    const [low, end] = [byteKey(numbered(from)), numbered(to)];
    const within = all.filter(([key]) => key >= low && key < byteKey(end));
    expect(visited(this.tree, low, end)).toEqual(within);
    expect(visited(this.tree, low, end, 3)).toEqual(within.slice(0, 3));
    expect(visitedReversed(this.tree, low, end)).toEqual(within.toReversed());
    expect(visited(this.tree, low, OPEN)).toEqual(all.filter(([key]) => key >= low));
    expect(visitedReversed(this.tree, low, OPEN)).toEqual(all.filter(([key]) => key >= low).toReversed());
    expect(visited(this.tree, low, undefined)).toEqual(all.filter(([key]) => key === low));
  }
}

test('M22 decisions/0037 any puts, removals, runs and edits leave what a sorted list has', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), key, key, (steps, from, to) => {
      const pair = new Pair();
      for (const [i, one] of steps.entries()) {
        pair.do(one);
        if (i % 8 === 7) pair.check(from, to);
      }
      pair.check(from, to);
      for (const [key, value] of pair.model) expect(pair.tree.find(keyBytes(key))).toBe(value);
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 1000 : 100 },
  );
});
