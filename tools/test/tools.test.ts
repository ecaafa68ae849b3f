/** What every tool has in common: types that are checked, help, and a refusal of what it does not know. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../run/root.mjs';

/** Not checked: what runs where nothing of ours is installed, and adapters whose packages come with the first measurement. */
const untyped = [
  'tools/bench/peers/kine-sqlite.mjs',
  'tools/bench/peers/lmdb-mvcc.mjs',
  'tools/bench/peers/lmdb.mjs',
  'tools/conformance/programs/npm/keyv-etcd.mjs',
  'tools/conformance/programs/npm/moleculer.mjs',
  'tools/smoke/programs/store.mjs',
];

const programs = [
  'tools/bench/bin.mjs',
  'tools/bench/bolt.mjs',
  'tools/bench/growth.mjs',
  'tools/bench/heap.mjs',
  'tools/bench/large.mjs',
  'tools/bench/leases.mjs',
  'tools/bench/objects.mjs',
  'tools/bench/opening.mjs',
  'tools/bench/pauses.mjs',
  'tools/bench/table.mjs',
  'tools/bench/walks.mjs',
  'tools/bench/watchers.mjs',
  'tools/check.mjs',
  'tools/checks/installs.mjs',
  'tools/conformance/e2e.mjs',
  'tools/conformance/programs/clients.mjs',
  'tools/conformance/programs/patroni.mjs',
  'tools/conformance/kv.mjs',
  'tools/conformance/replay.mjs',
  'tools/crash/look-image.mjs',
  'tools/crash/stale-pages.mjs',
  'tools/crash/verify.mjs',
  'tools/crash/workload.mjs',
  'tools/fuzz/hostile.mjs',
  'tools/linear/cluster.mjs',
  'tools/on.mjs',
  'tools/rivals/rivals.mjs',
  'tools/road/live.mjs',
  'tools/road/offline.mjs',
  'tools/run.mjs',
  'tools/security/flood.mjs',
  'tools/simulate.mjs',
  'tools/smoke/run.mjs',
];

function modules(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : modules(path);
    return entry.name.endsWith('.mjs') ? [relative(root, path)] : [];
  });
}

test('the types of every tool are checked, but for those that are listed', () => {
  const unchecked = modules(join(root, 'tools')).filter(
    (path) => !readFileSync(join(root, path), 'utf8').startsWith('// @ts-check\n'),
  );
  expect(unchecked.toSorted()).toEqual(untyped);
});

test.each(programs)(
  '%s answers --help in two or three lines, and refuses what it does not know with one sentence',
  (program) => {
    const ended = (flag: string) =>
      spawnSync(process.execPath, [program, flag], { cwd: root, encoding: 'utf8', input: '' });
    const help = ended('--help');
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout.trimEnd().split('\n').length).toBeGreaterThan(1);
    expect(help.stdout.trimEnd().split('\n').length).toBeLessThan(4);
    const refused = ended('--nonsense');
    expect(refused.status).toBe(2);
    expect(refused.stdout + refused.stderr).toMatch(/\w+/);
  },
);
