/**
 * What etcd keeps in its file, read through this package alone: a small reader of its messages stands in for the codecs,
 * which are those of `mvcc` and `lease`.
 *
 * Elsewhere: that a snapshot with a wrong hash or none is refused, and a plain file taken when told so (the rest of F90), is
 * the importer's business, `packages/backend/test/import.test.ts`.
 */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ReadTransaction } from '../src/index.ts';
import { openBolt } from '../src/index.ts';
import { Scratch, vectorBytes, vectorNames } from './vectors.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

type Row = readonly [
  main: number,
  sub: number,
  tombstone: boolean,
  key: string,
  create: number,
  mod: number,
  version: number,
  lease: string,
  value: string | { readonly len: number; readonly sha256: string },
];

interface EtcdListing {
  readonly etcd: {
    readonly summary: {
      readonly buckets: readonly string[];
      readonly leases: readonly (readonly [hex: string, id: string, ttl: number, remaining: number])[];
      readonly meta: Readonly<Record<string, string>>;
    };
    readonly rows: readonly Row[];
  };
}

function etcdListing(name: string): EtcdListing['etcd'] {
  const file = path.resolve(import.meta.dirname, '../../../tools/vectors/bolt', `${name}.json.gz`);
  return (JSON.parse(gunzipSync(readFileSync(file)).toString()) as EtcdListing).etcd;
}

/** The fields of a message: whole numbers with all 64 bits, and bytes. */
function fields(message: Uint8Array): Map<number, bigint | Uint8Array> {
  const found = new Map<number, bigint | Uint8Array>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    if ((tag & 7) === 0) found.set(tag >> 3, varint());
    else {
      const length = Number(varint());
      found.set(tag >> 3, message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}

const number = (field: bigint | Uint8Array | undefined): number => Number((field as bigint | undefined) ?? 0n);
const bytes = (field: bigint | Uint8Array | undefined): Buffer => Buffer.from((field as Uint8Array | undefined) ?? []);
const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString();

function revision(key: Uint8Array): readonly [main: number, sub: number, tombstone: boolean] {
  const buffer = Buffer.from(key);
  expect(buffer[8]).toBe(0x5f);
  if (buffer.length === 18) expect(buffer[17]).toBe(0x74);
  else expect(buffer.length).toBe(17);
  return [Number(buffer.readBigInt64BE(0)), Number(buffer.readBigInt64BE(9)), buffer.length === 18];
}

function rowsOf(tx: ReadTransaction): Row[] {
  return [...(tx.bucket('key')?.entries() ?? [])].map(({ key, value }) => {
    const message = fields(value as Uint8Array);
    const stored = bytes(message.get(5));
    const digest = { len: stored.length, sha256: createHash('sha256').update(stored).digest('hex') };
    return [
      ...revision(key),
      bytes(message.get(1)).toString('hex'),
      number(message.get(2)),
      number(message.get(3)),
      number(message.get(4)),
      String(message.get(6) ?? 0n),
      stored.length > 128 ? digest : stored.toString('hex'),
    ];
  });
}

const SNAPSHOTS = vectorNames().filter((name) => name.startsWith('etcd-') && name.endsWith('.snapshot'));

test.each(SNAPSHOTS)(
  'F90 %s: whole 512 bytes and the SHA-256 of them, which the file carries past its pages',
  async (name) => {
    const file = vectorBytes(name);
    const length = file.length - 32;
    expect([length % 512, SNAPSHOTS.length > 3]).toEqual([0, true]);
    expect(createHash('sha256').update(file.subarray(0, length)).digest()).toEqual(file.subarray(length));
    await using bolt = await openBolt(scratch.file(file), { readOnly: true });
    expect(bolt.size).toBeLessThanOrEqual(length);
    expect((await bolt.check()).problems).toEqual([]);
  },
);

test.each(vectorNames().filter((name) => name.startsWith('etcd-history')))(
  'F93 %s: revisions, tombstones, key-values and leases as listed, ids exact beyond 2^53',
  async (name) => {
    const { rows, summary } = etcdListing(name);
    await using bolt = await openBolt(scratch.vector(name), { readOnly: true });
    using tx = bolt.read();
    expect(rowsOf(tx)).toEqual(rows);
    expect([rows.some(([, , tombstone]) => tombstone), rows.some(([, sub]) => sub > 0)]).toEqual([true, true]);
    expect([...tx.root.entries()].map(({ key }) => text(key))).toEqual(summary.buckets);
    const leases = [...(tx.bucket('lease')?.entries() ?? [])].map(({ key, value }) => {
      const message = fields(value as Uint8Array);
      expect(message.get(1)).toBe(Buffer.from(key).readBigInt64BE(0));
      expect(message.get(1)).toBeGreaterThan(2n ** 53n);
      return [Buffer.from(key).toString('hex'), String(message.get(1)), number(message.get(2)), number(message.get(3))];
    });
    expect(leases).toEqual(summary.leases);
  },
);

describe('F94 members, alarms, versions, compaction revisions', () => {
  test('the key of a member is its id in hex without leading zeros, the id inside is exact', async () => {
    await using bolt = await openBolt(scratch.vector('etcd-history.snapshot'), { readOnly: true });
    using tx = bolt.read();
    const [member] = [...(tx.bucket('members')?.entries() ?? [])];
    const json = text(member?.value) as string;
    const id = BigInt(/"id":(\d+)/.exec(json)?.[1] as string);
    expect(id).toBeGreaterThan(2n ** 53n);
    expect(text(member?.key)).toBe(id.toString(16));
    expect(text(member?.key)).not.toMatch(/^0/);
    expect(text(tx.bucket('members_removed')?.get('f101f805c358ba9a'))).toBe('removed');
    expect(text(tx.bucket('cluster')?.get('clusterVersion'))).toBe('3.4.0');
  });

  test('meta: the consistent index, and compaction revisions as revision keys', async () => {
    await using bolt = await openBolt(scratch.vector('etcd-history.snapshot'), { readOnly: true });
    using tx = bolt.read();
    const meta = tx.bucket('meta');
    const { summary } = etcdListing('etcd-history.snapshot');
    const revisionText = (name: string): string => {
      const [main, sub] = revision(meta?.get(name) as Uint8Array);
      return `${main}_${sub}`;
    };
    expect({
      consistent_index: String(Buffer.from(meta?.get('consistent_index') as Uint8Array).readBigUInt64BE(0)),
      finishedCompactRev: revisionText('finishedCompactRev'),
      scheduledCompactRev: revisionText('scheduledCompactRev'),
    }).toEqual(summary.meta);
  });

  test('an alarm is all key: its value is empty, not absent', async () => {
    await using bolt = await openBolt(scratch.vector('etcd-alarm.snapshot'), { readOnly: true });
    using tx = bolt.read();
    const [alarm] = [...(tx.bucket('alarm')?.entries() ?? [])];
    const message = fields(alarm?.key as Uint8Array);
    expect([alarm?.value?.length, message.get(2)]).toEqual([0, 1n]); // NOSPACE
    const [member] = [...(tx.bucket('members')?.entries() ?? [])];
    expect((message.get(1) as bigint).toString(16)).toBe(text(member?.key));
  });
});
