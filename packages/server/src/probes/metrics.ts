/**
 * Prometheus' text, under etcd's names, so that dashboards and alerts made for etcd show this server too.
 *
 * SVMX1  What there is no such thing of here is 0, as a single etcd's: peers, elections, learners, downloads of snapshots.
 * SVMX2  A commit here is what an append to the write-ahead log and a backend's commit are there: one measurement under both names. It is
 *     what a write waits from its section until it is durable, once for all that share a commit.
 *
 * Departs: histograms of compactions have no buckets; names of Go's runtime and of etcd's v2 store are not there.
 */
import type { CallTally } from '../rpc/call-tally.ts';
import type { ServerState } from '../server-state.ts';
import { processMetrics } from './process-metrics.ts';

/** The store's own names, below the prefix that etcd gives them. */
const inMvcc = new Set([
  ...['range_total', 'put_total', 'delete_total', 'txn_total', 'total_put_size_in_bytes'],
  ...['db_total_size_in_bytes', 'db_total_size_in_use_in_bytes', 'db_open_read_transactions'],
  ...['hash_duration_seconds_sum', 'hash_duration_seconds_count'],
  ...['hash_rev_duration_seconds_sum', 'hash_rev_duration_seconds_count'],
]);

/** Names that etcd 3.4 has under its debugging prefix, too. */
const inBoth = new Set([
  'range_total',
  'put_total',
  'delete_total',
  'txn_total',
  'total_put_size_in_bytes',
  'db_total_size_in_bytes',
]);

/** The store's names that are not about revisions. */
const leaseNames = /^lease_(?:granted|revoked|renewed)_total$/;

/** Health checks so far. */
export interface HealthChecks {
  readonly failed: number;
  readonly passed: number;
}

export function metricsText(state: ServerState, tally: CallTally, checks: HealthChecks): string {
  const page = new Page();
  addStore(page, state);
  addServer(page, state, tally, checks);
  addCalls(page, tally);
  addProcess(page);
  return page.text();
}

class Page {
  readonly #lines: string[] = [];

  gauge(name: string, value: number, labels = ''): void {
    this.#lines.push(`# TYPE ${name} gauge`, `${name}${labels} ${value}`);
  }

  counter(name: string, value: number): void {
    this.#lines.push(`# TYPE ${name} counter`, `${name} ${value}`);
  }

  add(name: string, type: 'counter' | 'histogram', lines: readonly string[]): void {
    if (lines.length > 0) this.#lines.push(`# TYPE ${name} ${type}`, ...lines);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

function addStore(page: Page, { store }: ServerState): void {
  for (const [name, value] of Object.entries(store.metrics)) {
    const isCounter =
      /_(total|count|sum)$/.test(name) &&
      !/^(?:keys|watch_stream|watcher|slow_watcher|pending_events)_total$/.test(name);
    const put = (full: string): void => (isCounter ? page.counter(full, value) : page.gauge(full, value));
    if (leaseNames.test(name)) put(`etcd_debugging_${name}`);
    else if (inMvcc.has(name)) put(`etcd_mvcc_${name}`);
    if (inBoth.has(name) || (!inMvcc.has(name) && !leaseNames.test(name))) put(`etcd_debugging_mvcc_${name}`);
  }
}

function addServer(page: Page, state: ServerState, tally: CallTally, checks: HealthChecks): void {
  const { version, writes, quota, backend, member } = state;
  page.gauge('etcd_server_has_leader', 1);
  page.gauge('etcd_server_is_leader', backend.failure.aborted ? 0 : 1);
  page.gauge('etcd_server_is_learner', 0);
  page.counter('etcd_server_leader_changes_seen_total', 1);
  page.counter('etcd_server_learner_promote_successes', 0);
  page.counter('etcd_server_heartbeat_send_failures_total', 0);
  page.counter('etcd_server_health_failures', checks.failed);
  page.counter('etcd_server_health_success', checks.passed);
  page.gauge('etcd_server_quota_backend_bytes', quota.bytes === Infinity ? 0 : quota.bytes);
  page.gauge('etcd_server_proposals_pending', writes.pending);
  page.gauge('etcd_server_proposals_applied_total', writes.index);
  page.gauge('etcd_server_proposals_committed_total', writes.index);
  page.counter('etcd_server_proposals_failed_total', writes.failed);
  page.counter('etcd_server_read_indexes_failed_total', 0);
  page.counter('etcd_server_slow_read_indexes_total', 0);
  page.counter('etcd_server_slow_apply_total', tally.slow);
  page.gauge('etcd_server_snapshot_apply_in_progress_total', 0);
  page.gauge('etcd_server_id', 1, `{server_id="${member.id.toString(16)}"}`);
  page.gauge('etcd_server_version', 1, `{server_version="${version}"}`);
  page.gauge('etcd_cluster_version', 1, `{cluster_version="${version.replace(/\.\d+$/, '')}"}`);
  page.gauge('etcd_disk_defrag_inflight', 0);
  for (const name of ['etcd_disk_wal_fsync_duration_seconds', 'etcd_disk_backend_commit_duration_seconds']) {
    page.add(name, 'histogram', writes.commits.lines(name));
  }
}

function addCalls(page: Page, { methods }: CallTally): void {
  const sum = (of: (method: (typeof methods)[number]) => number): number =>
    methods.reduce((all, one) => all + of(one), 0);
  page.counter(
    'etcd_network_client_grpc_received_bytes_total',
    sum(({ receivedBytes }) => receivedBytes),
  );
  page.counter(
    'etcd_network_client_grpc_sent_bytes_total',
    sum(({ sentBytes }) => sentBytes),
  );
  const perMethod = (name: string, of: (method: (typeof methods)[number]) => number): void =>
    page.add(
      name,
      'counter',
      methods.map((method) => `${name}{${method.labels}} ${of(method)}`),
    );
  perMethod('grpc_server_started_total', ({ started }) => started);
  page.add(
    'grpc_server_handled_total',
    'counter',
    methods.flatMap((method) => method.handledLines()),
  );
  perMethod('grpc_server_msg_received_total', ({ received }) => received);
  perMethod('grpc_server_msg_sent_total', ({ sent }) => sent);
  page.add(
    'grpc_server_handling_seconds',
    'histogram',
    methods.flatMap((method) => method.secondsLines()),
  );
}

function addProcess(page: Page): void {
  const { cpuSeconds, residentBytes, startSeconds, openFiles, mostFiles } = processMetrics();
  page.counter('process_cpu_seconds_total', cpuSeconds);
  page.gauge('process_resident_memory_bytes', residentBytes);
  page.gauge('process_start_time_seconds', startSeconds);
  for (const name of ['process_open_fds', 'os_fd_used']) if (openFiles !== undefined) page.gauge(name, openFiles);
  for (const name of ['process_max_fds', 'os_fd_limit']) if (mostFiles !== undefined) page.gauge(name, mostFiles);
}
