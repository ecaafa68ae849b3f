/**
 * LFR2, SVK3, SVK4: what a saved key is told to be where it lies is what its slot would tell, for every key there is and every one
 * there is not, at every revision, and however often it was asked for.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkTreeIndex,
  createTreeIndex,
  loadTreeIndex,
  saveTreeIndex,
  type IndexEntry,
  type TreeIndex,
} from '../src/index.ts';
import { MOST_WEAR } from '../src/saved-keys.ts';
import { blocksOf, unpacked } from './histories.ts';
import { Model } from './model.ts';

const all = new Uint8Array();

function load(blocks: Iterable<Uint8Array>): TreeIndex {
  const loading = loadTreeIndex();
  for (const block of blocks) loading.add(block);
  return loading.end();
}

/** The key itself, and what lies right before and behind it: one byte less or more, in value or in length. */
function around(key: Uint8Array): Uint8Array[] {
  const bytes = [...key];
  const last = bytes.length - 1;
  const others = [[...bytes, 0], [...bytes, 0xff], bytes.slice(0, last)];
  if (last >= 0) for (const by of [-1, 1]) others.push([...bytes.slice(0, last), (bytes[last]! + by) & 0xff]);
  return [key, ...others.map((other) => Uint8Array.from(other))];
}

/** What is told, as text: comparing objects thousands of times takes seconds. */
const text = (entry: IndexEntry | undefined): string =>
  entry === undefined
    ? 'absent'
    : [entry.main, entry.sub, entry.createdMain, entry.createdSub, entry.version].join(' ');

const byte = fc.constantFrom(0, 1, 0x61, 0x62, 0x7f, 0x80, 0xfe, 0xff);
const anyKey = fc
  .tuple(fc.nat(2), fc.array(byte, { maxLength: 4 }))
  .map(([shared, rest]) => Uint8Array.from([...Array.from({ length: 130 * shared }, () => 0x2f), ...rest]));

test('G30 law 2: every key, present, absent, before, between and after, and every range, at every revision, as the model says', () => {
  const change = fc.record({ key: fc.nat(1000), tombstone: fc.boolean(), isNext: fc.boolean() });
  fc.assert(
    fc.property(
      fc.uniqueArray(anyKey, { minLength: 1, maxLength: 70, selector: (key) => Buffer.from(key).toString('hex') }),
      fc.array(change, { maxLength: 120 }),
      fc.nat(120),
      fc.constantFrom(1, 100, 1 << 15),
      (keys, changes, compactedAt, blockBytes) => {
        const index = createTreeIndex();
        const model = new Model();
        let [main, sub] = [1, 0];
        const add = (key: Uint8Array, tombstone: boolean): void => {
          const record = model.next(key, main, sub, tombstone);
          if (record === undefined) return;
          model.records.push(record);
          if (tombstone) index.tombstone(key, main, sub);
          else index.put(key, main, sub);
          sub++;
        };
        for (const { key, tombstone, isNext } of changes) {
          if (isNext) [main, sub] = [main + 1, 0];
          add(keys[key % keys.length]!, tombstone);
        }
        for (const key of keys.slice(0, keys.length / 2)) [main, sub] = [main + 1, (add(key, false), 0)];
        const at = Math.min(compactedAt, main);
        for (const walk = index.compact(at); walk.next().done !== true;);
        model.compact(at);
        const blocks = blocksOf(saveTreeIndex(index, main, blockBytes));
        const asked = [all, ...keys].flatMap(around);
        const loaded = load(blocks);
        for (const key of asked)
          for (let revision = at; revision <= main + 1; revision += 1 + (revision % 7))
            expect(text(loaded.get(key, revision))).toBe(text(model.get(key, revision)));
        // Another one, of which nothing has been read, whatever was asked often above.
        const ranged = load(blocks);
        for (const [n, key] of asked.entries()) {
          const end = n % 9 === 0 ? undefined : n % 4 === 0 ? all : asked[(n * 7) % asked.length]!;
          const revision = Math.max(at, main + 1 - (n % 5));
          const limit = n % 3;
          const found = model.range(key, end, revision);
          const some = limit > 0 && end !== undefined ? found.slice(0, limit) : found;
          expect(unpacked(ranged.revisions(key, end, revision, { limit }).revisions)).toEqual(
            some.map(({ main, sub }) => ({ main, sub })),
          );
          expect(ranged.revisions(key, end, revision, { limit, withTotal: true }).total).toBe(found.length);
          expect(ranged.countRevisions(key, end, revision)).toBe(found.length);
          expect(ranged.countRevisions(key, end, revision, 2)).toBe(Math.min(2, found.length));
          expect(ranged.changedSince(key, end, revision - 1)).toBe(index.changedSince(key, end, revision - 1));
        }
        checkTreeIndex(loaded);
        checkTreeIndex(ranged);
        expect([loaded.size, loaded.liveKeys]).toEqual([index.size, index.liveKeys]);
      },
    ),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 1000 : 20 },
  );
});

/** Generations, revisions with subs and without, keys put once: all that a block can say. */
function varied(keyN: number): TreeIndex {
  const index = createTreeIndex();
  for (let n = 0; n < keyN; n++) index.put(numbered(n), n + 2, n % 3 === 0 ? n % 5 : 0);
  let main = keyN + 2;
  for (let n = 0; n < keyN; n += 2) index.put(numbered(n), main++, n % 14 === 0 ? 1 : 0);
  for (let n = 0; n < keyN; n += 5) index.tombstone(numbered(n), main++, 0);
  for (let n = 0; n < keyN; n += 10) index.put(numbered(n), main++, n % 20 === 0 ? 2 : 0);
  for (let n = 0; n < 400; n++) index.put(numbered(3), main++, 0);
  return index;
}

const numbered = (n: number): Uint8Array => Buffer.from(`key/${String(n).padStart(4, '0')}`);

test('G30: of keys with histories of every form a lookup tells what it tells once they are read', () => {
  const keyN = 300;
  const index = varied(keyN);
  for (const atMain of [200, 520, 5000]) {
    const blocks = blocksOf(saveTreeIndex(index, atMain, 4000));
    const [asked, read] = [load(blocks), load(blocks)];
    // An edit reads every leaf.
    for (const walk = read.compact(0); walk.next().done !== true;);
    for (let n = 0; n < keyN; n++)
      for (const key of around(numbered(n)))
        for (const revision of [0, n + 1, n + 2, 350, 460, 500, 520, 540, 700, atMain]) {
          const told = text(asked.get(key, revision));
          if (told !== text(read.get(key, revision))) throw new Error(`key ${n} at ${revision}: ${told}`);
        }
    checkTreeIndex(asked);
  }
});

test('LEF3 law 2: what is written to saved keys, and asked in between, is what an index that was never saved says', () => {
  const keyN = 300;
  const action = fc.record({
    kind: fc.constantFrom(
      'put',
      'put',
      'put',
      'tombstone',
      'undo',
      'get',
      'get',
      'revisions',
      'count',
      'changed',
      'since',
      'new',
      'compact',
    ),
    key: fc.nat(keyN - 1),
    length: fc.nat(100),
    back: fc.nat(40),
    limit: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 90 }), (actions) => {
      const index = varied(keyN);
      const loaded = load(blocksOf(saveTreeIndex(index, 5000, 4000)));
      let main = 5000;
      for (const { kind, key: n, length, back, limit } of actions) {
        const key = numbered(n);
        const end = numbered(n + length);
        const [one, other] = [loaded, index].map((each): unknown => {
          if (kind === 'put') return text(each.put(key, main + 1, limit));
          if (kind === 'new') return text(each.put(Buffer.concat([key, Buffer.from('+')]), main + 1, limit));
          if (kind === 'tombstone') return each.tombstone(key, main + 1, limit);
          if (kind === 'undo') {
            each.put(key, main + 1, 0);
            each.tombstone(end, main + 1, 1);
            each.undo(end, main + 1);
            return each.undo(key, main + 1);
          }
          if (kind === 'compact') {
            const walk = each.compact(main - 2 * length - back, 1 + limit * 17);
            let step = walk.next();
            for (; step.done !== true; step = walk.next()) each.get(key, main);
            return step.value.size;
          }
          if (kind === 'get') return text(each.get(key, main - back));
          if (kind === 'revisions') return unpacked(each.revisions(key, end, main - back, { limit }).revisions);
          if (kind === 'count') return each.countRevisions(key, end, main - back);
          if (kind === 'changed') return each.changedSince(key, end, main - back);
          return each.since(key, main - back);
        });
        main++;
        expect(one).toEqual(other);
      }
      const rest = [loaded, index].map((each) => [...each.entries(all, all, main)]);
      expect(rest[0]).toEqual(rest[1]);
      expect([loaded.size, loaded.liveKeys]).toEqual([index.size, index.liveKeys]);
      checkTreeIndex(loaded);
    }),
    { numRuns: process.env['VARVE_LARGE'] === '1' ? 1000 : 15 },
  );
});

test('SVK4 decisions/0052: keys asked for until they are worth reading, and written to then, stay what they are', () => {
  const index = varied(600);
  const asked = load(blocksOf(saveTreeIndex(index, 5000, 4000)));
  const wanted = (n: number): unknown => index.get(numbered(n), 5000);
  // More than any search passes: the last keys of every leaf, in turns, then one key alone.
  for (let round = 0; round < 3; round++) for (let n = 0; n < 600; n++) asked.get(numbered(n), 5000);
  for (let n = 0; n < MOST_WEAR / 100; n++)
    expect(asked.get(numbered(50 + (n % 2)), 5000)).toEqual(wanted(50 + (n % 2)));
  for (let n = 0; n < 20; n++) expect(asked.get(numbered(400), 5000)).toEqual(wanted(400));
  checkTreeIndex(asked);
  for (const each of [asked, index]) {
    each.put(numbered(400), 6000, 0);
    each.tombstone(numbered(51), 6001, 0);
    each.put(numbered(52), 6002, 0);
    each.undo(numbered(52), 6002);
  }
  for (let n = 0; n < 600; n++) expect(asked.get(numbered(n), 7000)).toEqual(index.get(numbered(n), 7000));
  expect([asked.size, asked.liveKeys]).toEqual([index.size, index.liveKeys]);
  checkTreeIndex(asked);
});
