// @ts-check
/** What well-behaved clients send: the ground on which damages are made. */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AlarmRequestSchema,
  AuthRoleGrantPermissionRequestSchema,
  CompareSchema,
  LeaseGrantRequestSchema,
  MemberAddRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  RequestOpSchema,
  TxnRequestSchema,
  WatchRequestSchema,
} from '@varve/etcd-api';

const key = Buffer.from('fuzz');

/** @type {readonly Buffer[]} */
export const jsonBodies = [
  '{"key":"ZnV6eg==","value":"dmFsdWU=","lease":"0","prev_kv":true}',
  '{"key":"ZnV6eg==","range_end":"AA==","limit":10,"revision":"1","sortOrder":"DESCEND","sort_target":3,"keysOnly":false}',
  '{"compare":[{"key":"ZnV6eg==","result":"GREATER","target":1,"createRevision":"9007199254740993"}],"success":[{"request_put":{"key":"ZnV6eg=="}},{"requestTxn":{"failure":[{"request_delete_range":{"key":"ZnV6eg==","range_end":"AA=="}}]}}],"failure":[]}',
  '{"create_request":{"key":"ZnV6eg==","start_revision":1,"filters":["NOPUT",1],"prevKv":true}} {"cancel_request":{"watch_id":"-1"}}',
  '{"ID":7587862094907839239,"TTL":"60"}',
  '{"__proto__":{"a":[1,2.5e-3,null,true,"\\u00e9\\ud83d\\ude00\\n"]},"constructor":{},"key":null}',
  '{"action":"ACTIVATE","memberID":18446744073709551615,"alarm":2}',
  '{"peerURLs":["http://127.0.0.1:1",""],"name":"a","perm":{"permType":"READWRITE","key":"AA==","range_end":"AA=="}}',
  `${'{"success":[{"request_txn":'.repeat(20)}{}${'}]}'.repeat(20)}`,
  `{"x":${'['.repeat(500)}${']'.repeat(500)},"key":"ZnV6eg=="}`,
].map((text) => Buffer.from(text));

/** @type {readonly Buffer[]} */
export const requestBytes = [
  toBinary(PutRequestSchema, create(PutRequestSchema, { key, value: key, lease: -5n, prevKv: true })),
  toBinary(
    RangeRequestSchema,
    create(RangeRequestSchema, { key, rangeEnd: Uint8Array.of(0), limit: 5n, sortOrder: 2 }),
  ),
  toBinary(
    TxnRequestSchema,
    create(TxnRequestSchema, {
      compare: [create(CompareSchema, { key, target: 1, targetUnion: { case: 'createRevision', value: 2n ** 62n } })],
      success: [
        create(RequestOpSchema, { request: { case: 'requestPut', value: create(PutRequestSchema, { key }) } }),
        create(RequestOpSchema, { request: { case: 'requestTxn', value: create(TxnRequestSchema) } }),
      ],
    }),
  ),
  toBinary(
    WatchRequestSchema,
    create(WatchRequestSchema, {
      requestUnion: { case: 'createRequest', value: { key, filters: [0, 1], watchId: -1n } },
    }),
  ),
  toBinary(LeaseGrantRequestSchema, create(LeaseGrantRequestSchema, { ID: 2n ** 62n, TTL: 60n })),
  toBinary(AlarmRequestSchema, create(AlarmRequestSchema, { memberID: 2n ** 64n - 1n, alarm: 1 })),
  toBinary(MemberAddRequestSchema, create(MemberAddRequestSchema, { peerURLs: ['http://127.0.0.1:1', ''] })),
  toBinary(
    AuthRoleGrantPermissionRequestSchema,
    create(AuthRoleGrantPermissionRequestSchema, { name: 'a', perm: { permType: 2, key, rangeEnd: key } }),
  ),
].map((bytes) => Buffer.from(bytes));

/** @param {string} path @param {string} body @param {string} [headers] */
const post = (path, body, headers = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

/** @type {readonly Buffer[]} */
export const httpRequests = [
  post('/v3/kv/put', '{"key":"ZnV6eg==","value":"dmFsdWU="}'),
  post(
    '/v3/kv/range?a=b',
    '{"key":"ZnV6eg=="}',
    'Grpc-Timeout: 5S\r\nGrpc-Metadata-Token: a\r\nGrpc-Metadata-A-Bin: YQ==\r\n',
  ),
  post('/v3beta/kv/txn', '{"success":[{"request_range":{"key":"ZnV6eg=="}}]}', 'Origin: http://localhost\r\n'),
  post('/v3/lease/keepalive', '{"ID":"1"}{"ID":2}', 'X-HTTP-Method-Override: GET\r\nAuthorization: Basic a\r\n'),
  post('//v3/../v3/%6bv/./range:', '', 'Content-Type: application/x-www-form-urlencoded\r\n'),
  'POST /v3/watch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{"create_request":{}}\r\n0\r\n\r\n',
  'GET /version HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: keep-alive\r\n\r\nGET /health HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x1e\x01\x05\0\0\0\x01\x83\x86\x44\x87\x62\x72\x8e\x84',
].map((text) => Buffer.from(text, 'latin1'));
