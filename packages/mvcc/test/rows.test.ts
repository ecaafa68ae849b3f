/** Rows of others (leases, users, alarms): beside the store's own, in its commits, and loaded without the backend. */
import { buckets, openBackend } from '@varve/backend';
import { memoryEngine } from '@varve/backend/memory';
import { describe, expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import type { NextData, ObserverFactory } from '../src/observer.ts';
import type { Rows, Store } from '../src/store.ts';
import { bytes, codeOf, engines, hex, open, put, restart, text } from './support.ts';

function putRows(store: Store, count: number): void {
  store.write(({ rows }) => {
    rows.createBucket(buckets.lease);
    for (let i = 0; i < count; i++) rows.put(buckets.lease, Uint8Array.of(i), bytes(`value ${i}`));
  });
}

async function scanned(rows: Rows, options?: Parameters<Rows['scan']>[1]): Promise<string[]> {
  const found: string[] = [];
  for await (const entries of rows.scan(buckets.lease, options)) {
    expect(entries.length).toBeLessThanOrEqual(options?.chunkSize ?? 256);
    for (const { key, value } of entries) found.push(`${hex(key)}=${text(value)}`);
  }
  return found;
}

describe.each(engines)('%s', (engine) => {
  test('what a section put is read by key and in order, before and after a restart', async () => {
    const opened = await open({}, engine);
    expect(await scanned(opened.store.rows)).toEqual([]);
    putRows(opened.store, 5);
    const wanted = ['00=value 0', '01=value 1', '02=value 2', '03=value 3', '04=value 4'];
    expect(await scanned(opened.store.rows)).toEqual(wanted);
    await opened.store.settled();
    const { store } = await restart(opened);
    expect(await scanned(store.rows)).toEqual(wanted);
    expect(await scanned(store.rows, { start: Uint8Array.of(1), end: Uint8Array.of(4), chunkSize: 2 })).toEqual(
      wanted.slice(1, 4),
    );
    expect(text(store.rows.get(buckets.lease, Uint8Array.of(3))!)).toBe('value 3');
    expect(store.rows.get(buckets.lease, Uint8Array.of(9))).toBe(undefined);
    expect(store.rows.get(buckets.auth, Uint8Array.of(9))).toBe(undefined);
  });
});

test('law 3: rows go with their section, a whole bucket of them too', async () => {
  const { store } = await open();
  putRows(store, 2);
  const wrong = await codeOf(() =>
    store.write(({ rows }) => {
      rows.deleteBucket(buckets.lease);
      throw new RangeError('no');
    }),
  );
  expect([wrong, (await scanned(store.rows)).length]).toEqual(['RangeError', 2]);
  store.write(({ rows }) => rows.deleteBucket(buckets.lease));
  await store.settled();
  expect(await scanned(store.rows)).toEqual([]);
  expect(await codeOf(() => store.write(({ rows }) => rows.put(buckets.lease, bytes('a'), bytes('b'))))).toBe(
    'BACKEND_NO_BUCKET',
  );
});

test('a scan is of the state in which it begins', async () => {
  const { store } = await open();
  putRows(store, 4);
  const found: string[] = [];
  for await (const [entry] of store.rows.scan(buckets.lease, { chunkSize: 1 })) {
    if (found.length === 0) store.write(({ rows }) => rows.delete(buckets.lease, Uint8Array.of(2)));
    found.push(hex(entry!.key));
  }
  expect(found).toEqual(['00', '01', '02', '03']);
  expect((await scanned(store.rows)).length).toBe(3);
  expect(store.backend.openReadTxN).toBe(0);
});

test('the buckets of the store are refused, and what is none', async () => {
  const { store } = await open();
  for (const bucket of [buckets.key, buckets.meta, { ...buckets.key, id: 99 }, {} as typeof buckets.key]) {
    expect(() => store.rows.get(bucket, bytes('a'))).toThrow(TypeError);
    expect(() => store.rows.scan(bucket)).toThrow(TypeError);
    for (const call of ['get', 'put', 'delete', 'createBucket', 'deleteBucket'] as const) {
      expect(() => store.write(({ rows }) => rows[call](bucket, bytes('a'), bytes('b')))).toThrow(TypeError);
    }
  }
});

test('a store that is closed gives no rows, nor goes on with them', async () => {
  const { store } = await open();
  putRows(store, 4);
  const { rows } = store;
  const scan = rows.scan(buckets.lease, { chunkSize: 1 })[Symbol.asyncIterator]();
  await scan.next();
  const never = rows.scan(buckets.lease);
  await store.close();
  for (const call of [
    () => scan.next(),
    () => scanned(rows),
    () => rows.get(buckets.lease, bytes('a')),
    () => never[Symbol.asyncIterator]().next(),
  ]) {
    expect(await codeOf(call)).toBe('MVCC_CLOSED');
  }
});

describe('data that are swapped', () => {
  async function other(count: number): Promise<ReturnType<typeof openBackend>> {
    const backend = await openBackend(memoryEngine());
    const source = await openStore(backend);
    putRows(source, count);
    source.put(bytes('k'), bytes('v'), 7n);
    await source.close();
    return backend;
  }

  test('observers load their rows before, aside; the port of the old data has ended, `rows` is of the new ones', async () => {
    const lines: string[] = [];
    const observe: ObserverFactory = (of) => ({
      swapping: async ({ rows, leaseAttachments }: NextData) => {
        const leases = [...leaseAttachments].map(({ key, lease }) => `${text(key)}~${lease}`);
        lines.push(`next ${(await scanned(rows)).length} ${leases.join()}, now ${(await scanned(of.rows)).length}`);
      },
      swapped: () => lines.push(`swapped ${text(of.rows.get(buckets.lease, Uint8Array.of(3)) ?? bytes('none'))}`),
    });
    const { store } = await open({ observers: [observe] });
    putRows(store, 2);
    const before = store.rows;
    await store.restore(await other(4));
    expect(lines).toEqual(['next 4 k~7, now 2', 'swapped value 3']);
    expect((await scanned(store.rows)).length).toBe(4);
    expect(await codeOf(() => scanned(before))).toBe('MVCC_CLOSED');
  });

  test('an observer that cannot load them ends the restore, and nothing has changed', async () => {
    const lines: string[] = [];
    const { store } = await open({
      observers: [
        () => ({ swapping: () => Promise.reject(new RangeError('no lease')), swapped: () => lines.push('swapped') }),
      ],
    });
    putRows(store, 2);
    expect(await codeOf(async () => store.restore(await other(4)))).toBe('RangeError');
    expect([lines, (await scanned(store.rows)).length]).toEqual([[], 2]);
    expect(await put(store, 'a', '1')).toBe(2);
  });
});

test('attachments can be taken once: the store forgets them', async () => {
  const opened = await open();
  await put(opened.store, 'foo', 'x', 2n);
  const { store } = await restart(opened);
  expect(store.leaseAttachments.length).toBe(1);
  expect([...store.takeLeaseAttachments()].map(({ key, lease }) => [text(key), lease])).toEqual([['foo', 2n]]);
  expect([[...store.takeLeaseAttachments()], store.leaseAttachments]).toEqual([[], []]);
});
