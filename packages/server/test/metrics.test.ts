import { Metadata, Server } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { Calls } from '../src/rpc/calls.ts';
import { Histogram } from '../src/probes/histogram.ts';
import type { SlowCall } from '../src/index.ts';
import { Probes } from '../src/probes/probes.ts';
import { start } from './support/server.ts';
import { services } from './support/services.ts';

async function page(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
}

const value = (text: string, name: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );

/** What the dashboard and the alerts that etcd ships ask for, peers left out. */
const asked = [
  ...['etcd_server_has_leader', 'etcd_server_leader_changes_seen_total', 'etcd_server_is_leader', 'etcd_server_id'],
  ...['etcd_server_proposals_failed_total', 'etcd_server_proposals_pending', 'etcd_server_proposals_committed_total'],
  ...['etcd_server_proposals_applied_total', 'etcd_server_slow_apply_total', 'etcd_server_slow_read_indexes_total'],
  ...['etcd_server_health_failures', 'etcd_server_health_success', 'etcd_server_quota_backend_bytes'],
  ...['etcd_server_heartbeat_send_failures_total', 'etcd_server_read_indexes_failed_total', 'etcd_server_version'],
  ...['etcd_server_is_learner', 'etcd_server_snapshot_apply_in_progress_total', 'etcd_cluster_version'],
  ...['etcd_disk_wal_fsync_duration_seconds', 'etcd_disk_backend_commit_duration_seconds'],
  ...['etcd_mvcc_db_total_size_in_bytes', 'etcd_mvcc_db_total_size_in_use_in_bytes', 'etcd_mvcc_put_total'],
  ...['etcd_mvcc_delete_total', 'etcd_mvcc_txn_total', 'etcd_mvcc_range_total', 'etcd_mvcc_hash_duration_seconds'],
  ...['etcd_debugging_mvcc_keys_total', 'etcd_debugging_mvcc_watcher_total', 'etcd_debugging_mvcc_slow_watcher_total'],
  ...['etcd_debugging_mvcc_watch_stream_total', 'etcd_debugging_mvcc_pending_events_total'],
  ...['etcd_debugging_mvcc_events_total', 'etcd_debugging_mvcc_compact_revision'],
  ...['etcd_debugging_mvcc_current_revision', 'etcd_debugging_mvcc_db_compaction_keys_total'],
  ...['etcd_debugging_lease_granted_total', 'etcd_debugging_lease_revoked_total', 'etcd_debugging_lease_renewed_total'],
  ...['etcd_network_client_grpc_received_bytes_total', 'etcd_network_client_grpc_sent_bytes_total'],
  ...['grpc_server_started_total', 'grpc_server_handled_total', 'grpc_server_handling_seconds'],
  ...['grpc_server_msg_received_total', 'grpc_server_msg_sent_total'],
  ...['process_resident_memory_bytes', 'process_cpu_seconds_total', 'process_start_time_seconds'],
];

test("C10, R118: metrics have etcd's names, each once, and nothing of what is stored", async () => {
  await using server = await start();
  await server.put('secret-key=secret-value');
  const text = await page(server.server.url);
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name!);
  expect(new Set(types).size).toBe(types.length);
  const named = new Set(text.split('\n').map((line) => line.replace(/[{ ].*/, '')));
  for (const name of asked) {
    const there = [name, `${name}_bucket`, `${name}_count`].some((one) => named.has(one));
    expect(there, name).toBe(true);
  }
  for (const line of text.trim().split('\n')) {
    expect(line).toMatch(/^(?:# TYPE \w+ (?:gauge|counter|histogram)|\w+(?:\{(?:\w+="[^"\n]*",?)+\})? -?[\d.e+-]+)$/);
  }
  expect(text).not.toMatch(/secret/);
});

test('R118: calls are counted by method and code, messages and bytes each way; unknown paths make no labels', async () => {
  await using server = await start();
  await server.put('a=1', 'b=2');
  await server.call('put', {});
  await server.client.bytes('/etcdserverpb.KV/Invented', new Uint8Array(0));
  using watch = server.watch();
  watch.send({ createRequest: { key: 'a' } });
  await watch.next();
  const text = await page(server.server.url);
  const put = 'grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"';
  expect(value(text, `grpc_server_started_total{${put}}`)).toBe(3);
  expect(value(text, `grpc_server_handled_total{grpc_code="OK",${put}}`)).toBe(2);
  expect(value(text, `grpc_server_handled_total{grpc_code="InvalidArgument",${put}}`)).toBe(1);
  expect(value(text, `grpc_server_msg_received_total{${put}}`)).toBe(3);
  expect(value(text, `grpc_server_msg_sent_total{${put}}`)).toBe(2);
  expect(value(text, `grpc_server_handling_seconds_count{${put}}`)).toBe(3);
  const stream = 'grpc_method="Watch",grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"';
  expect(value(text, `grpc_server_started_total{${stream}}`)).toBe(1);
  expect(value(text, `grpc_server_handled_total{grpc_code="OK",${stream}}`)).toBe(0);
  expect(value(text, `grpc_server_msg_sent_total{${stream}}`)).toBe(1);
  expect(text).not.toContain('Invented');
  expect(value(text, 'etcd_network_client_grpc_received_bytes_total')).toBeGreaterThan(10);
  expect(value(text, 'etcd_disk_wal_fsync_duration_seconds_count')).toBeGreaterThan(0);
});

test('R118: what a server that stops refuses was not begun, and has not ended', async () => {
  const calls = new Calls(new Server(), { ms: Infinity, tell: undefined }, Infinity);
  const bytes = { read: (request: Buffer) => request, write: (answer: Buffer) => answer };
  calls.unary({ path: '/a.A/Unary', ...bytes }, (request) => Promise.resolve(request));
  calls.bidi({ path: '/a.A/Stream', ...bytes }, () => Promise.resolve());
  calls.stop();
  const [unary, stream] = [calls.local('/a.A/Unary'), calls.local('/a.A/Stream')];
  if (unary?.type !== 'unary' || stream?.type !== 'bidi') throw new Error('not what was registered');
  const caller = { metadata: new Metadata(), signal: new AbortController().signal, peer: 'test' };
  await expect(unary.call(Buffer.alloc(0), caller)).rejects.toMatchObject({ status: 14 });
  const failure = await new Promise((resolve) => {
    stream.call(caller, { write: () => undefined, end: () => resolve('ended'), fail: resolve });
  });
  expect(failure).toMatchObject({ status: 14 });
  for (const tally of calls.tally.methods) {
    expect([tally.started, tally.handledLines()]).toEqual([0, [expect.stringMatching(/"OK".* 0$/)]]);
  }
});

test('R99, SVPR2: metrics are written once in a turn of the event loop, however often they are asked for', async () => {
  await using given = await services();
  const probes = new Probes(given.state, given.calls);
  // A page says how many health checks there were when it was written.
  const checks = (): number => {
    probes.page('GET', '/health');
    return value(probes.page('GET', '/metrics').text, 'etcd_server_health_success');
  };
  for (const written of [1, 4, 7]) {
    expect([checks(), checks(), checks()]).toEqual([written, written, written]);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('health checks are counted', async () => {
  await using server = await start();
  const health = (): Promise<Response> => fetch(`${server.server.url}/health`, { headers: { connection: 'close' } });
  await health();
  await server.call('alarm', { action: 1, alarm: 1 });
  await health();
  const text = await page(server.server.url);
  expect([value(text, 'etcd_server_health_success'), value(text, 'etcd_server_health_failures')]).toEqual([1, 1]);
});

test('R117: a slow call is told of, without its key, and counted', async () => {
  const slow: SlowCall[] = [];
  await using server = await start({ slowCallMs: 0, onSlowCall: (call) => slow.push(call) });
  await server.put('a=1');
  await server.call('leaseLeases', {});
  expect(slow).toEqual([{ method: '/etcdserverpb.KV/Put', ms: expect.any(Number) as number, code: 0, untold: 0 }]);
  for (let at = 0; at < 30; at++) await server.put('a=1');
  expect(slow.length).toBeGreaterThan(5);
  const told = slow.length + slow.reduce((sum, { untold }) => sum + untold, 0);
  expect(told).toBeLessThanOrEqual(31);
  expect(value(await page(server.server.url), 'etcd_server_slow_apply_total')).toBe(31);
});

test('a histogram: each bucket has what is not longer', () => {
  const histogram = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 3]) histogram.observe(seconds);
  expect(histogram.lines('h', 'a="b"')).toEqual([
    'h_bucket{a="b",le="0.1"} 2',
    'h_bucket{a="b",le="1"} 3',
    'h_bucket{a="b",le="+Inf"} 4',
    'h_sum{a="b"} 3.65',
    'h_count{a="b"} 4',
  ]);
});
