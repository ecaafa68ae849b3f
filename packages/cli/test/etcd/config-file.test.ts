import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFlags } from '../../src/etcd/read-flags.ts';
import { readSettings } from '../../src/etcd/settings.ts';
import { folder } from '../support/program.ts';

function file(text: string): string {
  const path = join(folder(), 'etcd.conf.yml');
  writeFileSync(path, text);
  return path;
}

const yaml = `---
# a member
name: 'it''s a'   # its name
data-dir: /var/lib/etcd
snapshot-count: 10000
listen-client-urls: http://127.0.0.1:2379,http://127.0.0.1:3379
initial-cluster:
auto-compaction-retention: "1"
grpc-keepalive-min-time: 7000000000
strict-reconfig-check: false
log-outputs: [stderr, 'a b']
watch-progress-notify-interval: 1000000000
wal-dir: null

client-transport-security:
  # of clients
  cert-file: server.crt
  client-cert-auth: true
peer-transport-security:
  auto-tls: true
proxy: 'off'
`;

const wanted = {
  name: "it's a",
  'data-dir': '/var/lib/etcd',
  'snapshot-count': '10000',
  'listen-client-urls': 'http://127.0.0.1:2379,http://127.0.0.1:3379',
  'auto-compaction-retention': '1',
  'grpc-keepalive-min-time': '7000000000ns',
  'strict-reconfig-check': 'false',
  'log-outputs': 'stderr,a b',
  'experimental-watch-progress-notify-interval': '1000000000ns',
  'cert-file': 'server.crt',
  'client-cert-auth': 'true',
  'peer-auto-tls': 'true',
  proxy: 'off',
};

test('decisions/0041: a file has the flags, and nothing else counts', () => {
  const path = file(yaml);
  const ways = [
    readFlags(['--name', 'b', '--config-file', path], { ETCD_SNAPSHOT_COUNT: '7', ETCD_NAME: 'c' }),
    readFlags(['--name', 'b'], { ETCD_CONFIG_FILE: path }),
  ];
  for (const { values, set, isFromFile } of ways) {
    expect(Object.fromEntries([...set].map((name) => [name, values[name]]))).toEqual(wanted);
    expect(isFromFile).toBe(true);
  }
});

test('decisions/0041: a file of JSON', () => {
  const { values } = readFlags(
    ['--config-file', file('{"name":"a","log-outputs":["stderr"],"client-transport-security":{"auto-tls":true}}')],
    {},
  );
  expect([values.name, values['log-outputs'], values['auto-tls']]).toEqual(['a', 'stderr', 'true']);
});

test('decisions/0041: addresses to advertise have their default in a file, and what is no flag is told', () => {
  const given = readFlags(['--config-file', file('listen-client-urls: http://127.0.0.1:1\ncolor: red\n')], {});
  expect(readSettings(given).advertised).toEqual(['http://localhost:2379']);
  expect(given.remarks.at(-1)).toBe('line 2 of the configuration: there is no flag color');
});

test.each([
  ['name: a\n- b', 'line 2'],
  ['name: &x a', 'line 1'],
  ['name: |\n  text', 'line 1'],
  ['name: {a: b}', 'line 1'],
  ['name: [a, [b]]', 'line 1'],
  ['name: a: b', 'line 1'],
  ['name: "a', 'line 1'],
  ['name: a\n  more', 'line 2'],
  ['name: a\n  cert-file: b', 'line 2'],
  ['client-transport-security: x', 'line 1'],
  ['\tname: a', 'line 1'],
  ['snapshot-count: many', 'a whole number'],
  ['client-transport-security:\n  color: red', 'there is no color in this section'],
  ['{"name": ', 'begins as JSON'],
  ['{"name": {}}', 'name: only'],
])('R94, decisions/0041: %j is refused', (text, message) => {
  const path = file(text);
  expect(() => readFlags(['--config-file', path], {})).toThrow(`--config-file ${path}`);
  expect(() => readFlags(['--config-file', path], {})).toThrow(message);
});

test('R94: a file that is not there', () => {
  expect(() => readFlags(['--config-file', '/nowhere/x'], {})).toThrow('--config-file /nowhere/x: cannot be read');
});
