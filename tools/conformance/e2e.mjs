// @ts-check
// Runs etcd's own end-to-end tests (Debian's golang-etcd-server-dev) with varve-etcd in the place of etcd, one member.
import { parseArgs } from 'node:util';
import { build, missing } from './lib/e2e/build.mjs';
import { reasonOf, shortForm } from './lib/e2e/expected.mjs';
import { runTest, testsIn } from './lib/e2e/run.mjs';

const usage = `node tools/conformance/e2e.mjs [--short] [--only TEXT] [--output]
  etcd's own end-to-end tests on varve-etcd, or some of each kind, or those with TEXT in their names; --output shows what failed ones have
  printed. Those that fail for a known reason stand in lib/e2e/expected.mjs: one of them that passes is a failure, too.
`;

function options() {
  try {
    return parseArgs({
      options: {
        short: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        output: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch {
    process.stderr.write(usage);
    process.exit(2);
  }
}

const { short, only, output, help } = options();
if (help) {
  process.stdout.write(usage);
  process.exit(0);
}
const lacking = missing();
if (lacking !== undefined) {
  process.stdout.write(`etcd's end-to-end tests are left out: ${lacking}\n0 passed, 0 failed\n`);
  process.exit(0);
}

const built = build();
const names = testsIn(built).filter((name) => name.includes(only) && (!short || shortForm.has(name)));
let passed = 0;
let skipped = 0;
/** @type {string[]} */
const surprises = [];
/** @type {Map<string, number>} */
const reasons = new Map();
for (const name of names) {
  const reason = reasonOf(name);
  let result = await runTest(built, name);
  // The tests wait for seconds, which a busy machine may need for less; what fails twice has failed.
  if (result.outcome === 'fail' && reason === undefined) {
    process.stdout.write(`once more           ${name}\n`);
    result = await runTest(built, name);
  }
  const seconds = `${(result.ms / 1000).toFixed(1)} s`;
  if (result.outcome === 'skip') skipped++;
  else if (result.outcome === 'pass') passed++;
  if (result.outcome === 'fail' && reason !== undefined) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    process.stdout.write(`fails, as expected  ${name} (${seconds}): ${reason}\n`);
  } else if (result.outcome === 'fail') {
    surprises.push(`${name} fails`);
    process.stdout.write(`FAILS               ${name} (${seconds})\n`);
    if (output) process.stdout.write(result.output);
  } else if (reason !== undefined && result.outcome === 'pass') {
    surprises.push(`${name} passes, though lib/e2e/expected.mjs says that it fails`);
    process.stdout.write(`PASSES, unexpected  ${name} (${seconds})\n`);
  } else {
    process.stdout.write(`${result.outcome === 'pass' ? 'passes' : 'skips itself'.padEnd(6)}  ${name} (${seconds})\n`);
  }
}
for (const [reason, count] of reasons) process.stdout.write(`${String(count).padStart(4)} fail: ${reason}\n`);
if (skipped > 0) process.stdout.write(`${String(skipped).padStart(4)} skip themselves\n`);
for (const surprise of surprises) process.stdout.write(`${surprise}\n`);
process.stdout.write(`${passed} of ${names.length} pass\n`);
process.stdout.write(`${names.length - skipped - surprises.length} passed, ${surprises.length} failed\n`);
process.exitCode = surprises.length === 0 ? 0 : 1;
