/** An etcd for each test, as a fixture of vitest: what a project of its own would write. */
import { create } from '@bufbuild/protobuf';
import {
  CompareSchema,
  Compare_CompareResult,
  Compare_CompareTarget,
  kvService,
  PutRequestSchema,
  RangeRequestSchema,
  RequestOpSchema,
  TxnRequestSchema,
  type RangeResponse,
} from '@varve/etcd-api';
import { test as base, expect } from 'vitest';
import { call, startEtcd, type TestEtcd } from '../src/etcd-in-tests.ts';

const test = base.extend<{ etcd: TestEtcd }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of fixtures from the pattern
  etcd: async ({}, use) => {
    const etcd = await startEtcd();
    await use(etcd);
    await etcd.close();
  },
});

const bytes = (text: string): Uint8Array => Buffer.from(text);
const put = (key: string, value: string) => create(PutRequestSchema, { key: bytes(key), value: bytes(value) });
const range = (etcd: TestEtcd, key: string): Promise<RangeResponse> =>
  call(etcd.client, kvService.range, create(RangeRequestSchema, { key: bytes(key) }));

test('what is put is read', async ({ etcd }) => {
  await call(etcd.client, kvService.put, put('config/theme', 'dark'));
  const { kvs } = await range(etcd, 'config/theme');
  expect(kvs.map(({ value, version }) => [Buffer.from(value).toString(), version])).toEqual([['dark', 1n]]);
});

test('each test has an etcd of its own, at its first revision', async ({ etcd }) => {
  const { count, header } = await range(etcd, 'config/theme');
  expect([count, header?.revision]).toEqual([0n, 1n]);
});

test('of two that want to be the leader one wins', async ({ etcd }) => {
  const campaign = async (name: string): Promise<boolean> => {
    const absent = create(CompareSchema, {
      key: bytes('leader'),
      target: Compare_CompareTarget.CREATE,
      result: Compare_CompareResult.EQUAL,
      targetUnion: { case: 'createRevision', value: 0n },
    });
    const success = [create(RequestOpSchema, { request: { case: 'requestPut', value: put('leader', name) } })];
    return (await call(etcd.client, kvService.txn, create(TxnRequestSchema, { compare: [absent], success }))).succeeded;
  };
  const won = await Promise.all([campaign('a'), campaign('b')]);
  expect(won.filter(Boolean)).toHaveLength(1);
});

test('a refusal has the code and the text of etcd', async ({ etcd }) => {
  await expect(call(etcd.client, kvService.put, put('', 'x'))).rejects.toMatchObject({
    code: 3,
    details: 'etcdserver: key is not provided',
  });
});
