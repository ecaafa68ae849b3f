// @ts-check
/**
 * Runs a script of ours on another Node: `node tools/on.mjs node24 tools/run.mjs test --packages`.
 *
 * The Node is fetched with npm into `.tools` and comes first on PATH, for the children, too. Without network nothing runs,
 * which is said, and the last line is `0 passed, 0 failed`.
 */
import { delimiter } from 'node:path';
import { leave, run } from './run/child.mjs';
import { refuse } from './run/flags.mjs';
import { folderOf, provide } from './run/runtimes.mjs';

const usage = `node tools/on.mjs node20|node22|node24|node26 SCRIPT [ARGUMENT]...
  runs a script of ours on another Node`;
const [name = '', ...args] = process.argv.slice(2);
if (name === '--help') {
  console.log(usage);
  process.exit(0);
}
if (!name.startsWith('node') || args.length === 0) refuse(usage, 'Which Node, and which script?');
const provided = await provide(name);
if ('absent' in provided) {
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
