/**
 * Prometheus' text, under etcd's names, so that dashboards made for etcd show this server too.
 *
 * SVMX1  Counters and gauges only: what the store counts, what the server counts, what the process is.
 */
import type { ServerState } from '../server-state.ts';

/** The store's own names, below the prefix that etcd gives them. */
const inMvcc = new Set([
  'range_total',
  'put_total',
  'delete_total',
  'txn_total',
  'total_put_size_in_bytes',
  'db_total_size_in_bytes',
  'db_total_size_in_use_in_bytes',
  'db_open_read_transactions',
  'hash_duration_seconds_sum',
  'hash_duration_seconds_count',
  'hash_rev_duration_seconds_sum',
  'hash_rev_duration_seconds_count',
]);

export function metricsText(state: ServerState, calls: ReadonlyMap<string, number>): string {
  const out: string[] = [];
  const gauge = (name: string, value: number): void => void out.push(`# TYPE ${name} gauge`, `${name} ${value}`);
  const counter = (name: string, value: number): void => void out.push(`# TYPE ${name} counter`, `${name} ${value}`);
  const { store, version, writes, quota } = state;
  for (const [name, value] of Object.entries(store.metrics)) {
    const full = inMvcc.has(name) ? `etcd_mvcc_${name}` : `etcd_debugging_mvcc_${name}`;
    if (/_(total|count|sum)$/.test(name)) counter(full, value);
    else gauge(full, value);
  }
  gauge('etcd_server_has_leader', 1);
  gauge('etcd_server_is_leader', 1);
  gauge('etcd_server_health_failures', state.backend.failure.aborted ? 1 : 0);
  gauge('etcd_server_quota_backend_bytes', quota.bytes === Infinity ? 0 : quota.bytes);
  gauge('etcd_server_proposals_pending', writes.pending);
  gauge('etcd_server_proposals_applied_total', writes.index);
  gauge('etcd_server_proposals_committed_total', writes.index);
  counter('etcd_server_proposals_failed_total', writes.failed);
  out.push('# TYPE etcd_server_version gauge', `etcd_server_version{server_version="${version}"} 1`);
  out.push('# TYPE grpc_server_started_total counter');
  for (const [path, count] of calls) {
    const [, service, name] = path.split('/');
    out.push(`grpc_server_started_total{grpc_method="${name}",grpc_service="${service}"} ${count}`);
  }
  const { user, system } = process.cpuUsage();
  counter('process_cpu_seconds_total', (user + system) / 1e6);
  gauge('process_resident_memory_bytes', process.memoryUsage.rss());
  return `${out.join('\n')}\n`;
}
