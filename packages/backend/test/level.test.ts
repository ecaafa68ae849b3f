import { expect, test } from 'vitest';
import type { Change } from '../src/contract/engine.ts';
import { deferred, engineConformance } from '../src/conformance/index.ts';
import { levelEngine } from '../src/engines/level/index.ts';
import { bytes, create, open, put, rows, scanned, temporaryPath, text } from './level-support.ts';

const paths = new WeakMap<object, string>();

engineConformance({
  test,
  async open() {
    const path = temporaryPath();
    const engine = await levelEngine(path);
    paths.set(engine, path);
    return engine;
  },
  async reopen(closed) {
    const path = paths.get(closed) as string;
    const engine = await levelEngine(path);
    paths.set(engine, path);
    return engine;
  },
});

let seed = 0;
engineConformance({
  test: (name, body) => test(`deferred: ${name}`, body),
  open: async () => deferred(await open(temporaryPath()), (seed += 1)),
});

test('values are plain Uint8Arrays of their own, on reads and scans (ENG4)', async () => {
  const engine = await open(temporaryPath());
  await engine.commit([create(), put('a', 'one')]);
  const value = engine.get(rows, bytes('a'))!;
  expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
  value.fill(0);
  expect(text(engine, 'a')).toBe('one');
  const [entry] = await scanned(engine);
  expect(Object.getPrototypeOf(entry!.key)).toBe(Uint8Array.prototype);
  expect(Object.getPrototypeOf(entry!.value)).toBe(Uint8Array.prototype);
});

const value = (size: number): Uint8Array => new Uint8Array(size).map((_, i) => (i * 31 + size) % 256);
const key = (size: number): Uint8Array => new Uint8Array(1 + (size % 32_768)).fill(size % 251);

test('rows of any size come back: key of 32 KiB, value of none, of 1.5 MiB (R4)', async () => {
  const engine = await open(temporaryPath());
  const sizes = [0, 1, 255, 2048, 2049, 65_536, 1_572_864];
  await engine.commit([
    create(),
    ...sizes.map((size): Change => ({ type: 'put', bucket: rows, key: key(size), value: value(size) })),
  ]);
  // `toEqual` looks at a million numbers one by one, for half a minute on a busy machine.
  for (const size of sizes) expect(Buffer.compare(engine.get(rows, key(size))!, value(size))).toBe(0);
  expect(await scanned(engine)).toHaveLength(new Set(sizes.map((size) => key(size).join())).size);
});

test('a removed bucket leaves no row behind for the one that gets its slot, in the same commit or later', async () => {
  const engine = await open(temporaryPath());
  const other = { id: 3, name: 'other', appendOnly: false };
  await engine.commit([create(), put('a', '1'), put('b', '1')]);
  await engine.commit([
    put('c', '2'),
    { type: 'deleteBucket', bucket: rows },
    create(),
    put('d', '3'),
    { type: 'deleteBucket', bucket: rows },
    create(other),
    put('e', '4', other),
  ]);
  expect(engine.buckets()).toEqual(['other']);
  expect(await scanned(engine)).toEqual([]);
  expect((await scanned(engine, other)).map(({ key }) => new TextDecoder().decode(key))).toEqual(['e']);
  await engine.commit([create()]);
  expect(await scanned(engine)).toEqual([]);
});

test('law 10: a commit of 40,000 rows lets timers run while it is put together', async () => {
  const engine = await open(temporaryPath(), { writeBufferBytes: 64 << 20 });
  const value = new Uint8Array(300);
  const changes = Array.from({ length: 40_000 }, (_, n): Change => ({
    type: 'put',
    bucket: rows,
    key: bytes(String(n).padStart(17, '0')),
    value,
  }));
  let turns = 0;
  const beat = (): void => void ((turns += 1), (next = setImmediate(beat)));
  let next = setImmediate(beat);
  await engine.commit([create(), ...changes]);
  clearImmediate(next);
  expect(turns).toBeGreaterThan(3);
});

test('size grows with commits and shrinks with compaction; sizeInUse is within it', async () => {
  const engine = await open(temporaryPath());
  const empty = engine.size;
  const value = 'x'.repeat(1000);
  await engine.commit([create(), ...Array.from({ length: 2000 }, (_, n) => put(`k${n}`, value))]);
  expect(engine.size - empty).toBeGreaterThan(1_900_000);
  await engine.compact();
  const full = engine.size;
  expect(full).toBeGreaterThan(1_900_000);
  await engine.commit(
    Array.from({ length: 2000 }, (_, n): Change => ({ type: 'delete', bucket: rows, key: bytes(`k${n}`) })),
  );
  await engine.compact();
  expect(engine.size).toBeLessThan(full / 4);
  expect(engine.sizeInUse).toBeLessThanOrEqual(engine.size);
});
