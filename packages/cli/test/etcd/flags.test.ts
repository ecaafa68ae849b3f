import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { flags, groups } from '../../src/etcd/flags.ts';

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

test('decisions/0041: what has no effect, and what is refused, says why', () => {
  for (const [name, { word }] of flags) expect(word.length, name).toBeGreaterThan(5);
});
