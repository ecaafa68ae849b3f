import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { flags, groups } from '../../src/etcd/flags.ts';
import { renamed } from '../../src/etcd/newer-flags.ts';

const help = readFileSync(
  fileURLToPath(new URL('../../../../tools/vectors/etcd/etcd-help-3.4.23.txt', import.meta.url)),
  'utf8',
);

/** Flags and their defaults, as etcd's help has them. */
const known = new Map(
  [...help.matchAll(/^ {2}--([a-z0-9-]+)(?: '(.*)'| (\d+))?$/gm)].map(([, name, quoted, bare]) => [
    name!,
    quoted ?? bare ?? '',
  ]),
);

/** Flags that etcd takes and does not tell of. */
const untold = [
  'log-output',
  'experimental-enable-lease-checkpoint-persist',
  'unsafe-no-fsync',
  'enable-grpc-gateway',
  'config-file',
  'version',
];

/** Defaults that the help describes. */
const described: Readonly<Record<string, string>> = {
  'data-dir': '',
  'initial-cluster': '',
  'max-concurrent-streams': '4294967295',
};

test('decisions/0041: each flag of etcd --help has a row, and there is no other', () => {
  expect(known.size).toBe(80);
  const older = [...flags.keys()].filter((name) => !Object.hasOwn(groups['Newer than 3.4']!, name));
  expect(older.toSorted()).toEqual([...known.keys(), ...untold].toSorted());
});

test('decisions/0041: the defaults are those of etcd --help', () => {
  const told = [...known].map(([name, initial]) => [name, described[name] ?? initial]);
  expect(told.map(([name]) => [name, flags.get(name!)?.initial])).toEqual(told);
});

/** Flags that etcd 3.5 or 3.6 took first, as their source has them. */
const later = [
  ...['backend-bbolt-freelist-type', 'bootstrap-defrag-threshold-megabytes', 'client-cert-file', 'client-key-file'],
  ...['compact-hash-check-time', 'compaction-batch-limit', 'compaction-sleep-interval', 'corrupt-check-time'],
  ...['discovery-cacert', 'discovery-cert', 'discovery-dial-timeout', 'discovery-endpoints'],
  ...['discovery-insecure-skip-tls-verify', 'discovery-insecure-transport', 'discovery-keepalive-time'],
  ...['discovery-keepalive-timeout', 'discovery-key', 'discovery-password', 'discovery-request-timeout'],
  ...['discovery-token', 'discovery-user', 'distributed-tracing-address', 'distributed-tracing-instance-id'],
  ...['distributed-tracing-sampling-rate', 'distributed-tracing-service-name', 'downgrade-check-time'],
  ...['enable-distributed-tracing', 'enable-log-rotation', 'experimental-bootstrap-defrag-threshold-megabytes'],
  ...['experimental-compact-hash-check-enabled', 'experimental-compact-hash-check-time'],
  ...['experimental-compaction-sleep-interval', 'experimental-distributed-tracing-address'],
  ...['experimental-distributed-tracing-instance-id', 'experimental-distributed-tracing-sampling-rate'],
  ...['experimental-distributed-tracing-service-name', 'experimental-downgrade-check-time'],
  ...['experimental-enable-distributed-tracing', 'experimental-max-learners', 'experimental-memory-mlock'],
  ...['experimental-snapshot-catchup-entries', 'experimental-stop-grpc-service-on-defrag'],
  ...['experimental-txn-mode-write-with-shared-buffer', 'experimental-wait-cluster-ready-timeout'],
  ...['experimental-warning-unary-request-duration', 'feature-gates', 'listen-client-http-urls', 'log-format'],
  ...['log-rotation-config-json', 'max-learners', 'memory-mlock', 'peer-client-cert-file', 'peer-client-key-file'],
  ...['peer-skip-client-san-verification', 'raft-read-timeout', 'raft-write-timeout', 'self-signed-cert-validity'],
  ...['snapshot-catchup-entries', 'socket-reuse-address', 'socket-reuse-port', 'tls-max-version', 'tls-min-version'],
  ...['v2-deprecation', 'warning-apply-duration', 'warning-unary-request-duration', 'watch-progress-notify-interval'],
];

test('decisions/0041: each flag of this list of newer ones is known', () => {
  expect(later.filter((name) => !flags.has(renamed.get(name) ?? name))).toEqual([]);
});

test('decisions/0041: the new name of a flag leads to one of 3.4', () => {
  for (const [name, older] of renamed) expect([name, known.has(older)]).toEqual([name, true]);
});

test('decisions/0041: what has no effect, and what is refused, says why', () => {
  for (const [name, { word }] of flags) expect(word.length, name).toBeGreaterThan(5);
});
