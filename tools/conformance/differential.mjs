// @ts-check
// Runs random operations against two live servers, an etcd 3.4 and another one, and prints every answer that differs.
import { parseArgs } from 'node:util';
import { authDifferential } from './lib/grpc/auth-differential.mjs';
import { differential } from './lib/grpc/differential.mjs';

const usage =
  'node tools/conformance/differential.mjs --reference HOST:PORT --endpoint HOST:PORT [--seed N] [--ops N] [--auth]\n';

function options() {
  try {
    const { values } = parseArgs({
      options: {
        reference: { type: 'string' },
        endpoint: { type: 'string' },
        seed: { type: 'string', default: '1' },
        ops: { type: 'string', default: '2000' },
        auth: { type: 'boolean', default: false },
      },
    });
    const { reference, endpoint } = values;
    const [seed, ops] = [Number(values.seed), Number(values.ops)];
    if (reference !== undefined && endpoint !== undefined && Number.isInteger(seed) && ops > 0) {
      return { reference, endpoint, seed, ops, compare: values.auth ? authDifferential : differential };
    }
  } catch {
    // An option that there is not.
  }
  process.stderr.write(usage);
  process.exit(2);
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
