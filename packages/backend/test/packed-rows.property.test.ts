import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteKey, compareBytes, keyBytes } from '@varve/base/order';
import { nodeClock } from '@varve/base/node/clock';
import { Slice } from '@varve/base/pace';
import { checkPage, checkPages } from '../src/resident/check-rows.ts';
import { PackedRows } from '../src/resident/packed-rows.ts';
import type { ResidentRows } from '../src/resident/resident-rows.ts';
import { ResidentTree } from '../src/resident/resident-tree.ts';
import { Page, PageView } from '../src/resident/row-page.ts';

const commands = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('put' as const),
        by: fc.uint8Array({ minLength: 1, maxLength: 10 }),
        size: fc.nat(2_000),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), at: fc.nat(1_000) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('next' as const, 'compact' as const) }) },
  ),
  { maxLength: 120 },
);

/** A key above the last one, by turns longer and with a greater byte. */
function above(last: Uint8Array | undefined, by: Uint8Array): Uint8Array {
  if (last === undefined || compareBytes(by, last) > 0) return by;
  const longer = new Uint8Array(last.length + by.length);
  longer.set(last);
  longer.set(by, last.length);
  const first = last[0]!;
  // Nothing shorter lies above a first byte of 255.
  return longer.length > 60 && first < 255 ? Uint8Array.of(first + 1, ...by) : longer;
}

function check(rows: ResidentRows, model: ReadonlyMap<string, number>): void {
  const all = [...model.keys()].sort();
  const shown = [...rows.scan(undefined, undefined)].map(({ key }) => byteKey(key));
  expect(shown).toEqual(all);
  for (const key of all) expect(rows.get(keyBytes(key))?.length).toBe(model.get(key));
  for (const key of all.slice(0, 5)) {
    for (const near of [`${key}\0`, key.slice(0, -1), `${key.slice(0, -1)}\xff`]) {
      if (near !== '') expect(rows.get(keyBytes(near))?.length).toBe(model.get(near));
      const from = [...rows.scan(keyBytes(near), undefined)].map((row) => byteKey(row.key));
      expect(from).toEqual(all.filter((other) => other >= near));
      const to = [...rows.scan(undefined, keyBytes(near))].map((row) => byteKey(row.key));
      expect(to).toEqual(all.filter((other) => other < near));
    }
  }
  expect(rows.liveByteN).toBeLessThanOrEqual(rows.byteN);
}

test.each([
  ['packed rows', (): ResidentRows => new PackedRows()],
  ['tree', (): ResidentRows => new ResidentTree()],
])('RSD1 BPR1 versions of %s are maps, and older ones stay as they are', async (_, make) => {
  await fc.assert(
    fc.asyncProperty(commands, async (history) => {
      let rows = make();
      let model = new Map<string, number>();
      let last: Uint8Array | undefined;
      const versions: [ResidentRows, Map<string, number>][] = [];
      for (const command of history) {
        if (command.type === 'put') {
          last = above(last, command.by);
          rows.put(last, new Uint8Array(command.size).fill(3));
          model.set(byteKey(last), command.size);
        } else if (command.type === 'delete') {
          const key = [...model.keys()][command.at % Math.max(1, model.size)] ?? 'missing';
          rows.delete(keyBytes(key));
          model.delete(key);
        } else {
          versions.push([rows, model]);
          rows = command.type === 'next' ? rows.next() : (await rows.compacted(new Slice(nodeClock))).next();
          model = new Map(model);
        }
        if (rows instanceof PackedRows) rows.lend(checkPages);
      }
      check(rows, model);
      for (const [version, then] of versions) {
        check(version, then);
        if (version instanceof PackedRows) version.lend(checkPages);
      }
    }),
    { numRuns: 150 },
  );
});

function viewOf(...keys: readonly number[]): PageView {
  const view = new PageView({}, new Page(4096));
  for (const key of keys) view.push(Uint8Array.of(key), Uint8Array.of(0, 0));
  return view;
}

test.each<readonly [rule: string, damage: (view: PageView) => void]>([
  ['RW1', (view) => void (view.page.starts[2] = 0)],
  ['RW1', (view) => void (view.rowN = 9)],
  ['RW2', (view) => void (view.page.ranks[1] = 0)],
  ['BPR2', (view) => view.push(Uint8Array.of(1), Uint8Array.of())],
  ['BPR3', (view) => void (view.dead = Uint8Array.of(2))],
])('%s is missed when it is broken (%#)', (rule, damage) => {
  const view = viewOf(3, 4, 5);
  checkPage(view);
  damage(view);
  expect(() => checkPage(view)).toThrow(rule);
});

test('BPR2 BPR3 pages out of order, or without live rows, are missed', () => {
  const [low, high] = [viewOf(1, 2), viewOf(3, 4)];
  const ranks = [low, high].map((view) => view.page.ranks[0]!);
  checkPages([low, high], ranks);
  expect(() => checkPages([high, low], ranks.toReversed())).toThrow('BPR2');
  for (const i of [0, 1]) low.delete(i);
  expect(() => checkPages([low, high], ranks)).toThrow('BPR3');
});

test('an append-only bucket of the engine refuses a key that is not the greatest', () => {
  const rows = new PackedRows();
  rows.put(Uint8Array.of(5), Uint8Array.of(1));
  for (const key of [Uint8Array.of(5), Uint8Array.of(4, 9)]) {
    expect(() => rows.put(key, Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'BACKEND_KEY_ORDER' }));
  }
});

test('B39 compacting gives back the space of deleted rows; pages without rows go at once', async () => {
  const rows = new PackedRows();
  const key = (n: number): Uint8Array => Uint8Array.of(n >> 16, n >> 8, n);
  for (let n = 0; n < 20_000; n += 1) rows.put(key(n), new Uint8Array(300));
  const full = rows.byteN;
  for (let n = 0; n < 10_000; n += 1) rows.delete(key(n));
  expect(rows.byteN).toBeLessThan(full * 0.7);
  for (let n = 10_000; n < 20_000; n += 2) rows.delete(key(n));
  expect(rows.byteN).toBeGreaterThan(full * 0.45);
  const compacted = await rows.compacted(new Slice(nodeClock));
  expect(compacted.byteN).toBeLessThan(full * 0.3);
  expect([...compacted.scan(undefined, undefined)].length).toBe(5_000);
});
