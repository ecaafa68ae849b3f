/** decisions/0043: what a page loads with its first use, where its file cannot be fetched: LAT2 of `@varve/base/late`, on every such part. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Memory from '@varve/kv/memory';
import { expect, onTestFinished, test } from 'vitest';
import { bundle, type Chunk } from '../lib/bundle.mjs';

type MemoryKv = Memory.MemoryKv;

/** A page, the files of which may not all be there. */
interface Page {
  readonly memory: typeof Memory;
  /** Files that were asked for since this was set to 0. */
  asked: number;
  /** The first of them that cannot be fetched; those after it cannot be either. */
  failsFrom: number;
}

let built: Promise<readonly Chunk[]> | undefined;

/** What a browser says of a file that it could not fetch. */
const unreachable = new TypeError('Failed to fetch dynamically imported module');

/** Every page has files, and so parts, of its own. */
async function newPage(): Promise<Page> {
  built ??= bundle(fileURLToPath(new URL('../../../packages/kv/dist/memory.js', import.meta.url))).then(
    ({ chunks }) => chunks,
  );
  const chunks = await built;
  const scratch = mkdtempSync(join(tmpdir(), 'varve-page-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const folder = join(scratch, 'node_modules', 'page'); // what lies there the test runner leaves to Node, which is faster
  mkdirSync(folder, { recursive: true });
  const page = { asked: 0, failsFrom: Infinity };
  const name = `fetch${scratch.replaceAll(/\W/g, '_')}`;
  const url = (file: string): string => pathToFileURL(join(folder, file)).href;
  const load = (file: string): Promise<unknown> => {
    page.asked++;
    return page.asked < page.failsFrom ? import(url(file)) : Promise.reject(unreachable);
  };
  Object.assign(globalThis, { [name]: load });
  onTestFinished(() => void Reflect.deleteProperty(globalThis, name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const { fileName, code } of chunks)
    writeFileSync(join(folder, fileName), code.replaceAll('import(', `${name}(`));
  const entry = chunks.find(({ isEntry }) => isEntry)!;
  return Object.assign(page, { memory: (await import(url(entry.fileName))) as typeof Memory });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

/** What a store holds, and who holds it. */
async function stateOf(kv: MemoryKv): Promise<unknown> {
  const { holds, metrics } = kv.stats();
  return {
    status: await kv.status(),
    entries: await collect(kv.list({ prefix: '' })),
    leases: (await kv.leases()).map(({ id, ttl }) => [id, ttl]),
    granted: metrics['lease_granted_total'],
    holds: holds.length,
  };
}

/** What needs a part, for a store of four revisions that has loaded none; `already` is loaded before the network goes. */
interface Use {
  readonly ask: (kv: MemoryKv, memory: typeof Memory) => Promise<unknown>;
  readonly already?: (kv: MemoryKv) => Promise<unknown>;
}

const uses: Record<string, Use> = {
  'a lease': { ask: (kv) => kv.lease({ ttl: 600 }) },
  'a lease, of a store that has some': {
    already: (kv) => kv.put('leased', '1', { ttl: 600 }),
    ask: (kv) => kv.lease({ ttl: 600 }),
  },
  'a lease that is taken up': {
    already: (kv) => kv.put('leased', '1', { ttl: 600 }),
    ask: async (kv) => kv.lease({ id: (await kv.leases())[0]!.id }),
  },
  'a put that grants a lease': { ask: (kv) => kv.put('b', '1', { ttl: 600 }) },
  'a section': { ask: (kv) => kv.write((section) => section.put('b', '1')) },
  'a txn': { ask: (kv, { put }) => kv.txn({ then: [put('b', '1')] }) },
  'a transaction': { ask: (kv) => kv.transaction(async (tx) => tx.put('b', `${(await tx.get('a'))?.value}`)) },
  'a compaction': { ask: (kv) => kv.compact(3, { physical: true }) },
  'a difference': { ask: (kv) => collect(kv.diff(2, 4, { prefix: '' })) },
  'a check': { ask: (kv) => kv.check() },
  'a hash': { ask: (kv) => kv.hashByRev() },
  'an undo': { ask: (kv) => kv.undo({ prefix: '' }, 2) },
  'a date': { ask: (kv) => kv.revisionAt(Date.now()) },
  'the time of a revision': { ask: (kv) => kv.timeOf(2) },
  'a watch of the past': { ask: (kv) => firstOf(kv.watch({ prefix: '' }, { from: 2 })) },
  'a copy': { ask: async (kv) => (await kv.snapshot()).close() },
};

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const notLoaded = {
  code: 'BASE_NOT_LOADED',
  cause: unreachable,
  message: expect.stringContaining(unreachable.message) as string,
};

test.each(Object.entries(uses))(
  'decisions/0043: %s is refused where its code cannot be had, changes nothing, and is there the next time',
  async (_, { ask, already }) => {
    let files = 1; // that it takes: known when it was done once
    for (let nth = 1; nth <= files; nth++) {
      const page = await newPage();
      await using kv = await page.memory.open(undefined, { times: true });
      for (const value of ['1', '2', '3']) await kv.put('a', value);
      await already?.(kv);
      const before = await stateOf(kv);
      Object.assign(page, { asked: 0, failsFrom: nth });
      const failure = await failureOf(ask(kv, page.memory));
      expect(failure).toMatchObject(notLoaded);
      expect(page.memory.codeOf(failure)).toBe('BASE_NOT_LOADED');
      expect(await stateOf(kv)).toEqual(before);
      // Nobody is held up by it, and it is tried again.
      Object.assign(page, { asked: 0, failsFrom: 1 });
      const [again, put] = await Promise.all([failureOf(ask(kv, page.memory)), kv.put('beside', '1')]);
      expect(again).toMatchObject(notLoaded);
      expect(put.revision).toBeGreaterThan(4);
      expect(page.asked).toBeGreaterThan(0);
      Object.assign(page, { asked: 0, failsFrom: Infinity });
      await ask(kv, page.memory);
      files = Math.max(files, page.asked);
    }
  },
);

test.each([
  ['what keeps it small', { retain: { revisions: 10 } }],
  ['what notes the times', { times: true }],
] as const)(
  'decisions/0043: a store with %s does not open without that code, and its engine is closed',
  async (_, options) => {
    const page = await newPage();
    const { memory, open } = page.memory;
    page.failsFrom = 1;
    const engine = memory();
    expect(await failureOf(open(engine, options))).toMatchObject(notLoaded);
    expect(() => engine.pin()).toThrow(expect.objectContaining({ code: 'BACKEND_CLOSED' }));
    await using without = await open();
    await without.put('a', '1');
    page.failsFrom = Infinity;
    await using kv = await open(undefined, options);
    await kv.put('a', '1');
  },
);
