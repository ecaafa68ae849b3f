import { expect, test } from 'vitest';
import { durationMs } from '../../src/duration.ts';
import { readFlags } from '../../src/etcd/read-flags.ts';

test.each([
  [['--name', 'a']],
  [['-name', 'a']],
  [['--name=a']],
  [['-name=a']],
  [['--name', 'b', '--name=a']],
  [['--name', 'a', '--']],
])('decisions/0041: %j gives the name a', (args) => {
  const { values, set } = readFlags(args, {});
  expect([values.name, [...set]]).toEqual(['a', ['name']]);
});

test('decisions/0041: a switch takes its value behind =, and the next word is not its value', () => {
  expect(readFlags(['--debug'], {}).values.debug).toBe('true');
  expect(readFlags(['--debug=F', '--name', 'a'], {}).values.debug).toBe('false');
  expect(() => readFlags(['--debug', 'false'], {})).toThrow("'false' is not a valid flag");
});

test.each([
  [['--nothing'], 'flag provided but not defined: -nothing'],
  [['--name'], 'flag needs an argument: -name'],
  [['--debug=x'], 'invalid value "x" for flag -debug: true or false'],
  [['--snapshot-count=many'], 'invalid value "many" for flag -snapshot-count: a whole number'],
  [
    ['--grpc-keepalive-timeout', '5'],
    'invalid value "5" for flag -grpc-keepalive-timeout: a duration, such as 10s or 1h30m',
  ],
  [['---name=a'], 'bad flag syntax: ---name=a'],
  [['--=a'], 'bad flag syntax: --=a'],
  [['start'], "'start' is not a valid flag"],
  [['--', 'start'], "'start' is not a valid flag"],
])('R94: %j is wrong', (args, message) => {
  expect(() => readFlags(args, {})).toThrow(message);
});

test('decisions/0041: variables stand for flags, and are checked as they are', () => {
  const { values, remarks } = readFlags([], {
    ETCD_NAME: 'a',
    ETCD_ENABLE_V2: '1',
    HOME: '/',
    ETCD_UNSUPPORTED_ARCH: 'arm',
  });
  expect([values.name, values['enable-v2'], remarks.length]).toEqual(['a', 'true', 2]);
  expect(readFlags([], { ETCD_WRONG: 'a' }).remarks).toEqual(['unrecognized environment variable ETCD_WRONG']);
  expect(() => readFlags([], { ETCD_SNAPSHOT_COUNT: 'a' })).toThrow('invalid value "a" for ETCD_SNAPSHOT_COUNT');
});

test('decisions/0041: a variable that a flag shadows is refused', () => {
  expect(() => readFlags(['--name', 'a'], { ETCD_NAME: 'b' })).toThrow('ETCD_NAME and --name are both given');
});

test('decisions/0041: the names of etcd 3.6, without experimental, are the same flags', () => {
  const name = 'experimental-watch-progress-notify-interval';
  const { set } = readFlags(['--watch-progress-notify-interval=5s'], { ETCD_COMPACTION_BATCH_LIMIT: '7' });
  expect([...set]).toEqual([name, 'experimental-compaction-batch-limit']);
  expect(() => readFlags([`--${name}=5s`], { ETCD_WATCH_PROGRESS_NOTIFY_INTERVAL: '5s' })).toThrow('both given');
});

test('decisions/0041: flags of etcd 2 are taken, and are said to do nothing', () => {
  expect(readFlags(['-snapshot', '--name=a'], {}).remarks).toEqual([
    'flag "-snapshot" is no longer supported - ignoring.',
  ]);
});

test.each([
  ['1h30m', 5_400_000],
  ['100ms', 100],
  ['1.5s', 1500],
  ['.5s', 500],
  ['2us', 0.002],
  ['0', 0],
  ['-1s', -1000],
  ['5', undefined],
  ['s', undefined],
  ['1x', undefined],
  ['1h ', undefined],
])('decisions/0041: the duration %s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
