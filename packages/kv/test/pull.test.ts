import { nodeWorld } from '@varve/base/node/world';
import { expect, test } from 'vitest';
import { Pull, type Source } from '@varve/api/implement';
import { memory, open } from '../src/index.ts';
import { failure } from './helpers.ts';

/** A source of given chunks that counts what is asked of it. */
class Chunks implements Source<number> {
  closed = 0;
  overlapping = 0;
  readonly #chunks: (readonly number[] | Error)[];
  #buffer: number[] = [];
  #loading = false;

  constructor(...chunks: (readonly number[] | Error)[]) {
    this.#chunks = chunks;
  }

  take(): number | undefined {
    return this.#buffer.shift();
  }

  async load(): Promise<boolean> {
    if (this.#loading) this.overlapping++;
    this.#loading = true;
    await Promise.resolve();
    this.#loading = false;
    const chunk = this.#chunks.shift();
    if (chunk instanceof Error) throw chunk;
    this.#buffer.push(...(chunk ?? []));
    return chunk !== undefined;
  }

  close(): void {
    this.closed++;
  }
}

test('P2: overlapping pulls are answered in order, and the source is never entered twice', async () => {
  const source = new Chunks([1, 2], [], [3]);
  const pull = new Pull(source, nodeWorld.slice);
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => pull.next()));
  expect(results.map((result) => (result.done === true ? 'done' : result.value))).toEqual([1, 2, 3, 'done', 'done']);
  expect([source.overlapping, source.closed]).toEqual([0, 1]);
});

test('P3: an error ends it once', async () => {
  const mine = new Error('mine');
  const source = new Chunks([1], mine, [2]);
  const pull = new Pull(source, nodeWorld.slice);
  expect(await pull.next()).toEqual({ done: false, value: 1 });
  expect(await failure(() => pull.next())).toBe(mine);
  expect(await pull.next()).toEqual({ done: true, value: undefined });
  expect(source.closed).toBe(1);
});

test('P4: leaving closes at once, also under a pull that waits', async () => {
  const source = new Chunks([1], [2]);
  const pull = new Pull(source, nodeWorld.slice);
  const waiting = pull.next();
  expect(await pull.return()).toEqual({ done: true, value: undefined });
  expect(source.closed).toBe(1);
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await pull.next()).toEqual({ done: true, value: undefined });
});

test('P4: who has left is not told of an error that a pull meets afterwards', async () => {
  const source = new Chunks([1], new Error('mine'));
  const pull = new Pull(source, nodeWorld.slice);
  expect(await pull.next()).toEqual({ done: false, value: 1 });
  const [waiting, behind] = [pull.next(), pull.next()];
  await pull.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await behind).toEqual({ done: true, value: undefined });
  expect(source.closed).toBe(1);
});

test('EVS3: a pull under way when its reader left is done, also where the store is closed at that moment', async () => {
  const kv = await open(memory());
  for (let i = 0; i < 200; i++) await kv.put('a', `${i}`);
  for (let i = 0; i < 200; i++) await kv.put(`k${i}`, '');
  const streams = [
    kv.history('a'),
    kv.history('a', { reverse: true }),
    kv.changes({}, { since: 1 }),
    kv.diff(2, (await kv.status()).revision, {}),
    kv.list({}),
    kv.list({}, { orderBy: 'version' }),
  ].map((items): AsyncIterator<unknown> => items[Symbol.asyncIterator]());
  // Up to a part's end; the next pull must read.
  for (const stream of streams) for (let i = 0; i < 128; i++) await stream.next();
  const waiting = streams.map((stream) => {
    const pulled = stream.next();
    void stream.return?.();
    return pulled;
  });
  const closing = kv.close();
  for (const outcome of await Promise.allSettled(waiting)) expect(outcome.status).toBe('fulfilled');
  await closing;
});
