import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEtcdLog } from '../../src/etcd/etcd-log.ts';
import { folder } from '../support/program.ts';

function collect() {
  const lines: string[] = [];
  return {
    lines,
    streams: { out: (text: string) => void lines.push(`out ${text}`), error: (text: string) => void lines.push(text) },
  };
}

test('R117: capnslog, as etcd writes it', () => {
  const { lines, streams } = collect();
  const log = openEtcdLog({ logger: 'capnslog', level: 'info', outputs: ['default'] }, streams);
  log.say('debug', 'embed', 'nothing');
  log.say('notice', 'embed', 'ready');
  expect(lines).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} N \| embed: ready\n$/)]);
});

test('R117: zap, as JSON lines, to more than one place', () => {
  const { lines, streams } = collect();
  const file = join(folder(), 'log');
  const log = openEtcdLog({ logger: 'zap', level: 'warn', outputs: ['stdout', file] }, streams);
  log.say('info', 'embed', 'nothing');
  log.say('warn', 'mvcc', 'slow', { took: 7 });
  const text = readFileSync(file, 'utf8');
  expect(lines).toEqual([`out ${text}`]);
  expect(JSON.parse(text)).toEqual({
    level: 'warn',
    ts: expect.any(String),
    caller: 'varve/mvcc',
    msg: 'slow',
    took: 7,
  });
});

test.each([
  [{ logger: 'paper', level: 'info', outputs: ['default'] }, "'zap' or 'capnslog'"],
  [{ logger: 'zap', level: 'notice', outputs: ['default'] }, '--log-level notice'],
  [{ logger: 'capnslog', level: 'info', outputs: ['stdout', 'stderr'] }, 'only 1 value'],
  [{ logger: 'zap', level: 'info', outputs: ['default', 'stderr'] }, 'multi logoutput'],
  [{ logger: 'zap', level: 'info', outputs: ['/nowhere/x/log'] }, 'cannot be written'],
])('R94: %j', (options, message) => {
  expect(() => openEtcdLog(options, collect().streams)).toThrow(message);
});
