/** A7: what an engine answers is checked, wherever it is asked: an error with bucket and key, never a loop without end. */
import { expect, test } from 'vitest';
import { buckets, openBackend, type Backend, type Engine, type Entry, type ScanOptions } from '../src/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { b, byHand, rowsOf } from './helpers.ts';

const { key: k } = buckets;
type Lie = (rows: readonly Entry[], options: ScanOptions) => readonly Entry[];

function lying(): { engine: Engine; tell: (lie: Lie | undefined) => void } {
  const inner = memoryEngine();
  let lie: Lie | undefined;
  type View = Pick<Engine, 'get' | 'scan' | 'buckets'>;
  const view = (real: View): View => ({
    get: (bucket, key) => real.get(bucket, key),
    buckets: () => real.buckets(),
    async *scan(bucket, options = {}) {
      for await (const rows of real.scan(bucket, options)) yield lie?.(rows, options) ?? rows;
    },
  });
  const engine: Engine = {
    ...view(inner),
    pin() {
      const pinned = inner.pin();
      return { ...view(pinned), [Symbol.dispose]: () => pinned[Symbol.dispose]() };
    },
    commit: (changes) => inner.commit(changes),
    compact: () => inner.compact(),
    close: () => inner.close(),
    size: 0,
    sizeInUse: 0,
  };
  return { engine, tell: (next) => void (lie = next) };
}

async function filled(): Promise<{ backend: Backend; tell: (lie: Lie | undefined) => void }> {
  const { engine, tell } = lying();
  const backend = await openBackend(engine, byHand);
  backend.batchTx((tx) => {
    tx.createBucket(k);
    for (let i = 10; i < 60; i += 1) tx.put(k, b(`key${i}`), b(`value ${i}`));
  });
  await backend.forceCommit();
  return { backend, tell };
}

let first: readonly Entry[] | undefined;
const lies: readonly (readonly [name: string, lie: Lie])[] = [
  ['keys that do not ascend', (rows) => rows.toReversed()],
  ['a key twice', (rows) => [...rows, rows.at(-1)!]],
  ['the first chunk again and again', (rows) => (first ??= rows)],
  ['an empty chunk', () => []],
];
const questions: readonly (readonly [name: string, ask: (backend: Backend) => Promise<unknown>])[] = [
  ['a scan', async (backend) => rowsOf(backend.concurrentReadTx(), k, { chunkSize: 20 })],
  [
    'a scan beside changes that wait',
    async (backend) => {
      backend.batchTx((tx) => {
        for (let i = 60; i < 90; i += 1) tx.put(k, b(`key${i}`), b('new'));
        tx.delete(k, b('key30'));
      });
      return rowsOf(backend.concurrentReadTx(), k, { chunkSize: 20 });
    },
  ],
];

for (const [name, ask] of questions) {
  test.each(lies)(`XA7: ${name} that gets %s is BACKEND_CORRUPT`, async (_, lie) => {
    const { backend, tell } = await filled();
    first = undefined;
    tell(lie);
    await expect(ask(backend)).rejects.toMatchObject({
      code: 'BACKEND_CORRUPT',
      message: expect.stringContaining('bucket "key"'),
    });
    tell(undefined);
    await backend.close();
  });
}

test.each(lies.filter(([name]) => !name.startsWith('the first')))(
  'XA7: hash and snapshot that get %s',
  async (_, lie) => {
    const { backend, tell } = await filled();
    tell(lie);
    await expect(backend.hash()).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
    const snapshot = backend.snapshot().then(async (copy) => {
      for await (const chunk of copy) void chunk;
    });
    await expect(snapshot).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
    tell(undefined);
    await backend.close();
  },
);

test('XA7: a key before the start or behind the end that was asked for is BACKEND_CORRUPT, and named', async () => {
  const { backend, tell } = await filled();
  const before: Lie = (rows) => [{ key: b('key1'), value: b('') }, ...rows];
  const behind: Lie = (rows) => [...rows, { key: b('key9'), value: b('') }];
  const range = { start: b('key20'), end: b('key40') };
  for (const [lie, key] of [
    [before, b('key1')],
    [behind, b('key9')],
  ] as const) {
    tell(lie);
    const scan = rowsOf(backend.concurrentReadTx(), k, range);
    await expect(scan).rejects.toThrow(`bucket "key": key ${Buffer.from(key).toString('hex')} was given`);
  }
  tell((rows) => rows.map(({ value }, i) => ({ key: new Uint8Array(20_000).fill(255 - i), value })));
  const error: unknown = await rowsOf(backend.concurrentReadTx(), k).catch((reason: unknown) => reason);
  expect((error as Error).message.length).toBeLessThan(500);
  tell(undefined);
  await backend.close();
});

test('XA7: an engine that lies at open is refused, and closed', async () => {
  const { engine, tell } = lying();
  await engine.commit([
    { type: 'createBucket', bucket: k },
    { type: 'put', bucket: k, key: b('a'), value: b('1') },
    { type: 'put', bucket: k, key: b('b'), value: b('1') },
  ]);
  tell((rows) => [...rows, { key: b('a'), value: b('1') }]);
  await expect(openBackend(engine)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' });
  expect(() => engine.buckets()).toThrow(expect.objectContaining({ code: 'BACKEND_CLOSED' }));
});
