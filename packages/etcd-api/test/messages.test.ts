import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, toBinary, type DescMessage } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import * as api from '../src/index.ts';

/** Fields as the specification writes them: name and number. */
function fields(desc: DescMessage): string {
  return desc.fields.map(({ name, number }) => `${name}=${number}`).join(' ');
}

test.each<[DescMessage, string]>([
  [api.ResponseHeaderSchema, 'cluster_id=1 member_id=2 revision=3 raft_term=4'],
  [api.KeyValueSchema, 'key=1 create_revision=2 mod_revision=3 version=4 value=5 lease=6'],
  [api.EventSchema, 'type=1 kv=2 prev_kv=3'],
  [api.PutRequestSchema, 'key=1 value=2 lease=3 prev_kv=4 ignore_value=5 ignore_lease=6'],
  [
    api.CompareSchema,
    'result=1 target=2 key=3 version=4 create_revision=5 mod_revision=6 value=7 lease=8 range_end=64',
  ],
  [
    api.WatchResponseSchema,
    'header=1 watch_id=2 created=3 canceled=4 compact_revision=5 cancel_reason=6 fragment=7 events=11',
  ],
  [api.LeaseTimeToLiveResponseSchema, 'header=1 ID=2 TTL=3 grantedTTL=4 keys=5'],
  [api.MemberSchema, 'ID=1 name=2 peerURLs=3 clientURLs=4 isLearner=5'],
  [api.AuthUserGrantRoleRequestSchema, 'user=1 role=2'],
  [api.AuthRoleRevokePermissionRequestSchema, 'role=1 key=2 range_end=3'],
  [api.LeaderKeySchema, 'name=1 key=2 rev=3 lease=4'],
])('$typeName has the numbers that etcd has', (desc, wanted) => {
  expect(fields(desc)).toBe(wanted);
});

test('services are at the paths that clients call', () => {
  expect(api.kvService.deleteRange.path).toBe('/etcdserverpb.KV/DeleteRange');
  expect(api.maintenanceService.hashKV.path).toBe('/etcdserverpb.Maintenance/HashKV');
  expect(api.lockService.lock.path).toBe('/v3lockpb.Lock/Lock');
  expect(api.electionService.observe).toMatchObject({ requestStream: false, responseStream: true });
  expect(api.watchService.watch).toMatchObject({ requestStream: true, responseStream: true });
  expect(api.healthService.check.path).toBe('/grpc.health.v1.Health/Check');
  expect(api.reflectionService.serverReflectionInfo.path).toContain('grpc.reflection.v1.');
  expect(api.reflectionAlphaService.serverReflectionInfo.path).toContain('grpc.reflection.v1alpha.');
});

test('messages are written and read again, with all of their 64 bits', () => {
  const { requestSerialize, requestDeserialize } = api.leaseService.leaseGrant;
  const request = create(api.LeaseGrantRequestSchema, { ID: -(2n ** 63n), TTL: 2n ** 63n - 1n });
  expect(requestDeserialize(requestSerialize(request))).toEqual(request);
});

test('fields that nobody knows are skipped, and nesting has an end', () => {
  const { requestDeserialize } = api.kvService.put;
  const known = toBinary(api.PutRequestSchema, create(api.PutRequestSchema, { key: Buffer.from('a') }));
  const more = Buffer.concat([known, Buffer.from([0x98, 0x06, 0x01])]);
  expect(toBinary(api.PutRequestSchema, requestDeserialize(more))).toEqual(known);
  const nested = (depth: number): Buffer => {
    let txn = create(api.TxnRequestSchema);
    for (let at = 0; at < depth; at++) {
      const op = create(api.RequestOpSchema, { request: { case: 'requestTxn', value: txn } });
      txn = create(api.TxnRequestSchema, { success: [op] });
    }
    return Buffer.from(toBinary(api.TxnRequestSchema, txn));
  };
  expect(() => api.kvService.txn.requestDeserialize(nested(128))).not.toThrow();
  expect(() => api.kvService.txn.requestDeserialize(nested(200))).toThrow();
});

test('every file comes after those it needs, and is described', () => {
  const seen = new Set<string>();
  for (const file of api.files) {
    for (const { name } of file.dependencies) expect(seen).toContain(name);
    seen.add(file.name);
    expect(api.fileDescriptor(file).length).toBeGreaterThan(100);
  }
});

test('what is committed is what the definitions give', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const copy = mkdtempSync(join(root, 'node_modules', '.generated-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of ['buf.yaml', 'buf.gen.yaml', 'generate.mjs']) cpSync(join(root, name), join(copy, name));
  cpSync(join(root, 'proto'), join(copy, 'proto'), { recursive: true });
  const env = {
    ...process.env,
    VARVE_BIN: join(root, 'node_modules', '.bin'),
    XDG_CACHE_HOME: join(tmpdir(), 'varve-buf'),
  };
  const made = spawnSync(process.execPath, ['generate.mjs'], { cwd: copy, env, encoding: 'utf8' });
  expect([made.status, made.stderr]).toEqual([0, '']);
  const listed = (path: string): string[] =>
    readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .toSorted();
  const [ours, fresh] = [join(root, 'src', 'gen'), join(copy, 'src', 'gen')];
  expect(listed(fresh)).toEqual(listed(ours));
  for (const name of listed(ours))
    expect(readFileSync(join(fresh, name), 'utf8')).toBe(readFileSync(join(ours, name), 'utf8'));
});
