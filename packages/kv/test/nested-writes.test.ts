/** B9: a write inside the body of another is refused, and so is the other: what looked like a part of it would be missing. */
import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { open, put, utf8, type Codec, type EmbeddedKv } from '../src/index.ts';
import { childOutput, codeOf, collect, engines, failure } from './helpers.ts';

const writes: readonly [string, (kv: EmbeddedKv) => Promise<unknown>][] = [
  ['put', (kv) => kv.put('b', '2')],
  ['put with previous', (kv) => kv.put('b', '2', { previous: true })],
  ['put that is wrong', (kv) => kv.put('', '2')],
  ['delete', (kv) => kv.delete({ all: true })],
  ['txn', (kv) => kv.txn({ then: [put('b', '2')] })],
  ['transaction', (kv) => kv.transaction((tx) => tx.put('b', '2'))],
  ['write', (kv) => kv.write((section) => section.put('b', '2'))],
  ['compact', (kv) => kv.compact(kv.revision)],
  ['compact that is wrong', (kv) => kv.compact(0)],
  ['put of a name space', (kv) => kv.namespace('n').put('b', '2')],
];

describe.each(engines)('XB9: on %s', (_engine, place) => {
  test.each(writes)('%s', async (_, write) => {
    await using kv = await open(place());
    await kv.put('before', '1');
    let inner: Promise<unknown> | undefined;
    const error = await failure(() =>
      kv.write((section) => {
        section.put('a', '1');
        // Not awaited, and nobody looks at it: as it is when it happens by mistake.
        inner = write(kv);
      }),
    );
    expect(error).toMatchObject({ code: 'BACKEND_NESTED' });
    expect(error.message).toMatch(/section's own put/);
    expect(await failure(() => inner)).toBe(error);
    expect((await collect(kv.list({}))).map((entry) => entry.key)).toEqual(['before']);
    expect(await kv.put('after', '1')).toEqual({ revision: 3 });
  });

  test('the error of the body itself comes first', async () => {
    await using kv = await open(place());
    const mine = new Error('mine');
    const error = await failure(() =>
      kv.write(() => {
        void kv.put('a', '1');
        throw mine;
      }),
    );
    expect(error).toBe(mine);
    await kv.write((section) => section.put('b', '1'));
    expect((await collect(kv.list({}))).map((entry) => entry.key)).toEqual(['b']);
  });

  test('a codec that writes while a section runs is told the same', async () => {
    let kv: EmbeddedKv | undefined;
    let meddling = false;
    const value: Codec<string> = {
      encode: (text) => utf8.encode(text),
      decode(stored) {
        if (meddling) void kv!.put('b', '1');
        return utf8.decode(stored);
      },
    };
    kv = await open(place(), { value });
    await kv.put('a', '1');
    meddling = true;
    for (const call of [
      () => kv.put('a', '2', { previous: true }),
      () => kv.delete('a', { previous: true }),
      () => kv.write((section) => section.get('a')),
    ]) {
      expect(await codeOf(call)).toBe('BACKEND_NESTED');
    }
    meddling = false;
    expect(await kv.get('a')).toMatchObject({ value: '1' });
    await kv.close();
  });

  test('reads of the store are no writes', async () => {
    await using kv = await open(place());
    await kv.put('a', '1');
    let read: Promise<unknown> | undefined;
    await kv.write((section) => {
      read = kv.get('a');
      section.put('b', '1');
    });
    expect(await read).toMatchObject({ value: '1' });
  });

  const others: readonly [string, (kv: EmbeddedKv) => Promise<unknown>][] = [
    ['hashByRev', (kv) => kv.hashByRev()],
    ['count', (kv) => kv.count({})],
    ['page', (kv) => kv.page({})],
    ['status', (kv) => kv.status()],
    ['settled', (kv) => kv.settled()],
    ['commit', (kv) => kv.commit()],
    ['defrag', (kv) => kv.defrag()],
    ['snapshot', async (kv) => (await kv.snapshot())[Symbol.asyncDispose]()],
  ];
  test.each(others)('%s is answered when the section is over', async (_, other) => {
    await using kv = await open(place());
    await kv.put('a', '1');
    let answered: Promise<unknown> | undefined;
    await kv.write((section) => {
      section.put('b', '1');
      answered = other(kv);
    });
    await answered;
    expect(await kv.count({})).toBe(2);
  });
});

test('XB9: no rejection is left unhandled', async () => {
  const program = `
    import { memory, open } from '@varve/kv';
    const kv = await open(memory());
    await kv.write((section) => { section.put('a', '1'); kv.put('b', '2'); }).catch((error) => console.log(error.code));
    await new Promise(setImmediate);
    console.log(await kv.count({}));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: import.meta.dirname });
  expect(await childOutput(child)).toBe('BACKEND_NESTED\n0\n');
});
