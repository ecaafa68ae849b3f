import { expect, test } from 'vitest';
import { deferred, failing } from '../src/conformance/index.ts';
import { Random } from '../src/conformance/random.ts';
import { type Backend, buckets, type Changes, type Engine, openBackend } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand, create, rowsOf, turns } from './helpers.ts';

const { key: k } = buckets;
const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
const name = (n: number): Uint8Array => b(`${n}`.padStart(6, '0'));

/** Counts what the engine was given, in the order of its commits, and fails the test if two calls overlap (ENG1). */
function recorded(inner: Engine): { engine: Engine; committed: () => number; overlaps: () => number } {
  let running = 0;
  let overlapN = 0;
  let rows = 0;
  const alone = async (work: () => Promise<void>): Promise<void> => {
    running += 1;
    if (running > 1) overlapN += 1;
    try {
      await work();
    } finally {
      running -= 1;
    }
  };
  const engine = new Proxy(inner, {
    get(target, member) {
      if (member === 'commit') {
        return (changes: Changes) =>
          alone(async () => {
            await target.commit(changes);
            rows += [...changes].filter(({ type }) => type === 'put').length;
          });
      }
      if (member === 'compact' || member === 'close') return () => alone(() => target[member]());
      const found: unknown = Reflect.get(target, member, target);
      return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
    },
  });
  return { engine, committed: () => rows, overlaps: () => overlapN };
}

/** Writers, readers and caretakers at once over a slow engine, closed in the middle; a commit may fail. */
test.each(seeds)('R9 R47 R77 law 7 nothing acknowledged is missing, whatever overlaps: seed %i', async (seed) => {
  const random = new Random(seed);
  const medium = memoryEngine();
  const fails = seed % 3 === 0 ? 2 + random.below(10) : Number.POSITIVE_INFINITY;
  const { engine, committed, overlaps } = recorded(deferred(failing(medium, fails), seed));
  // The rows outlive `close`, which would end them with the memory engine.
  let last: readonly string[] = [];
  const close = medium.close.bind(medium);
  medium.close = async () => {
    last = [];
    for await (const chunk of medium.scan(k)) last = [...last, ...chunk.map((row) => Buffer.from(row.key).toString())];
    await close();
  };
  const backend: Backend = await openBackend(engine, { ...byHand, batchLimit: 1 + random.below(20) });
  create(backend, k);
  let written = 0;
  let acknowledged = 0;
  const ends = new Set(['BACKEND_CLOSED', 'BACKEND_FAILED']);
  const until = async (work: () => Promise<void>): Promise<void> => {
    try {
      for (;;) {
        await work();
        await turns(random.below(4));
      }
    } catch (error) {
      if (!ends.has((error as { code: string }).code)) throw error;
    }
  };
  const writer = async (): Promise<void> => {
    if (!backend.admitting) await backend.admit();
    const mine = (written += 1);
    backend.batchTx((tx) => tx.put(k, name(mine), b('x')));
    if (random.below(3) > 0) return;
    await backend.forceCommit();
    acknowledged = Math.max(acknowledged, mine);
  };
  const reader = async (): Promise<void> => {
    using tx = backend.concurrentReadTx();
    const rowN = written;
    await turns(random.below(3));
    expect((await rowsOf(tx, k, { chunkSize: 1 + random.below(9) })).length).toBe(rowN);
  };
  const caretaker = async (): Promise<void> => {
    const dice = random.below(3);
    if (dice === 0) await backend.defrag();
    else if (dice === 1) await backend.hash();
    else for await (const _ of await backend.snapshot()) await turns(1);
  };
  const actors = [writer, writer, writer, writer, reader, reader, caretaker].map(until);
  await turns(100 + random.below(200));
  const failed = await backend.close().then(
    () => false,
    (error: { code: string }) => error.code === 'BACKEND_FAILED',
  );
  await Promise.all(actors);
  expect(overlaps()).toBe(0);
  expect(backend.openReadTxN).toBe(0);
  expect(last).toEqual(Array.from({ length: committed() }, (_, i) => Buffer.from(name(i + 1)).toString()));
  expect(last.length).toBeGreaterThanOrEqual(acknowledged);
  if (!failed && fails > backend.commits + 1) expect(last.length).toBe(written);
});
