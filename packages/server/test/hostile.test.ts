import { kvService } from '@varve/etcd-api';
import { beforeEach, expect, test } from 'vitest';
import { fails, start, type Running } from './support/server.ts';

let server: Running;
beforeEach(async () => {
  server = await start();
  return () => server[Symbol.asyncDispose]();
});

const MIN = '-9223372036854775808';

test('S215: odd requests are answered, and the server lives', async () => {
  await server.call('range', { key: 'a', sortTarget: 9 });
  await server.call('alarm', { action: 9, alarm: 9 });
  expect(await server.call('txn', { success: [{ requestTxn: { success: [{ requestRange: {} }] } }] })).toBe(
    fails.emptyKey,
  );
  expect(await server.call('leaseGrant', { ID: MIN, TTL: 100 })).toMatchObject({ TTL: 100 });
  expect(await server.call('range', { key: 'a', limit: MIN, revision: MIN, minModRevision: MIN })).toEqual({ rev: 1 });
  expect(await server.call('compact', { revision: MIN })).toBe(fails.compacted);
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a', watchId: MIN } });
  expect(await watch.next()).toMatchObject({ created: true });
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});

test('S216: ten thousand nested transactions', async () => {
  let message: Buffer = Buffer.alloc(0);
  const wrap = (field: number, inner: Buffer): Buffer => {
    const length: number[] = [];
    for (let rest = inner.length; ; rest >>>= 7) {
      length.push(rest >= 128 ? (rest & 0x7f) | 0x80 : rest);
      if (rest < 128) break;
    }
    return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), inner]);
  };
  // A TxnRequest whose success holds a RequestOp that holds a TxnRequest, and so on.
  for (let depth = 0; depth < 10_000; depth++) message = wrap(2, wrap(4, message));
  expect(await server.client.bytes(kvService.txn.path, message)).toContain('INTERNAL');
  expect(await server.client.bytes(kvService.txn.path, Buffer.from([0xff, 0xff, 0xff]))).toContain('INTERNAL');
  expect(await server.call('range', { key: 'a' })).toEqual({ rev: 1 });
});
