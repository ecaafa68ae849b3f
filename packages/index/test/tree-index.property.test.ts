/**
 * Random histories: the index against a flat list of records (law 2 and law 5, as far as the index goes).
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkTreeIndex,
  createTreeIndex,
  loadTreeIndex,
  saveTreeIndex,
  type RevisionSet,
  type TreeIndex,
} from '../src/index.ts';
import { list, unpacked } from './histories.ts';
import { Model } from './model.ts';

interface Change {
  readonly key: Uint8Array;
  readonly tombstone: boolean;
}

interface Transaction {
  readonly changes: readonly Change[];
  /** The section throws, and everything is taken back. */
  readonly fails: boolean;
  /** The changes come as records, as at open. */
  readonly fromRecords: boolean;
}

type Action =
  | { readonly kind: 'transaction'; readonly transaction: Transaction }
  | {
      readonly kind: 'compact' | 'keep';
      /** How many transactions back. */
      readonly back: number;
      readonly sliceKeys: number;
      readonly meanwhile: readonly Transaction[];
    }
  | {
      readonly kind: 'save';
      readonly back: number;
      readonly blockBytes: number;
      readonly meanwhile: readonly Transaction[];
    }
  | { readonly kind: 'reopen' };

/** The index, of which nothing but the blocks themselves has been looked at. The blocks are overwritten: they belong to the caller. */
function loadedFrom(blocks: readonly Uint8Array[]): TreeIndex {
  const loading = loadTreeIndex();
  for (const block of blocks) {
    const lent = block.slice();
    loading.add(lent);
    lent.fill(0xff);
  }
  const loaded = loading.end();
  expect(loaded.size).toBe(loading.keys);
  return loaded;
}

/** An index and its model, changed together. */
class Pair {
  tree: TreeIndex = createTreeIndex();
  readonly model = new Model();
  main = 1;

  transact({ changes, fails, fromRecords }: Transaction): void {
    const main = this.main + 1;
    let sub = 0;
    for (const { key, tombstone } of changes) {
      const record = this.model.next(key, main, sub, tombstone);
      if (record === undefined) {
        expect(this.tree.tombstone(key, main, sub)).toBe(false);
        continue;
      }
      this.model.records.push(record);
      if (fromRecords) this.tree.restore(key, main, sub, record);
      else if (tombstone) expect(this.tree.tombstone(key, main, sub)).toBe(true);
      else expect(this.tree.put(key, main, sub)).toEqual(this.model.get(key, main));
      sub++;
    }
    if (fails) {
      // A key that was changed twice is named twice, and one that was not changed at all is named as well.
      for (const { key } of changes) this.tree.undo(key, main);
      this.model.undo(main);
    } else if (sub > 0) this.main = main;
  }

  walk(action: Extract<Action, { sliceKeys: number }>): void {
    const at = Math.max(1, this.main - action.back);
    const walk =
      action.kind === 'compact' ? this.tree.compact(at, action.sliceKeys) : this.tree.keep(at, action.sliceKeys);
    const meanwhile = [...action.meanwhile];
    const want = this.model.kept(at).filter(({ tombstone }) => action.kind === 'compact' || !tombstone);
    let kept: RevisionSet | undefined;
    while (kept === undefined) {
      const step = walk.next();
      if (step.done === true) kept = step.value;
      checkTreeIndex(this.tree);
      const transaction = meanwhile.shift();
      if (transaction === undefined) continue;
      this.transact(transaction);
      checkTreeIndex(this.tree);
      for (let revision = at; revision <= this.main; revision++)
        this.checkRange(new Uint8Array(), new Uint8Array(), revision);
    }
    expect(list(kept)).toEqual(list(want));
    expect(kept.size).toBe(want.length);
    if (action.kind === 'compact') this.model.compact(at);
  }

  reopen(): void {
    this.tree = createTreeIndex();
    for (const record of this.model.records) this.tree.restore(record.key, record.main, record.sub, record);
    this.model.forgetCreatedSubs();
  }

  /** Saves the state of some transactions back while others go on; what is loaded answers as the model does. */
  save(action: Extract<Action, { kind: 'save' }>): void {
    const at = Math.max(1, this.main - action.back);
    const meanwhile = [...action.meanwhile];
    const walk = saveTreeIndex(this.tree, at, action.blockBytes);
    const blocks: Uint8Array[] = [];
    let step = walk.next();
    for (; step.done !== true; step = walk.next()) {
      if (step.value !== undefined) blocks.push(step.value);
      const transaction = meanwhile.shift();
      if (transaction !== undefined) this.transact(transaction);
    }
    const loaded = loadedFrom(blocks);
    expect(loaded.size).toBe(step.value);
    checkTreeIndex(loadedFrom(blocks));
    expect(loaded.liveKeys).toBe(loaded.countRevisions(new Uint8Array(), new Uint8Array(), at));
    const [told, wanted]: [unknown[], unknown[]] = [[], []];
    for (const key of this.model.keys()) {
      for (let revision = 0; revision <= at; revision++) {
        told.push(loaded.get(key, revision));
        wanted.push(this.model.get(key, revision));
      }
      told.push(loaded.since(key, 0));
      wanted.push(this.model.since(key, 0).filter(({ main }) => main <= at));
    }
    expect(told).toEqual(wanted);
    checkTreeIndex(loaded);
    // Another one, of which nothing has been asked yet: what comes next meets keys that are still as they were saved.
    if (at === this.main) this.tree = loadedFrom(blocks);
  }

  act(action: Action): void {
    if (action.kind === 'transaction') this.transact(action.transaction);
    else if (action.kind === 'reopen') this.reopen();
    else if (action.kind === 'save') this.save(action);
    else this.walk(action);
    if (action.kind !== 'save') checkTreeIndex(this.tree);
    const keys = this.model.keys();
    expect(this.tree.size).toBe(keys.length);
    expect(this.tree.liveKeys).toBe(keys.filter((key) => this.model.get(key, this.main) !== undefined).length);
  }

  checkPoints(key: Uint8Array): void {
    for (let revision = 0; revision <= this.main + 1; revision++) {
      expect(this.tree.get(key, revision)).toEqual(this.model.get(key, revision));
      expect(this.tree.since(key, revision)).toEqual(this.model.since(key, revision));
    }
  }

  checkRange(key: Uint8Array, end: Uint8Array | undefined, revision: number, limit = 0, after = key): void {
    const all = this.model.range(key, end, revision);
    const limited = limit > 0 && end !== undefined ? all.slice(0, limit) : all;
    const bare = limited.map(({ main, sub }) => ({ main, sub }));
    expect(this.tree.range(key, end, revision, { limit })).toEqual({ entries: limited, total: limited.length });
    expect(this.tree.range(key, end, revision, { limit, withTotal: true }).total).toBe(all.length);
    const fromTheEnd = limit > 0 && end !== undefined ? all.toReversed().slice(0, limit) : all.toReversed();
    expect(this.tree.range(key, end, revision, { limit, reverse: true }).entries).toEqual(fromTheEnd);
    const { revisions, total } = this.tree.revisions(key, end, revision, { limit, withTotal: true });
    expect(unpacked(revisions)).toEqual(bare);
    expect(total).toBe(all.length);
    expect(this.tree.countRevisions(key, end, revision)).toBe(all.length);
    expect([...this.tree.entries(key, end, revision, after)]).toEqual(
      all.filter((entry) => Buffer.compare(entry.key, after) > 0),
    );
  }
}

function actions(key: fc.Arbitrary<Uint8Array>, changesPerTransaction: number): fc.Arbitrary<Action> {
  const transaction: fc.Arbitrary<Transaction> = fc.record({
    changes: fc.array(fc.record({ key, tombstone: fc.boolean() }), { maxLength: changesPerTransaction }),
    fails: fc.boolean(),
    fromRecords: fc.boolean(),
  });
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('transaction' as const), transaction }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('compact' as const, 'compact' as const, 'keep' as const),
        back: fc.nat(6),
        sliceKeys: fc.constantFrom(1, 2, 3, 40, 1024),
        meanwhile: fc.array(transaction, { maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('save' as const),
        back: fc.constantFrom(0, 0, 1, 2, 5),
        blockBytes: fc.constantFrom(1, 20, 200, 1 << 15),
        meanwhile: fc.array(transaction, { maxLength: 3 }),
      }),
    },
  );
}

const fewKeys = fc.constantFrom(
  ...[[], [0], [0x61], [0x61, 0], [0x61, 0x62], [0x80], [0xe9, 0xff], [0xff]].map((key) => Uint8Array.from(key)),
);
const manyKeys = fc.nat(399).map((n) => Uint8Array.of(n >>> 8, n & 255));

test('few keys: every point, range and since equals the model after every step, saved and loaded too (G30)', () => {
  const query = fc.record({
    key: fewKeys,
    end: fc.option(fewKeys, { nil: undefined }),
    back: fc.nat(8),
    limit: fc.nat(4),
    after: fewKeys,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(actions(fewKeys, 6), query), { maxLength: 16 }), (history) => {
      const pair = new Pair();
      for (const [action, { key, end, back, limit, after }] of history) {
        pair.act(action);
        for (const present of pair.model.keys()) pair.checkPoints(present);
        pair.checkPoints(key);
        pair.checkRange(key, end, Math.max(0, pair.main + 1 - back), limit, after);
      }
    }),
    { numRuns: 300 },
  );
}, 120_000);

test('many keys: whole ranges equal the model while nodes split, merge and vanish', () => {
  fc.assert(
    fc.property(fc.array(actions(manyKeys, 120), { minLength: 4, maxLength: 12 }), (history) => {
      const pair = new Pair();
      for (const action of history) {
        pair.act(action);
        pair.checkRange(new Uint8Array(), new Uint8Array(), pair.main);
        pair.checkRange(Uint8Array.of(0, 200), Uint8Array.of(1), pair.main - 1, 50);
      }
    }),
    { numRuns: 40 },
  );
});
