// @ts-check
// Replays a recording of a real etcd against varve and prints every answer that differs.
import { flagsOf, refuse } from '../run/flags.mjs';
import { engines, replay } from './lib/replay.mjs';

const usage = `node tools/conformance/replay.mjs FILE.jsonl[.gz] [--engine memory|level|file|log]
  replays what a real etcd answered; ends with 1 when an answer differs`;

const { flags, positionals } = flagsOf(usage, { engine: { type: 'string', default: 'memory' } }, { positionals: true });
const [file] = positionals;
const { engine } = flags;
if (file === undefined || positionals.length > 1) refuse(usage, 'Which file? One recording is replayed at a time.');
if (!engines.includes(engine)) refuse(usage, `--engine is one of ${engines.join(', ')}, not ${engine}.`);
const { equal, total, corners } = await replay(file, engine, ({ i, op, path, want, got }) => {
  process.stdout.write(`${i} ${op} ${path}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}\n`);
});
for (const [corner, count] of corners) {
  process.stdout.write(`${count} counted as equal, where etcd 3.4 is known to answer otherwise: ${corner}\n`);
}
process.stdout.write(`${equal} of ${total} ops equal\n`);
process.exitCode = equal === total ? 0 : 1;
