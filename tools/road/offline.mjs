// @ts-check
/**
 * The offline road, both ways: stores of every engine become clusters of etcd by a snapshot, and clusters become stores, with every revision, lease
 * and compaction; by the commands of docs/guide/leaving.md. A line for each thing that must hold, and `N of M hold` at the end.
 *
 *   node tools/road/offline.mjs --engine log
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { Checks } from './lib/checks.mjs';
import { versionOf } from './lib/commands.mjs';
import { Guide } from './lib/guide.mjs';
import { walkLiveAsShown } from './lib/walk-as-shown.mjs';
import { engines, walkOffline } from './lib/walk-offline.mjs';
import { walkServed } from './lib/walk-served.mjs';

/** What the page was tried with. */
const tried = '3.4.23';
const usage = `node tools/road/offline.mjs [--engine log|level|file|all] [--steps 300] [--seed 1]
  snapshots to clusters of etcd and back, by the commands of docs/guide/leaving.md; --steps: transactions of the history`;
const { chosen, steps, seed } = options();
const versions = [await versionOf('etcd', '--version'), await versionOf('etcdctl', 'version')];
if (versions.includes(undefined)) {
  process.stdout.write('Left out: etcd and etcdctl are not both on this machine (Debian: etcd-server, etcd-client)\n');
  process.exit(0);
}
const checks = new Checks();
const guide = new Guide();
checks.check(
  'etcd and etcdctl are of one version',
  versions[0] === versions[1],
  `${versions.join(' and ')}${versions[0] === tried ? '' : `; the page was tried with ${tried}`}`,
);
const folder = mkdtempSync(join(tmpdir(), 'varve-road-'));
try {
  for (const engine of chosen) await walkOffline(engine, { folder: join(folder, engine), guide, checks, steps, seed });
  await walkServed({ folder: join(folder, 'served'), guide, checks });
  await walkLiveAsShown({ folder: join(folder, 'live'), guide, checks });
  const unused = guide.unused();
  checks.check('every command of the page was run', unused.length === 0, unused.join(', '));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(checks.end() ? 0 : 1);

function options() {
  const { flags } = flagsOf(usage, {
    engine: { type: 'string', default: 'all' },
    steps: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  });
  const { engine } = flags;
  if (engine !== 'all' && !Object.hasOwn(engines, engine))
    return refuse(usage, `There is no engine ${JSON.stringify(engine)}.`);
  return {
    chosen: engine === 'all' ? Object.keys(engines) : [engine],
    steps: wholeNumber(usage, 'steps', flags.steps, 60),
    seed: wholeNumber(usage, 'seed', flags.seed, 0),
  };
}
