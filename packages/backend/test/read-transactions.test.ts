import { describe, expect, test } from 'vitest';
import { buckets } from '../src/index.ts';
import { b, create, engines, opened, read, rowsOf, s, scan, write } from './helpers.ts';

const { test: t, key: k } = buckets;

/** `foo` up to, not including, `foo3`: the bounds of spec 3.3 as options. */
function range(start: string, end?: string): { start: Uint8Array; end?: Uint8Array } {
  return end === undefined ? { start: b(start) } : { start: b(start), end: b(end) };
}

describe.each(engines)('read transactions on %s', (_, make) => {
  test('B9 the seven ranges of spec 3.3, single keys by get and the others by scan, before and after a commit', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    for (const bucket of [t, k]) write(backend, bucket, { foo: 'bar', foo1: 'bar1', foo2: 'bar2' });
    for (const committed of [false, true]) {
      if (committed) await backend.forceCommit();
      for (const bucket of [t, k]) {
        backend.batchTx((tx) => {
          expect(s(tx.get(bucket, b('foo')))).toBe('bar');
          expect(tx.get(bucket, b('doo'))).toBeUndefined();
        });
        expect(read(backend, bucket, 'foo')).toBe('bar');
        expect(read(backend, bucket, 'doo')).toBeUndefined();
        using tx = backend.concurrentReadTx();
        expect(s(tx.get(bucket, b('foo')))).toBe('bar');
        expect(await rowsOf(tx, bucket, range('foo', 'foo1'))).toEqual(['foo=bar']);
        const all = ['foo=bar', 'foo1=bar1', 'foo2=bar2'];
        expect(await rowsOf(tx, bucket, range('foo', 'foo3'))).toEqual(all);
        expect(await rowsOf(tx, bucket, range('goo', 'goo3'))).toEqual([]);
        for (const limit of [1, 4]) {
          for await (const chunk of tx.scan(bucket, { ...range('foo', 'foo3'), chunkSize: limit })) {
            expect(chunk.map(({ key, value }) => `${s(key)}=${s(value)}`)).toEqual(all.slice(0, limit));
            break;
          }
        }
      }
    }
  });

  test('B10 BQ6 one key is one row, however its neighbours begin', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { foo: '1', foo1: '2' });
    using tx = backend.concurrentReadTx();
    expect([read(backend, t, 'foo'), s(tx.get(t, b('foo')))]).toEqual(['1', '1']);
    expect(backend.batchTx((section) => s(section.get(t, b('foo'))))).toBe('1');
    expect(read(backend, t, 'fo')).toBeUndefined();
    for (const committed of [false, true]) {
      if (committed) await backend.forceCommit();
      // An end that is there and empty lies before every key.
      expect(await scan(backend, t, { start: b('foo'), end: b('') })).toEqual([]);
    }
  });

  test('B20 rows of two sections and two commits, each once', async () => {
    await using backend = await opened(make);
    create(backend, k, t);
    write(backend, k, { key1: '1' });
    write(backend, k, { key2: '2' });
    await backend.forceCommit();
    await backend.forceCommit();
    write(backend, t, { foo: 'bar' });
    expect(await scan(backend, k, range('key', 'key5'))).toEqual(['key1=1', 'key2=2']);
    expect(read(backend, t, 'foo')).toBe('bar');
  });

  test('B22 committed and finished rows make one sequence', async () => {
    await using backend = await opened(make);
    create(backend, k);
    const name = (n: number): string => `${n}`.padStart(4, '0');
    const want = Array.from({ length: 20 }, (_, n) => `${name(n)}=v`);
    for (let n = 0; n < 20; n += 1) {
      write(backend, k, { [name(n)]: 'v' });
      if (n === 4) await backend.forceCommit();
    }
    expect(await scan(backend, k)).toEqual(want);
    await backend.forceCommit();
    expect(await scan(backend, k)).toEqual(want);
  });

  test('B23 any bucket may be scanned, for the union is exact (BD7)', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { a: '1' });
    await backend.forceCommit();
    write(backend, t, { b: '2' });
    expect(await scan(backend, t)).toEqual(['a=1', 'b=2']);
    expect(await scan(backend, t, { chunkSize: 1 })).toEqual(['a=1', 'b=2']);
  });

  test('B24 BQ3 BD7 smaller rows of the medium come before larger finished ones', async () => {
    await using backend = await opened(make);
    create(backend, k);
    const row = (n: number): string => String.fromCharCode(96 + n);
    const some = (from: number, to: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: to - from + 1 }, (_, i) => [row(from + i), 'v']));
    write(backend, k, some(1, 5));
    await backend.forceCommit();
    write(backend, k, some(6, 10));
    using tx = backend.concurrentReadTx();
    for (const limit of [3, 7, 100]) {
      const rows = await rowsOf(tx, k, { ...range('a', 't'), chunkSize: limit });
      const want = Array.from({ length: Math.min(limit, 10) }, (_, i) => `${row(i + 1)}=v`);
      expect(rows.slice(0, limit)).toEqual(want);
    }
    expect((await rowsOf(tx, k)).length).toBe(10);
  });

  test('B25 overwritten rows of an earlier section, by point and by range', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { abc: 'bar', def: 'baz', overwrite: '1' });
    write(backend, t, { overwrite: '2' });
    expect(read(backend, t, 'abc')).toBe('bar');
    expect(await scan(backend, t, range('abc', 'def'))).toEqual(['abc=bar']);
    expect(await scan(backend, t, range('abc', 'deg'))).toEqual(['abc=bar', 'def=baz']);
    expect(await scan(backend, t, range('abc', 'ff'))).toEqual(['abc=bar', 'def=baz']);
    expect(await scan(backend, t, range('abc', 'z'))).toEqual(['abc=bar', 'def=baz', 'overwrite=2']);
  });

  test('B27 an open reader keeps its state over writes and commits', async () => {
    await using backend = await opened(make);
    create(backend, t, k);
    for (const bucket of [t, k]) write(backend, bucket, { abc: '1' });
    using before = backend.concurrentReadTx();
    for (const bucket of [t, k]) write(backend, bucket, { bcd: 'new' });
    write(backend, t, { abc: '2' });
    write(backend, k, { abc: undefined });
    for (let i = 0; i < 4; i += 1) {
      write(backend, t, { [`more${i}`]: '' });
      await backend.forceCommit();
      for (const bucket of [t, k]) {
        expect(s(before.get(bucket, b('abc')))).toBe('1');
        expect(before.get(bucket, b('bcd'))).toBeUndefined();
        expect(await rowsOf(before, bucket)).toEqual(['abc=1']);
      }
    }
    expect((await scan(backend, t)).length).toBe(6);
    expect(await scan(backend, k)).toEqual(['bcd=new']);
  });

  test('B28 two finished sections, nothing committed: a reader sees both', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { a: '1' });
    write(backend, t, { b: '2' });
    expect(await scan(backend, t)).toEqual(['a=1', 'b=2']);
    expect(backend.commits).toBe(0);
  });

  test('B29 writers and commits do not wait for a reader', async () => {
    await using backend = await opened(make);
    create(backend, t);
    using reader = backend.concurrentReadTx();
    write(backend, t, { a: '1' });
    await backend.forceCommit();
    expect(backend.commits).toBe(1);
    expect(reader.get(t, b('a'))).toBeUndefined();
  });

  test('B31 readers of one state may share it; ending one leaves the others', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { a: '1' });
    const [one, two] = [backend.concurrentReadTx(), backend.concurrentReadTx()];
    write(backend, t, { b: '2' });
    const three = backend.concurrentReadTx();
    expect(backend.openReadTxN).toBe(3);
    expect(await rowsOf(one, t)).toEqual(await rowsOf(two, t));
    one[Symbol.dispose]();
    expect(await rowsOf(two, t)).toEqual(['a=1']);
    await backend.forceCommit();
    two[Symbol.dispose]();
    expect(await rowsOf(three, t)).toEqual(['a=1', 'b=2']);
    three[Symbol.dispose]();
    expect(backend.openReadTxN).toBe(0);
    using four = backend.concurrentReadTx();
    expect(await rowsOf(four, t)).toEqual(['a=1', 'b=2']);
  });

  test('B32 ending a reader twice is one end; reading it then is BACKEND_CLOSED', async () => {
    await using backend = await opened(make);
    create(backend, t);
    const [one, two] = [backend.concurrentReadTx(), backend.concurrentReadTx()];
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(backend.openReadTxN).toBe(1);
    const ended = expect.objectContaining({ code: 'BACKEND_CLOSED' });
    expect(() => one.get(t, b('a'))).toThrow(ended);
    expect(() => one.scan(t)).toThrow(ended);
    expect(two.get(t, b('a'))).toBeUndefined();
    two[Symbol.dispose]();
  });

  test('B32 a scan of a reader that ends meanwhile ends with BACKEND_CLOSED, never as if it were whole', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { a: '1', b: '2', c: '3' });
    await backend.forceCommit();
    const reader = backend.concurrentReadTx();
    const ended = expect.objectContaining({ code: 'BACKEND_CLOSED' });
    const rows = reader.scan(t, { chunkSize: 1 })[Symbol.asyncIterator]();
    await rows.next();
    const pulled = reader.scan(t, { chunkSize: 1 })[Symbol.asyncIterator]();
    const pull = pulled.next();
    reader[Symbol.dispose]();
    await expect(rows.next()).rejects.toThrow(ended);
    await expect(pull).rejects.toThrow(ended);
  });

  test('R11 an aborted scan ends with the very reason, before and between chunks', async () => {
    await using backend = await opened(make);
    create(backend, t);
    for (const committed of [false, true]) {
      write(backend, t, { a: '1', b: '2', c: '3' });
      if (committed) await backend.forceCommit();
      using tx = backend.concurrentReadTx();
      const reason = Object.freeze({ any: 'thing' });
      await expect(rowsOf(tx, t, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const controller = new AbortController();
      const rows: unknown[] = [];
      const aborting = async (): Promise<void> => {
        for await (const chunk of tx.scan(t, { signal: controller.signal, chunkSize: 1 })) {
          rows.push(chunk);
          if (rows.length === 2) controller.abort(reason);
        }
      };
      await expect(aborting()).rejects.toBe(reason);
      expect(rows.length).toBe(2);
    }
  });

  test('R14 a scan may be left early; nothing stays open', async () => {
    await using backend = await opened(make);
    create(backend, t);
    write(backend, t, { a: '1', b: '2' });
    await backend.forceCommit();
    write(backend, t, { c: '3' });
    {
      using tx = backend.concurrentReadTx();
      for await (const chunk of tx.scan(t, { chunkSize: 1 })) {
        expect(chunk.length).toBe(1);
        break;
      }
      tx.scan(t);
    }
    expect(backend.openReadTxN).toBe(0);
  });

  test('R3 wrong scan options are refused at the call', async () => {
    await using backend = await opened(make);
    using tx = backend.concurrentReadTx();
    for (const chunkSize of [0, -1, 1.5, Number.NaN]) expect(() => tx.scan(t, { chunkSize })).toThrow(RangeError);
    expect(() => tx.scan(t, { start: 'a' as unknown as Uint8Array })).toThrow(/start/);
    expect(() => tx.scan(t, { end: 'a' as unknown as Uint8Array })).toThrow(/end/);
    const none = null as unknown as object;
    expect(() => tx.scan(t, none)).toThrow(new TypeError('options must be an object'));
    await expect(backend.snapshot(none)).rejects.toThrow(new TypeError('options must be an object'));
  });

  test('R89 a reader held for long keeps its state, and a number tells', async () => {
    await using backend = await opened(make);
    create(backend, k);
    write(backend, k, { a: 'old' });
    await backend.forceCommit();
    using held = backend.concurrentReadTx();
    for (let i = 0; i < 50; i += 1) {
      write(backend, k, { [`b${String(i).padStart(3, '0')}`]: 'x' });
      await backend.forceCommit();
    }
    await backend.defrag();
    expect(backend.openReadTxN).toBe(1);
    expect(await rowsOf(held, k)).toEqual(['a=old']);
  });
});
