/**
 * What a kube-apiserver does all day, in its own words (spec real-clients.md C11, server-api.md 13.3): on the server, and on Debian's etcd where
 * it is installed.
 */
import { create } from '@bufbuild/protobuf';
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import {
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
  CompactionRequestSchema,
  CompareSchema,
  DeleteRangeRequestSchema,
  kvService,
  LeaseGrantRequestSchema,
  leaseService,
  maintenanceService,
  PutRequestSchema,
  RangeRequestSchema,
  RequestOpSchema,
  StatusRequestSchema,
  TxnRequestSchema,
  WatchRequestSchema,
  watchService,
  type RangeResponse,
  type RequestOp,
  type TxnResponse,
  type WatchResponse,
} from '@varve/etcd-api';
import { expect, onTestFinished, test } from 'vitest';
import { hasProgram, startEtcd } from '../lib/grpc/etcd.mjs';
import { serve } from './support/serve.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

class Apiserver {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint, credentials.createInsecure());
    onTestFinished(() => this.#client.close());
  }

  call<Request, Answer>(method: MethodDefinition<Request, Answer>, request: Request): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) => {
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer);
      });
    });
  }

  /** Creates with 0, updates or deletes with the revision that it has read; else it gets what is there. */
  #guarded(key: string, modRevision: bigint, op: RequestOp): Promise<TxnResponse> {
    const compare = create(CompareSchema, {
      ...{ key: bytes(key), target: Target.MOD, result: Result.EQUAL },
      targetUnion: { case: 'modRevision', value: modRevision },
    });
    const get = create(RequestOpSchema, {
      request: { case: 'requestRange', value: create(RangeRequestSchema, { key: bytes(key) }) },
    });
    return this.call(kvService.txn, create(TxnRequestSchema, { compare: [compare], success: [op], failure: [get] }));
  }

  put(key: string, value: string, modRevision = 0n, lease = 0n): Promise<TxnResponse> {
    const request = create(PutRequestSchema, { key: bytes(key), value: bytes(value), lease });
    return this.#guarded(
      key,
      modRevision,
      create(RequestOpSchema, { request: { case: 'requestPut', value: request } }),
    );
  }

  remove(key: string, modRevision: bigint): Promise<TxnResponse> {
    const request = create(DeleteRangeRequestSchema, { key: bytes(key) });
    const op = create(RequestOpSchema, { request: { case: 'requestDeleteRange', value: request } });
    return this.#guarded(key, modRevision, op);
  }

  /** A page of a list, all pages at the revision of the first. */
  page(key: string, limit: bigint, revision = 0n): Promise<RangeResponse> {
    const request = { key: bytes(key), rangeEnd: bytes('/registry/pods0'), limit, revision };
    return this.call(kvService.range, create(RangeRequestSchema, request));
  }

  /** Guards compaction by a key of its own: who writes it next compacts to what was current at the time before. */
  async compact(version: bigint, revision: bigint): Promise<readonly [version: bigint, revision: bigint]> {
    const key = bytes('compact_rev_key');
    const compare = create(CompareSchema, {
      ...{ key, target: Target.VERSION, result: Result.EQUAL },
      targetUnion: { case: 'version', value: version },
    });
    const put = create(PutRequestSchema, { key, value: bytes(String(revision)) });
    const success = [create(RequestOpSchema, { request: { case: 'requestPut', value: put } })];
    const range = create(RangeRequestSchema, { key });
    const failure = [create(RequestOpSchema, { request: { case: 'requestRange', value: range } })];
    const request = create(TxnRequestSchema, { compare: [compare], success, failure });
    const { succeeded, header, responses } = await this.call(kvService.txn, request);
    const now = header!.revision;
    if (!succeeded) {
      const found = responses[0]?.response;
      return [found?.case === 'responseRange' ? found.value.kvs[0]!.version : 0n, now];
    }
    if (revision !== 0n) await this.call(kvService.compact, create(CompactionRequestSchema, { revision }));
    return [version + 1n, now];
  }

  watch(revision: bigint) {
    const { path, requestSerialize, responseDeserialize } = watchService.watch;
    const stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on('error', () => undefined);
    onTestFinished(() => stream.cancel());
    const answers = (stream as AsyncIterable<WatchResponse>)[Symbol.asyncIterator]();
    const value = {
      ...{ key: bytes('/registry/pods/'), rangeEnd: bytes('/registry/pods0'), startRevision: revision },
      ...{ progressNotify: true, prevKv: true },
    };
    stream.write(create(WatchRequestSchema, { requestUnion: { case: 'createRequest', value } }));
    const next = async (): Promise<WatchResponse> => (await answers.next()).value as WatchResponse;
    const askForProgress = (): void =>
      void stream.write(create(WatchRequestSchema, { requestUnion: { case: 'progressRequest', value: {} } }));
    return { next, askForProgress };
  }
}

async function day(endpoint: string): Promise<unknown> {
  const api = new Apiserver(endpoint);
  const said: unknown[] = [];
  const { version } = await api.call(maintenanceService.status, create(StatusRequestSchema));
  said.push(/^3\.\d+\.\d+$/.test(version));

  const pod = (at: number): string => `/registry/pods/default/${at}`;
  for (let at = 0; at < 5; at++) await api.put(pod(at), `pod ${at}`);
  const again = await api.put(pod(0), 'another');
  const found = again.responses[0]?.response;
  said.push([again.succeeded, found?.case === 'responseRange' && text(found.value.kvs[0]?.value)]);

  const first = await api.page('/registry/pods/', 2n);
  const revision = first.header!.revision;
  await api.put(pod(9), 'comes between two pages');
  const second = await api.page(`${text(first.kvs.at(-1)!.key)}\0`, 2n, revision);
  const third = await api.page(`${text(second.kvs.at(-1)!.key)}\0`, 2n, revision);
  said.push([first, second, third].map(({ kvs, more, count }) => [kvs.map(({ value }) => text(value)), more, count]));

  const watch = api.watch(revision + 1n);
  said.push((await watch.next()).created);
  const { ID: lease } = await api.call(leaseService.leaseGrant, create(LeaseGrantRequestSchema, { TTL: 3600n }));
  await api.put('/registry/events/1', 'happened', 0n, lease);
  const updated = await api.put(pod(1), 'pod 1, updated', first.kvs[1]!.modRevision);
  const stale = await api.put(pod(1), 'too late', first.kvs[1]!.modRevision);
  await api.remove(pod(1), updated.header!.revision);
  said.push([updated.succeeded, stale.succeeded]);
  const events: string[] = [];
  while (events.length < 3) {
    for (const { type, kv, prevKv } of (await watch.next()).events) {
      events.push(`${type} ${text(kv?.key)} ${text(kv?.value)} was ${text(prevKv?.value)}`);
    }
  }
  said.push(events);
  watch.askForProgress();
  const progress = await watch.next();
  const count = create(RangeRequestSchema, {
    key: bytes('/registry/'),
    rangeEnd: bytes('/registry0'),
    countOnly: true,
  });
  const counted = await api.call(kvService.range, count);
  said.push([progress.events.length, progress.header!.revision >= counted.header!.revision, counted.count]);

  const [version1, revision1] = await api.compact(0n, 0n);
  const other = await api.compact(0n, 0n);
  said.push([version1, other[0]]);
  await api.put(pod(3), 'pod 3, updated', first.kvs.length > 0 ? second.kvs[1]!.modRevision : 0n);
  const [version2] = await api.compact(version1, revision1);
  said.push(version2);
  const gone = await api
    .page('/registry/pods/', 2n, revision)
    .catch((error: Error & { details?: string }) => error.details);
  said.push(gone);
  const late = api.watch(2n);
  const refusal = await late.next();
  const told = refusal.canceled ? refusal : await late.next();
  said.push([told.canceled, told.compactRevision === revision1]);
  return said;
}

const expected = [
  true,
  [false, 'pod 0'],
  [
    [['pod 0', 'pod 1'], true, 5n],
    [['pod 2', 'pod 3'], true, 3n],
    [['pod 4'], false, 1n],
  ],
  true,
  [true, false],
  [
    '0 /registry/pods/default/9 comes between two pages was ',
    '0 /registry/pods/default/1 pod 1, updated was pod 1',
    '1 /registry/pods/default/1  was pod 1, updated',
  ],
  [0, true, 6n],
  [1n, 1n],
  2n,
  'etcdserver: mvcc: required revision has been compacted',
  [true, true],
];

test('C11: a day of a kube-apiserver', async () => {
  expect(await day(await serve())).toEqual(expected);
});

test.runIf(hasProgram('etcd'))('etcd itself gives an apiserver the same', async () => {
  const etcd = await startEtcd();
  onTestFinished(etcd.close);
  expect(await day(etcd.endpoint)).toEqual(expected);
});
