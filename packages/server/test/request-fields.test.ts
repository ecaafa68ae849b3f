import { create, fromBinary, toBinary, type DescMessage } from '@bufbuild/protobuf';
import {
  AuthUserAddRequestSchema,
  CompareSchema,
  kvService,
  MemberAddRequestSchema,
  PutRequestSchema,
  RequestOpSchema,
  TxnRequestSchema,
  watchService,
  WatchRequestSchema,
} from '@varve/etcd-api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../src/wire/request-fields.ts';
import { framed, RawGrpc } from './support/raw-grpc.ts';
import { start } from './support/server.ts';

const again = (times: number, ...bytes: number[]): Buffer =>
  Buffer.concat(Array.from({ length: times }, () => Buffer.of(...bytes)));
/** A field of bytes around others. */
const around = (tag: number, inner: Buffer): Buffer => {
  const length: number[] = [];
  for (let rest = inner.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
    if (rest < 128) return Buffer.concat([Buffer.of(tag, ...length), inner]);
  }
};

describe('R105, SVRQ1, SVRQ3: fields are counted as they are read', () => {
  test.each<[string, DescMessage, Buffer, number]>([
    ['none', TxnRequestSchema, Buffer.alloc(0), 0],
    ['comparisons of nothing', TxnRequestSchema, again(1000, 0x0a, 0), 1000],
    ['operations in operations', TxnRequestSchema, again(10, 0x12, 2, 0x12, 0), 20],
    ['texts', MemberAddRequestSchema, again(1000, 0x0a, 0), 1000],
    ['one message, again and again', AuthUserAddRequestSchema, again(1000, 0x1a, 0), 1000],
    ['what nobody knows', PutRequestSchema, again(1000, 0x78, 0), 1000],
    ['what is in a value is not looked at', PutRequestSchema, around(0x12, again(1000, 0x78, 0)), 1],
    ['each byte of a packed list', WatchRequestSchema, around(0x0a, around(0x2a, again(100, 1))), 102],
    ['a list that is not packed', WatchRequestSchema, around(0x0a, again(100, 0x28, 1)), 101],
    ['a message that says that it is a number', TxnRequestSchema, again(10, 0x08, 2, 0x10, 1), 20],
    ['a value that says that it is a number', PutRequestSchema, around(0x10, again(1000, 0x78, 0)), 1],
    ['a group, and what is in it', PutRequestSchema, Buffer.of(0x7b, 0x0a, 1, 0, 0x78, 1, 0x7c, 0x08, 0), 5],
    ['a length of more than 32 bits', PutRequestSchema, Buffer.of(0x12, 0x81, 0x80, 0x80, 0x80, 0x10, 7, 0x08, 0), 2],
  ])('%s', (_, schema, bytes, count) => {
    expect(fieldsOf(bytes, schema, Infinity)).toBe(count);
  });

  test('of those behind the most nothing is looked at', () => {
    expect(fieldsOf(again(1000, 0x0a, 0), TxnRequestSchema, 10)).toBe(11);
  });

  /** Objects and elements of lists that a reader has made. */
  const made = (value: unknown): number => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
    return (
      Object.values(value).reduce((sum: number, one) => sum + made(one), 0) + (Array.isArray(value) ? value.length : 0)
    );
  };

  test('whatever is read, no more is made of it than was counted', () => {
    const op = create(RequestOpSchema, {
      request: { case: 'requestPut', value: create(PutRequestSchema, { lease: 7n }) },
    });
    const whole = create(TxnRequestSchema, { compare: [create(CompareSchema)], success: [op, op], failure: [op] });
    const seeds = [toBinary(TxnRequestSchema, whole), again(5, 0x0a, 0), around(0x0a, around(0x2a, again(9, 1)))];
    const seed = fc.constantFrom(...seeds);
    const pieces = fc.oneof(
      seed,
      fc.uint8Array({ maxLength: 6 }),
      fc
        .array(fc.constantFrom(0x0a, 0x12, 0x1a, 0x0b, 0x0c, 0x08, 0x2a, 0x28, 0, 1, 2, 0x80, 0xff))
        .map((all) => Uint8Array.from(all)),
    );
    let read = 0;
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 6 }),
        fc.constantFrom(TxnRequestSchema, WatchRequestSchema, AuthUserAddRequestSchema),
        (all, schema) => {
          const bytes = Buffer.concat(all);
          let message: unknown;
          try {
            message = fromBinary<DescMessage>(schema, bytes, { readUnknownFields: false, recursionLimit: 300 });
          } catch {
            return;
          }
          read++;
          expect(made(message)).toBeLessThanOrEqual(fieldsOf(bytes, schema, Infinity));
        },
      ),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(100);
  });
});

test('R105, law 10: a request of very many fields is refused unread, by every way in', async () => {
  await using running = await start();
  const bytes = again(200_000, 0x0a, 0);
  const tooLarge = 'etcdserver: request is too large';
  using raw = new RawGrpc(running.server.url);
  const txn = raw.begin(kvService.txn.path);
  txn.stream.end(framed(bytes));
  expect(await txn.end).toBe(`3 ${tooLarge}`);
  const watch = raw.begin(watchService.watch.path);
  watch.stream.end(framed(around(0x0a, around(0x2a, again(200_000, 1)))));
  expect(await watch.end).toBe('13 Error deserializing request');
  const compare = `[${'{},'.repeat(50_000)}{}]`;
  const json = await fetch(`${running.server.url}/v3/kv/txn`, { method: 'POST', body: `{"compare":${compare}}` });
  expect(json.status).toBe(429);
  expect(await running.call('range', { key: 'a' })).toEqual({ rev: 1 });
});

test('a transaction of many operations is as good as before', async () => {
  await using running = await start({ maxTxnOps: 10_000 });
  const success = Array.from({ length: 10_000 }, (_, at) => ({ requestRange: { key: `k${at}`, limit: 1 } }));
  expect(await running.call('txn', { success })).toMatchObject({ rev: 1, succeeded: true });
});
