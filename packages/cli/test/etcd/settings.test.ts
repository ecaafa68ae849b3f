import { join, resolve } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shownAt } from '../../src/etcd/addresses.ts';
import { readFlags } from '../../src/etcd/read-flags.ts';
import { logSettings, readSettings } from '../../src/etcd/settings.ts';
import { folder } from '../support/program.ts';

const settings = (...args: readonly string[]) => readSettings(readFlags(args, {}));

test('decisions/0041: without flags it is etcd: its name, folder and addresses', () => {
  const { name, data, server, advertised, retention, remarks } = settings();
  expect([name, data, advertised, retention.amount, remarks]).toEqual([
    'default',
    'default.etcd',
    ['http://localhost:2379'],
    0,
    [],
  ]);
  expect(server).toMatchObject({
    host: '127.0.0.1',
    port: 2379,
    also: [],
    maxTxnOps: 128,
    maxRequestBytes: 1_572_864,
    minPingIntervalMs: 5000,
    keepaliveIntervalMs: 7_200_000,
    keepaliveTimeoutMs: 20_000,
    progressIntervalMs: 600_000,
  });
});

test.each([
  [['--listen-client-urls', 'http://127.0.0.1:1'], '--advertise-client-urls is required'],
  [['--listen-client-urls', 'http://example.com:1', '--advertise-client-urls', 'http://a:1'], 'expected IP in URL'],
  [['--listen-client-urls', 'ftp://127.0.0.1:1', '--advertise-client-urls', 'http://a:1'], 'URL scheme must be'],
  [['--listen-client-urls', 'http://127.0.0.1', '--advertise-client-urls', 'http://a:1'], '"host:port"'],
  [
    ['--listen-client-urls', 'http://127.0.0.1:1/x', '--advertise-client-urls', 'http://a:1'],
    'must not contain a path',
  ],
  [['--listen-client-urls', 'https://127.0.0.1:1', '--advertise-client-urls', 'https://a:1'], 'TLS key/cert'],
  [['--listen-client-urls', 'unix://', '--advertise-client-urls', 'http://a:1'], 'the path of a file'],
  [['--listen-client-urls', 'unix:///a?b', '--advertise-client-urls', 'http://a:1'], 'the path of a file'],
  [['--listen-client-urls', 'unix:///a%', '--advertise-client-urls', 'http://a:1'], 'malformed'],
  [['--listen-client-urls', `unix:///${'a'.repeat(110)}`, '--advertise-client-urls', 'http://a:1'], 'at most'],
  [['--listen-client-urls', 'unixs:///a', '--advertise-client-urls', 'unixs:///a'], 'TLS key/cert'],
  [['--advertise-client-urls', 'http://:1'], 'unexpected empty host'],
  [['--initial-cluster', 'b=http://localhost:2380'], 'local name "default"'],
  [['--initial-cluster', 'default=http://a:1,b=http://b:1'], 'a cluster of one member'],
  [['--initial-cluster-state', 'old'], 'unexpected clusterState'],
  [['--enable-v2'], 'etcd 2 is not served'],
  [['--experimental-enable-v2v3', '/v2'], 'etcd 2 is not served'],
  [['--proxy', 'on'], 'there is no proxy'],
  [['--discovery', 'https://example.com'], 'there is nobody to find'],
  [['--discovery-endpoints', 'http://example.com', '--discovery-token', 'a'], 'there is nobody to find'],
  [['--discovery-insecure-transport=false'], 'there is nobody to find'],
  [['--heartbeat-interval', '300'], '5 times'],
  [['--election-timeout', '60000'], 'too long'],
  [['--auto-compaction-mode', 'never'], 'unknown auto-compaction-mode'],
  [['--auto-compaction-mode', 'revision', '--auto-compaction-retention', '1h'], 'a count'],
  [['--max-txn-ops', '0'], 'at least 1'],
  [['--cert-file', 'x'], 'go together'],
  [['--cipher-suites', 'ROT13'], 'unexpected TLS cipher suite'],
  [['--client-crl-file', '/nowhere/x'], 'cannot be read'],
])('R94, decisions/0041: %j is refused', (args, message) => {
  expect(() => settings(...args)).toThrow(message);
});

test('decisions/0041: what has no effect is told, and its default is not', () => {
  const { remarks } = settings('--snapshot-count=10', '--pre-vote=false', '--wal-dir', 'x');
  expect(remarks).toEqual([
    expect.stringContaining('--wal-dir has no effect'),
    expect.stringContaining('--snapshot-count has no effect'),
  ]);
});

test.each([
  ['0', 600_000],
  ['0s', 600_000],
  ['1ns', 1],
  ['2.4ms', 2],
  ['5s', 5000],
])(
  'decisions/0041: watchers hear with --watch-progress-notify-interval=%s how far they are every %i ms',
  (text, ms) => {
    expect(settings(`--watch-progress-notify-interval=${text}`).server.progressIntervalMs).toBe(ms);
  },
);

test('decisions/0041: one address with and without TLS, further ones, and those for metrics', () => {
  const data = folder();
  const urls = 'http://localhost:1,https://localhost:1,https://127.0.0.1:2,http://[::1]:3';
  const { server } = settings(
    ...['--listen-client-urls', urls, '--advertise-client-urls', 'http://a:1', '--auto-tls', '--data-dir', data],
    ...['--listen-metrics-urls', 'http://127.0.0.1:4'],
  );
  const { host, port, tls, also } = server;
  expect([host, port, tls?.plainToo]).toEqual(['127.0.0.1', 1, true]);
  expect(also!.map((one) => [one.host, one.port, one.tls !== undefined, one.tls?.plainToo, one.probesOnly])).toEqual([
    ['127.0.0.1', 2, true, undefined, false],
    ['::1', 3, false, undefined, false],
    ['127.0.0.1', 4, false, undefined, true],
  ]);
  expect(readFileSync(join(data, 'fixtures', 'client', 'cert.pem'), 'utf8')).toBe(tls?.cert);
});

test('decisions/0041: files of Unix sockets, one of them with and without TLS, and relative as etcd has it', () => {
  const data = folder();
  const urls = 'unix:///run/a%20b.sock,unixs:///run/a%20b.sock,unix://localhost:2379,unix://x/y';
  const { server, advertised, places } = settings(
    ...['--listen-client-urls', urls, '--advertise-client-urls', 'unix:///run/a%20b.sock', '--auto-tls'],
    ...[
      '--data-dir',
      data,
      '--listen-metrics-urls',
      'unix:///run/m',
      '--listen-peer-urls',
      `unix://${'p'.repeat(150)}:1`,
    ],
  );
  const { host, port, path, tls, also } = server;
  expect([host, port, path, tls?.plainToo]).toEqual([undefined, undefined, '/run/a b.sock', true]);
  expect(also!.map((one) => [one.host, one.port, one.path, one.tls, one.probesOnly])).toEqual([
    [undefined, undefined, resolve('localhost:2379'), undefined, false],
    [undefined, undefined, resolve('x/y'), undefined, false],
    [undefined, undefined, '/run/m', undefined, true],
  ]);
  expect([advertised, places.map(shownAt)]).toEqual([
    ['unix:///run/a%20b.sock'],
    ['/run/a b.sock', resolve('localhost:2379'), resolve('x/y')],
  ]);
});

test('R94: an authority that clients must show is read, and is needed', () => {
  const file = join(folder(), 'ca.pem');
  writeFileSync(file, 'x');
  const https = ['--listen-client-urls', 'https://127.0.0.1:1', '--advertise-client-urls', 'https://a:1'];
  const own = [...https, '--cert-file', file, '--key-file', file];
  expect(() => settings(...own, '--client-cert-auth')).toThrow('needs --trusted-ca-file');
  expect(settings(...own).server.tls?.clientCa).toBeUndefined();
  expect(settings(...own, '--trusted-ca-file', file).server.tls?.clientCa).toEqual(Buffer.from('x'));
});

test('decisions/0041: the log, with the names of 3.4 and those before', () => {
  const log = (...args: readonly string[]) => logSettings(readFlags(args, {}));
  expect(log()).toEqual({ logger: 'capnslog', level: 'info', outputs: ['default'] });
  expect(log('--debug', '--log-output', 'stdout')).toEqual({ logger: 'capnslog', level: 'debug', outputs: ['stdout'] });
  expect(log('--logger=zap', '--log-outputs=stderr,a')).toEqual({
    logger: 'zap',
    level: 'info',
    outputs: ['stderr', 'a'],
  });
});
