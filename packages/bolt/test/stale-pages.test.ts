import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bolt, OpenOptions, WriteBucket, WriteTransaction } from '../src/index.ts';
import { BoltError } from '../src/index.ts';
import { chooseMeta } from '../src/open/choose-meta.ts';
import { digestOf } from './digest.ts';
import { contentsOf, openImage, PageVersions } from './page-versions.ts';
import type { State } from './page-versions.ts';
import { seeded, SimulatedDisk } from './simulated-disk.ts';

const PAGE = 512;
const options: OpenOptions = { pageSize: PAGE };
const key = (i: number): string => `k${String(i).padStart(4, '0')}`;

function fill(bucket: WriteBucket, count: number, value: string, bytes = 60): void {
  for (let i = 0; i < count; i++) bucket.put(key(i), value.repeat(bytes));
}

/** The page that a field of the newest meta record names. */
function metaField({ bytes }: State, field: 'root' | 'freelist'): number {
  const records = [0, PAGE].map((at) => ({
    txid: Number(bytes.readBigUInt64LE(at + 64)),
    page: Number(bytes.readBigUInt64LE(at + (field === 'root' ? 32 : 48))),
  }));
  return records.toSorted((a, b) => b.txid - a.txid)[0]?.page ?? 0;
}

/** A page that is of that kind in a state. */
function kindOf(versions: PageVersions, state: State, page: number): number {
  return versions.page(state, page).readUInt16LE(8);
}

/** Every way to look at all of a file. */
const looks: readonly [string, (bolt: Bolt) => unknown][] = [
  ['entries', (bolt) => digestOf(bolt)],
  ['backward', (bolt) => backward(bolt)],
  ['get', (bolt) => everyGet(bolt)],
  ['check', async (bolt) => throwFirst(await bolt.check())],
  ['stats', (bolt) => bolt.stats()],
  ['compact', (bolt) => bolt.copyTo('/disk/compacted.db')],
  ['copy', (bolt) => readAll(bolt)],
  ['defragment', (bolt) => bolt.defrag()],
  ['deleting', (bolt) => bolt.write((tx) => deleteAll(tx))],
];

function backward(bolt: Bolt): void {
  using tx = bolt.read();
  const walk = (bucket: NonNullable<ReturnType<typeof tx.bucket>>): void => {
    const cursor = bucket.cursor();
    for (let found = cursor.last(); found; found = cursor.prev()) {
      const nested = cursor.isBucket ? bucket.bucket(cursor.key) : undefined;
      if (nested !== undefined) walk(nested);
    }
  };
  walk(tx.root);
}

function everyGet(bolt: Bolt): void {
  using tx = bolt.read();
  for (const name of ['tree', 'outer'])
    for (const bucket of [tx.bucket(name), tx.bucket(name)?.bucket('inner')])
      for (let i = 0; i < 200; i++) bucket?.get(key(i));
}

function throwFirst({
  problems,
}: {
  readonly problems: readonly { rule: string; page: number | undefined; message: string }[];
}): void {
  const stale = problems.find(({ rule }) => rule === 'stale' || rule === 'checksum') ?? problems[0];
  if (stale !== undefined) throw new BoltError('BOLT_CORRUPT', stale.message, { page: stale.page, rule: stale.rule });
}

async function readAll(bolt: Bolt): Promise<void> {
  for await (const _ of bolt.copy({ chunkBytes: PAGE })) continue;
}

function deleteAll(tx: WriteTransaction): void {
  for (const { key: name } of tx.root.entries()) tx.deleteBucket(name);
}

/** One history in which every kind of page gets older versions at its own place. */
async function history(commits = 30): Promise<PageVersions> {
  const bodies = Array.from({ length: commits }, (_, i) => (tx: WriteTransaction): void => {
    const value = String.fromCharCode(97 + (i % 26));
    const tree = tx.createBucketIfMissing('tree');
    if (i === 0) fill(tree, 120, value);
    for (let j = 0; j < 120; j += 3) tree.put(key((j + i) % 120), value.repeat(60));
    const inner = tx.createBucketIfMissing('outer').createBucketIfMissing('inner');
    fill(inner, 40, value, 30);
    inner.put('large', Buffer.alloc(3 * PAGE, i));
  });
  return PageVersions.of(bodies, options);
}

interface Place {
  readonly versions: PageVersions;
  readonly state: State;
  readonly page: number;
  readonly pages: number;
}

/** Every page in use that has an older version of the same kind at its place, by what points to it. */
async function places(): Promise<Map<string, Place>> {
  const versions = await history();
  const found = new Map<string, Place>();
  const { last } = versions;
  const roots = pointers(versions);
  for (const state of versions.states.slice(0, -1)) {
    for (const [page, { kind, pages }] of roots) {
      if ((page + pages) * PAGE > state.bytes.length) continue;
      const older = versions.page(state, page);
      const sameKind = older.readUInt32LE(0) === page && kindOf(versions, state, page) === kindOf(versions, last, page);
      const sameRun = older.readUInt32LE(12) === pages - 1;
      if (sameKind && sameRun && !older.equals(versions.page(last, page))) {
        if (!found.has(kind)) found.set(kind, { versions, state, page, pages });
      }
    }
  }
  return found;
}

/** Pages in use of the newest state: what points to them, and how long they are. */
function pointers(versions: PageVersions): Map<number, { readonly kind: string; readonly pages: number }> {
  const { last } = versions;
  const found = new Map<number, { readonly kind: string; readonly pages: number }>();
  const visit = (id: number, kind: string): void => {
    const head = versions.page(last, id);
    const pages = head.readUInt32LE(12) + 1;
    const page = versions.page(last, id, pages);
    const branch = head.readUInt16LE(8) === 1;
    found.set(id, { kind: `${kind}${branch ? ', a branch' : pages > 1 ? ', several pages' : ', a leaf'}`, pages });
    for (let i = 0; i < head.readUInt16LE(10); i++) {
      const element = 16 + 16 * i;
      if (branch) visit(Number(page.readBigUInt64LE(element + 8)), 'child of a branch');
      else if (page.readUInt32LE(element) === 1) {
        const value = element + page.readUInt32LE(element + 4) + page.readUInt32LE(element + 8);
        const root = Number(page.readBigUInt64LE(value));
        if (root !== 0) visit(root, 'root of a bucket');
      }
    }
  };
  visit(metaField(last, 'root'), 'root of all');
  const list = metaField(last, 'freelist');
  found.set(list, { kind: 'free list', pages: versions.page(last, list).readUInt32LE(12) + 1 });
  return found;
}

describe('XA7: one page as it was some commits before, its seal right', async () => {
  const found = await places();
  const trees = [...found].filter(([kind]) => kind !== 'free list');

  test('there is one for each place that can point to a page', () => {
    expect([...found.keys()].toSorted()).toEqual([
      'child of a branch, a branch',
      'child of a branch, a leaf',
      'child of a branch, several pages',
      'free list',
      'root of a bucket, a branch',
      'root of a bucket, a leaf',
      'root of all, a leaf',
    ]);
  });

  for (const [kind, { versions, state, page, pages }] of trees) {
    test.each(looks)(`XA7: ${kind}: %s refuses, and names the page`, async (_, look) => {
      await using bolt = await openImage(versions.withOlder(state, page, pages));
      const error: unknown = await Promise.resolve()
        .then(() => look(bolt))
        .then(
          () => undefined,
          (reason: unknown) => reason,
        );
      expect(error).toMatchObject({ code: 'BOLT_CORRUPT', page, rule: 'stale' });
      expect(String(error)).toMatch(/written by transaction \d+, not the one .* points to: an older copy\?/);
    });
  }

  test('XA7: free list: opening for writing refuses, check reports, reading goes on', async () => {
    const { versions, state, page, pages } = found.get('free list') as Place;
    const image = versions.withOlder(state, page, pages);
    await expect(openImage(image)).rejects.toMatchObject({ code: 'BOLT_FREELIST', page });
    await using bolt = await openImage(image, { readOnly: true });
    expect((await bolt.check()).problems).toMatchObject([{ rule: 'stale', page }]);
    expect(digestOf(bolt)).toBe(versions.last.digest);
  });

  test('XA7: one page of a run of several: its checksum does not match', async () => {
    const { versions, state, page, pages } = found.get('child of a branch, several pages') as Place;
    for (let part = 0; part < pages; part++) {
      const image = versions.withOlder(state, page + part);
      expect(await contentsOf(image, { readOnly: true })).toMatchObject({ code: 'BOLT_CORRUPT', page });
    }
  });
});

describe('XA7: every older version of every page of random histories', () => {
  const change = fc.record({
    bucket: fc.nat(2),
    nested: fc.boolean(),
    keys: fc.array(fc.nat(60), { minLength: 1, maxLength: 25 }),
    bytes: fc.oneof(fc.nat(80), fc.constant(1200)),
    remove: fc.boolean(),
    drop: fc.constantFrom(false, false, false, false, true),
  });

  test.each<[string, OpenOptions]>([
    ['a list of free pages', {}],
    ['none', { freelist: 'scanned' }],
  ])(
    'XA7: same contents, or damage that is told, with %s',
    async (_, more) => {
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 8, maxLength: 16 }), fc.nat(), async (changes, pick) => {
          const versions = await PageVersions.of(
            changes.map((one, i) => (tx: WriteTransaction): void => {
              const top = tx.createBucketIfMissing(`b${one.bucket}`);
              const bucket = one.nested ? top.createBucketIfMissing('nested') : top;
              for (const at of one.keys) {
                if (one.remove) bucket.delete(key(at));
                else bucket.put(key(at), Buffer.alloc(one.bytes, i));
              }
              if (one.drop) top.deleteBucket('nested');
            }),
            { ...options, ...more },
          );
          const { last } = versions;
          for (const state of versions.states.slice(0, -1)) {
            const pages = versions.changed(state);
            for (let at = pick % 3; at < pages.length; at += 3) {
              const image = versions.withOlder(state, pages[at] as number);
              const got = await contentsOf(image, { ...more, readOnly: pick % 2 === 0 });
              if (got === last.digest) continue;
              if (got instanceof BoltError && ['BOLT_CORRUPT', 'BOLT_FREELIST'].includes(got.code)) continue;
              throw new Error(`page ${pages[at]}: ${String(got)}`);
            }
          }
        }),
        { numRuns: 25 },
      );
    },
    120_000,
  );
});

describe('XA7, XA8: an image out of pages of several commits', () => {
  test('XA8: what cp makes of a file that is being written: exactly one commit, or damage that is told', async () => {
    const { states } = await history(240);
    const random = seeded(3);
    const pick = (limit: number): number => Math.floor(random() * limit);
    const seen = { commit: 0, damage: 0 };
    for (let copy = 0; copy < 150; copy++) {
      // Front to back, a piece from each moment; slow copies see hundreds of commits, fast ones none or one.
      const piece = PAGE * (1 + pick(8));
      const pause = [2, 8, 100][copy % 3] as number;
      let moment = pick(100);
      const length = (states.at(-1) as State).bytes.length;
      const image = Buffer.alloc(length);
      for (let at = 0; at < length; at += piece) {
        const { bytes } = states[moment] as State;
        if (at < bytes.length) bytes.copy(image, at, at, at + piece);
        if (pick(3) === 0) moment = Math.min(moment + pick(pause), states.length - 1);
      }
      const got = await contentsOf(image, { readOnly: copy % 2 === 0 });
      if (got instanceof BoltError) expect(got.code).toMatch(/BOLT_CORRUPT|BOLT_FREELIST/);
      else expect(states.map(({ digest }) => digest)).toContain(got);
      seen[got instanceof BoltError ? 'damage' : 'commit']++;
    }
    expect(seen.damage).toBeGreaterThan(50);
    expect(seen.commit).toBeGreaterThan(0);
  });

  test('XA7: the excepted: an older meta page is a crash before its commit', async () => {
    const versions = await history();
    const { states, last } = versions;
    const before = states.at(-2) as State;
    const file = await SimulatedDisk.holding(new Map([['/m', last.bytes]])).open('/m', 'read');
    const { activePage } = chooseMeta(file, '/m');
    await file.close();
    for (const older of [states.at(-3) as State, states.at(-7) as State]) {
      const image = Buffer.from(last.bytes);
      older.bytes.copy(image, activePage * PAGE, activePage * PAGE, (activePage + 1) * PAGE);
      expect(await contentsOf(image)).toBe(before.digest);
    }
    for (const older of states.slice(-12, -3)) {
      const image = Buffer.from(last.bytes);
      older.bytes.copy(image, 0, 0, 2 * PAGE);
      expect(await contentsOf(image)).toMatchObject({ code: expect.stringMatching(/BOLT_CORRUPT|BOLT_FREELIST/) });
    }
  });
});
