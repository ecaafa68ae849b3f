// @ts-check
/**
 * The live road, both ways: a store is mirrored to another one under writes, with both ends and the mirror killed and started again, and left by a
 * fence. A line for each thing that must hold, and `N of M hold` at the end. It starts and ends what it needs.
 *
 *   node tools/road/live.mjs --way out --keys 200000 --rate 500 --seconds 120
 */
import { hasProgram } from '../conformance/lib/grpc/etcd.mjs';
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { Checks } from './lib/checks.mjs';
import { etcdEnd, servedEnd } from './lib/ends.mjs';
import { walkLive } from './lib/walk-live.mjs';

const usage = `node tools/road/live.mjs [--way out|back|both] [--keys 5000] [--rate 300] [--seconds 10] [--seed 1] [--few]
  out: from varve serve to an etcd, back: from an etcd to varve serve; --rate: writes a second; both ends and the mirror are killed meanwhile; --few: only once or twice`;
const { way, size } = options();
if (!hasProgram('etcd')) {
  process.stdout.write('Left out: there is no etcd on this machine (Debian: etcd-server)\n');
  process.exit(0);
}
const checks = new Checks();
for (const one of way === 'both' ? ['out', 'back'] : [way]) {
  const [source, target] = one === 'out' ? [await servedEnd(), await etcdEnd()] : [await etcdEnd(), await servedEnd()];
  try {
    process.stdout.write(`${source.kind} to ${target.kind}: ${size.keys} keys, seed ${size.seed}\n`);
    await walkLive({ source, target }, size, checks);
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
}
process.exit(checks.end() ? 0 : 1);

function options() {
  const { flags } = flagsOf(usage, {
    way: { type: 'string', default: 'both' },
    keys: { type: 'string', default: '5000' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    few: { type: 'boolean', default: false },
  });
  const { way } = flags;
  if (way !== 'out' && way !== 'back' && way !== 'both')
    return refuse(usage, `There is no way ${JSON.stringify(way)}.`);
  const size = {
    keys: wholeNumber(usage, 'keys', flags.keys, 100),
    perSecond: wholeNumber(usage, 'rate', flags.rate, 1),
    seconds: wholeNumber(usage, 'seconds', flags.seconds, 1),
    seed: wholeNumber(usage, 'seed', flags.seed, 0),
    few: flags.few,
  };
  return { way, size };
}
