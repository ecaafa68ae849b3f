// @ts-check
/**
 * Whatever a user could notice is announced: `pnpm changeset` writes a file, this asks for it.
 *
 * CHN1  A changeset names packages we publish and says something.
 * CHN2  A package that was never released is in a changeset.
 * CHN3  A package whose sources, manifest or README differ from the main branch is in a changeset. Without git, or on
 *     the main branch itself, there is nothing to compare with and this rule rests.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedPackages, root } from '../run/root.mjs';

/** @type {string[]} */
const problems = [];
const packages = publishedPackages();
const announced = readChangesets();

for (const { manifest } of packages) {
  if (manifest.version === '0.0.0' && !announced.has(manifest.name))
    problems.push(`${manifest.name} was never released and is in no changeset`);
}
const base = mainBranch();
if (base !== undefined) {
  for (const { dir, manifest } of packages) {
    const paths = [`${dir}/src`, `${dir}/package.json`, `${dir}/README.md`];
    const changed = git('diff', '--name-only', base, '--', ...paths);
    if (changed && !announced.has(manifest.name))
      problems.push(`${manifest.name} differs from the main branch and is in no changeset`);
  }
}

for (const problem of problems) console.log(problem);
console.log(`${announced.size} packages announced, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The names of all packages in some changeset. */
function readChangesets() {
  /** @type {Set<string>} */
  const found = new Set();
  const files = readdirSync(join(root, '.changeset')).filter((file) => file.endsWith('.md') && file !== 'README.md');
  for (const file of files) {
    const [, head, text] =
      /^---\n([^]*?)\n---\n([^]*)$/.exec(readFileSync(join(root, '.changeset', file), 'utf8')) ?? [];
    const lines = (head ?? '').split('\n').filter((line) => line.trim() !== '');
    if (lines.length === 0 || !text?.trim()) problems.push(`.changeset/${file}: needs a package and a sentence`);
    for (const line of lines) {
      const name = /^['"]?(@[\w/-]+)['"]?: (major|minor|patch)$/.exec(line)?.[1];
      if (name === undefined || !packages.some(({ manifest }) => manifest.name === name)) {
        problems.push(`.changeset/${file}: does not name a package of ours: ${line}`);
      } else {
        found.add(name);
      }
    }
  }
  return found;
}

/** Where this branch left the main branch, or undefined. */
function mainBranch() {
  const head = git('rev-parse', 'HEAD');
  for (const branch of ['origin/main', 'main', 'origin/master', 'master']) {
    const start = git('merge-base', 'HEAD', branch);
    if (start) return start === head ? undefined : start;
  }
  return undefined;
}

/** @param {readonly string[]} args */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
