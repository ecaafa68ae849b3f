// @ts-check
// Replays a recording of a real etcd against varve and prints every answer that differs.
import { parseArgs } from 'node:util';
import { engines, replay } from './lib/replay.mjs';

const usage = 'node tools/conformance/replay.mjs FILE.jsonl[.gz] [--engine memory|level|file]\n';

/** @returns {{ file: string, engine: string }} */
function options() {
  try {
    const { values, positionals } = parseArgs({
      options: { engine: { type: 'string', default: 'memory' } },
      allowPositionals: true,
    });
    const [file] = positionals;
    if (file !== undefined && positionals.length === 1 && engines.includes(values.engine)) {
      return { file, engine: values.engine };
    }
  } catch {
    // An option that there is not.
  }
  process.stderr.write(usage);
  process.exit(2);
}

const { file, engine } = options();
const { equal, total, corners } = await replay(file, engine, ({ i, op, path, want, got }) => {
  process.stdout.write(`${i} ${op} ${path}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}\n`);
});
for (const [corner, count] of corners) {
  process.stdout.write(`${count} counted as equal, where etcd 3.4 is known to answer otherwise: ${corner}\n`);
}
process.stdout.write(`${equal} of ${total} ops equal\n`);
process.exitCode = equal === total ? 0 : 1;
