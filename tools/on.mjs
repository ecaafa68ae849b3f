// @ts-check
/**
 * Runs a script of ours on another Node: `node tools/on.mjs node24 tools/run.mjs test --packages`.
 *
 * The Node is fetched with npm into `.tools` and comes first on PATH, for the children, too. Without network nothing runs,
 * which is said, and the last line is `0 passed, 0 failed`.
 */
import { delimiter } from 'node:path';
import { leave, run } from './run/child.mjs';
import { folderOf, provide } from './run/runtimes.mjs';

const [name = '', ...args] = process.argv.slice(2);
const provided = name.startsWith('node') && args.length > 0 ? await provide(name) : undefined;
if (provided === undefined) {
  console.error('node tools/on.mjs node20|node22|node24|node26 SCRIPT [ARGUMENT]...');
  process.exitCode = 2;
} else if ('absent' in provided) {
  console.log(`Left out: ${args.join(' ')} on ${name}, which cannot be fetched here (${provided.absent})`);
  console.log('0 passed, 0 failed');
} else if ('problem' in provided) {
  console.error(`${name}: ${provided.problem}`);
  process.exitCode = 1;
} else {
  const { program } = provided;
  leave(
    (await run(program.command, args, { env: { PATH: folderOf(program) + delimiter + process.env['PATH'] } })).code,
  );
}
