// @ts-check
/**
 * Whether users can use what we would publish (R129): packs every package, installs the tarballs in an empty folder, and runs
 * programs there on other runtimes.
 *
 *     node tools/smoke/run.mjs [--runtime node|node22|bun|deno|...]... [--with npm|yarn|berry]...
 *
 * Without options: the oldest Nodes of `engines` (XC9), Node 26, Bun and Deno, with npm and with yarn 1, and Node 26 with yarn 4. What cannot be fetched
 * because there is no network is left out, and said. The last line is `N passed, N failed`.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allFences } from '../readme-examples/fences.mjs';
import { compile } from '../readme-examples/programs.mjs';
import { bootstrap } from '../run/bootstrap.mjs';
import { interrupted, leave } from '../run/child.mjs';
import { flagsOf, refuse } from '../run/flags.mjs';
import { packAll } from '../checks/lib/packing.mjs';
import { provide } from '../run/runtimes.mjs';
import { checks } from './checks.mjs';
import { install, managers } from './managers.mjs';

const runtimes = ['node', 'node20.19', 'node20', 'node22.12', 'node22', 'node24', 'node26', 'bun', 'deno'];

/** @type {readonly (readonly [import('./managers.mjs').Manager, readonly string[]])[]} */
const usual = [
  ['npm', ['node20.19', 'node22.12', 'node22', 'node26', 'bun', 'deno']],
  ['yarn', ['node22', 'node26', 'bun', 'deno']],
  ['berry', ['node26']],
];

let passed = 0;
let failed = 0;
/** @type {string[]} */
const leftOut = [];
/** @type {string[]} */
const failures = [];

/** @param {string} what @param {string} why */
function fail(what, why) {
  failed += 1;
  failures.push(what);
  console.log(`FAILED ${what}\n${why.replace(/^(?=.)/gm, '    ')}`);
}

leave(await main(readArguments()));

/** @returns {typeof usual} */
function readArguments() {
  const usage = `node tools/smoke/run.mjs [--runtime ${runtimes.join('|')}]... [--with ${managers.join('|')}]...
  packs, installs and uses what would be published, on other runtimes`;
  const { flags } = flagsOf(usage, {
    runtime: { type: 'string', multiple: true },
    with: { type: 'string', multiple: true },
  });
  if (flags.runtime === undefined && flags.with === undefined) return usual;
  const wanted = flags.runtime ?? ['node22', 'node26', 'bun', 'deno'];
  const ways = flags.with ?? ['npm', 'yarn'];
  const unknown = wanted.find((name) => !runtimes.includes(name));
  if (unknown !== undefined) refuse(usage, `There is no runtime ${unknown} here.`);
  const chosen = managers.filter((name) => ways.includes(name));
  if (chosen.length !== new Set(ways).size) refuse(usage, `There is no way to install with ${ways.join(', ')}.`);
  return chosen.map((name) => [name, wanted]);
}

/** @param {typeof usual} plan @returns {Promise<number>} */
async function main(plan) {
  const code = await bootstrap();
  if (code !== 0) fail('install and build', `ended with code ${code}`);
  const folder = mkdtempSync(join(tmpdir(), 'varve-smoke-'));
  try {
    const { packed, problems } = code === 0 ? await packAll(folder) : { packed: [], problems: [] };
    for (const problem of problems) fail('pack', problem);
    for (const [manager, names] of packed.length > 0 ? plan : []) {
      if (interrupted()) return 1;
      await withManager(manager, names, folder, packed);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const line of leftOut) console.log(`Left out: ${line}`);
  for (const line of failures) console.log(`Failed: ${line}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/**
 * Why a runtime cannot run an example; undefined: it can.
 * @param {string} runtime @param {string} example
 */
function cannot(runtime, example) {
  return runtime === 'bun' && example.startsWith('packages/etcd/README.md')
    ? 'it serves gRPC, and Bun refuses streams of connections that are handed over to it'
    : undefined;
}

/**
 * @param {import('./managers.mjs').Manager} manager
 * @param {readonly string[]} names of runtimes
 * @param {string} base
 * @param {readonly import('../checks/lib/packing.mjs').Packed[]} packed
 */
async function withManager(manager, names, base, packed) {
  const folder = join(base, manager);
  mkdirSync(folder);
  const done = await install(manager, folder, packed);
  if ('absent' in done) return void leftOut.push(`all that ${manager} installs: it cannot be fetched here`);
  if ('problem' in done) return fail(`install with ${manager}`, done.problem);
  const examples = await compile(allFences(), join(folder, 'examples'));
  for (const name of names) {
    const provided = await provide(name);
    if ('absent' in provided) leftOut.push(`${name} with ${manager}: it cannot be fetched here`);
    else if ('problem' in provided) fail(`${name} with ${manager}`, provided.problem);
    else {
      const able = examples.filter((example) => !cannot(name, example.name));
      for (const { name: file } of examples) {
        if (cannot(name, file)) leftOut.push(`${name} with ${manager}: ${file}: ${cannot(name, file)}`);
      }
      for await (const checked of checks(provided.program, folder, packed, able)) {
        const what = `${name} with ${manager}: ${checked.name}`;
        if (interrupted()) return;
        if (checked.problem !== undefined) fail(what, checked.problem);
        else {
          passed += 1;
          console.log(`ok ${what}`);
        }
      }
    }
  }
}
