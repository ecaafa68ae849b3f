import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  EventSchema,
  KeyValueSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveResponseSchema,
  RangeResponseSchema,
  ResponseHeaderSchema,
  WatchResponseSchema,
  type KeyValue,
} from '@varve/etcd-api';
import type { Event, KeyValue as StoredKeyValue } from '@varve/watch';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fragments } from '../src/watch/fragments.ts';
import { Header, RAFT_TERM } from '../src/wire/header.ts';
import { encodeAnswer } from '../src/wire/kv-answers.ts';
import { encodeLeaseAnswer } from '../src/wire/lease-answers.ts';
import { encodeEvents, encodeWatchEvents } from '../src/wire/watch-answers.ts';

const revision = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const stored: fc.Arbitrary<StoredKeyValue> = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  value: fc.uint8Array({ maxLength: 300 }),
  createRevision: revision,
  modRevision: revision,
  version: revision,
  lease: int64,
});
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const header = fc.tuple(uint64, uint64).map(([clusterId, memberId]) => new Header(clusterId, memberId));

function generated(kv: StoredKeyValue): KeyValue {
  const { createRevision, modRevision, version } = kv;
  const numbers = {
    createRevision: BigInt(createRevision),
    modRevision: BigInt(modRevision),
    version: BigInt(version),
  };
  return create(KeyValueSchema, { ...kv, ...numbers });
}

test('what is written by hand is what the generated code writes, to the byte', () => {
  fc.assert(
    fc.property(
      header,
      fc.array(stored, { maxLength: 5 }),
      revision,
      revision,
      fc.boolean(),
      (head, kvs, now, count, more) => {
        const ours = encodeAnswer(head, { type: 'range', revision: now, kvs, keysOnly: false, more, count });
        const { clusterId, memberId } = head;
        const message = create(RangeResponseSchema, {
          header: create(ResponseHeaderSchema, { clusterId, memberId, revision: BigInt(now), raftTerm: RAFT_TERM }),
          kvs: kvs.map(generated),
          more,
          count: BigInt(count),
        });
        expect(new Uint8Array(ours)).toEqual(toBinary(RangeResponseSchema, message));
      },
    ),
  );
});

test('grants and keep-alives, too', () => {
  fc.assert(
    fc.property(header, revision, int64, fc.nat(), (head, now, id, ttl) => {
      const { clusterId, memberId } = head;
      const fields = {
        header: create(ResponseHeaderSchema, { clusterId, memberId, revision: BigInt(now), raftTerm: RAFT_TERM }),
        ...{ ID: id, TTL: BigInt(ttl) },
      };
      const ours = new Uint8Array(encodeLeaseAnswer(head, { revision: now, id, ttl }));
      expect(ours).toEqual(toBinary(LeaseGrantResponseSchema, create(LeaseGrantResponseSchema, fields)));
      expect(ours).toEqual(toBinary(LeaseKeepAliveResponseSchema, create(LeaseKeepAliveResponseSchema, fields)));
    }),
  );
});

test('events, too, and the encoding is one for all who get them', () => {
  const event: fc.Arbitrary<Event> = fc.record({
    type: fc.constantFrom('put', 'delete'),
    kv: stored,
    previous: fc.option(stored, { nil: undefined }),
  });
  fc.assert(
    fc.property(header, fc.array(event, { minLength: 1, maxLength: 5 }), int64, (head, events, watchId) => {
      const bytes = encodeEvents(events);
      expect(encodeEvents(events)).toBe(bytes);
      const answer = fromBinary(WatchResponseSchema, encodeWatchEvents(head, 7, watchId, bytes, true));
      expect([answer.watchId, answer.header!.revision, answer.fragment]).toEqual([watchId, 7n, true]);
      const wanted = events.map(({ type, kv, previous }) =>
        create(EventSchema, {
          type: type === 'put' ? 0 : 1,
          kv: generated(kv),
          ...(previous === undefined ? {} : { prevKv: generated(previous) }),
        }),
      );
      expect(answer.events.map((one) => toBinary(EventSchema, one))).toEqual(
        wanted.map((one) => toBinary(EventSchema, one)),
      );
    }),
  );
});

test.each([
  [100, 1, 1, 1],
  [10, 2, 50, 1],
  [1024, 1, 1, 1],
  [11, 5, 20, 5],
  [15, 5, 10, 5],
  [10, 4, 35, 2],
])('W84: keys of %i bytes, %i events, limit %i: %i messages', (bytes, count, limit, messages) => {
  const kv = {
    key: new Uint8Array(bytes).fill(1),
    value: new Uint8Array(0),
    createRevision: 0,
    modRevision: 0,
    version: 0,
    lease: 0n,
  };
  const events = Array.from({ length: count }, (): Event => ({ type: 'put', kv }));
  const pieces = fragments(events, limit, 0);
  expect(pieces.map(({ isLast }) => isLast)).toEqual([...Array.from({ length: messages - 1 }, () => false), true]);
  expect(Buffer.concat(pieces.map((piece) => piece.bytes))).toEqual(Buffer.from(encodeEvents(events)));
});
