// @ts-check
// Runs random operations against two live servers, an etcd 3.4 and another one, and prints every answer that differs.
import { flagsOf, refuse, wholeNumber } from '../run/flags.mjs';
import { authDifferential } from './lib/grpc/auth-differential.mjs';
import { differential } from './lib/grpc/differential.mjs';

const usage = `node tools/conformance/differential.mjs --reference HOST:PORT --endpoint HOST:PORT [--seed N] [--ops N] [--auth]
  random operations against two servers, an etcd 3.4 and another one; prints every answer that differs`;

function options() {
  const { flags } = flagsOf(usage, {
    reference: { type: 'string' },
    endpoint: { type: 'string' },
    seed: { type: 'string', default: '1' },
    ops: { type: 'string', default: '2000' },
    auth: { type: 'boolean', default: false },
  });
  const { reference, endpoint } = flags;
  if (reference === undefined || endpoint === undefined)
    return refuse(usage, '--reference and --endpoint say which servers.');
  const [seed, ops] = [wholeNumber(usage, 'seed', flags.seed, 0), wholeNumber(usage, 'ops', flags.ops, 1)];
  return { reference, endpoint, seed, ops, compare: flags.auth ? authDifferential : differential };
}

const { reference, endpoint, seed, ops, compare } = options();
const { equal, total, corners, failures } = await compare(
  reference,
  endpoint,
  { seed, ops },
  (/** @type {unknown} */ difference) => {
    process.stdout.write(`${JSON.stringify(difference)}\n`);
  },
);
for (const [corner, count] of corners) {
  process.stdout.write(`${count} counted as equal, where etcd 3.4 is known to answer otherwise: ${corner}\n`);
}
process.stdout.write(`${failures} of the operations failed on purpose\n`);
process.stdout.write(`${equal} of ${total} ops equal\n`);
process.exitCode = equal === total ? 0 : 1;
