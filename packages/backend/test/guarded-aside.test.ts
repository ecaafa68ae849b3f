/** What the Backend adds to an engine's files beside the store. */
import { expect, onTestFinished, test } from 'vitest';
import { deferred } from '@varve/base/deferred';
import { nodeClock } from '@varve/base/node/clock';
import type { Aside } from '../src/contract/aside.ts';
import type { Engine } from '../src/contract/engine.ts';
import { deferred as late } from '../src/conformance/index.ts';
import { memoryEngine } from '../src/engines/memory.ts';
import { openBackend } from '../src/open/open-backend.ts';

/** An engine with one file of endless pieces, and what has happened to it, in order. */
function engineReading(piece: () => Promise<void>): { readonly engine: Engine; readonly log: string[] } {
  const log: string[] = [];
  const engine = late(memoryEngine());
  const close = engine.close.bind(engine);
  const aside: Aside = {
    id: 'store',
    async *read() {
      try {
        for (let n = 0; ; n++) {
          log.push(`reads ${n}`);
          await piece();
          yield Uint8Array.of(n);
        }
      } finally {
        log.push('file closed');
      }
    },
    replace: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
  const closing = async (): Promise<void> => {
    log.push('engine closed');
    await close();
  };
  return { engine: Object.assign(engine, { aside, close: closing }), log };
}

test('R74: close waits for a file beside the store that is being read, and ends that (ASD4)', async () => {
  const reading = deferred<void>();
  const { engine, log } = engineReading(() => reading.promise);
  const backend = await openBackend(engine);
  onTestFinished(() => backend.close());
  const pieces = backend.aside!.read('index')[Symbol.asyncIterator]();
  const first = pieces.next();
  const closing = backend.close();
  for (let turns = 0; turns < 20; turns++) await nodeClock.turn();
  expect(log).toEqual(['reads 0']);
  reading.resolve();
  await expect(first).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
  await closing;
  expect(log).toEqual(['reads 0', 'file closed', 'engine closed']);
});

test('R74: close ends a read that nobody goes on with, before the engine closes (ASD4)', async () => {
  const { engine, log } = engineReading(() => Promise.resolve());
  const backend = await openBackend(engine);
  const pieces = backend.aside!.read('index')[Symbol.asyncIterator]();
  expect(await pieces.next()).toEqual({ done: false, value: Uint8Array.of(0) });
  await backend.close();
  expect(log).toEqual(['reads 0', 'file closed', 'engine closed']);
  await expect(pieces.next()).rejects.toMatchObject({ code: 'BACKEND_CLOSED' });
});

test('G30: who has enough of a file gives it back, and the Backend goes on', async () => {
  const { engine, log } = engineReading(() => Promise.resolve());
  const backend = await openBackend(engine);
  onTestFinished(() => backend.close());
  for await (const piece of backend.aside!.read('index')) if (piece[0] === 1) break;
  expect(log).toEqual(['reads 0', 'reads 1', 'file closed']);
  await backend.close();
  expect(log.filter((line) => line === 'file closed')).toHaveLength(1);
});
