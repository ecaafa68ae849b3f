// @ts-check
// Replays a recording of gRPC calls to a real etcd against a live server, and prints every answer that differs.
import { flagsOf, refuse } from '../run/flags.mjs';
import { replayGrpc } from './lib/grpc/replay.mjs';

const usage = `node tools/conformance/replay-grpc.mjs FILE.jsonl[.gz] --endpoint HOST:PORT
  replays a recording of calls to a real etcd against a server; prints every answer that differs`;

/** @returns {{ file: string, endpoint: string }} */
function options() {
  const { flags, positionals } = flagsOf(usage, { endpoint: { type: 'string' } }, { positionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) return refuse(usage, 'Which recording? One, please.');
  if (flags.endpoint === undefined) return refuse(usage, '--endpoint says which server.');
  return { file, endpoint: flags.endpoint };
}

const { file, endpoint } = options();
const { equal, total, corners } = await replayGrpc(file, endpoint, ({ entry, got }) => {
  const want = JSON.stringify(entry['err'] ?? entry['res']);
  process.stdout.write(
    `${entry['i']} ${entry['op']} ${JSON.stringify(entry['req'])}: want ${want} got ${JSON.stringify(got['err'] ?? got['res'])}\n`,
  );
});
for (const [corner, count] of corners) {
  process.stdout.write(`${count} counted as equal, where etcd 3.4 is known to answer otherwise: ${corner}\n`);
}
process.stdout.write(`${equal} of ${total} ops equal\n`);
process.exitCode = equal === total ? 0 : 1;
