// @ts-check
/**
 * From a fresh checkout to built packages: pnpm, install, build. Each step that is done already costs next to nothing.
 *
 * BO1  Nothing global: pnpm comes from PATH when it is the pinned version, else from `.tools`, put there by npm.
 * BO2  The lockfile is the law (`--frozen-lockfile`). An install is skipped only when no manifest, nor the lockfile, nor
 *     the Node that would load native code has changed since the last one that succeeded.
 * BO3  pnpm is on PATH for the children: turbo looks for it there.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import { run, step } from './child.mjs';
import { download } from './download.mjs';
import { packagesIn, readJson, root } from './root.mjs';

/** Nobody is there to answer a question. */
const unattended = { CI: 'true' };

const stamp = join(root, 'node_modules', '.varve-installed');

/**
 * Installs and builds. Returns the first failure's exit code, or 0.
 * @returns {Promise<number>}
 */
export async function bootstrap() {
  process.env['TURBO_TELEMETRY_DISABLED'] = '1';
  const state = installState();
  const fresh = isInstalled(state);
  let code = await providePnpm();
  if (code === 0 && !fresh) code = await install(state);
  if (code === 0) code = await build();
  return code;
}

async function providePnpm() {
  const version = String(readJson('package.json').packageManager).replace('pnpm@', '');
  // Asked outside the repository: inside it some versions of pnpm turn themselves into the pinned one by a download.
  const onPath = await run('pnpm', ['--version'], { quiet: true, cwd: tmpdir() });
  if (onPath.code === 0 && onPath.output.trim() === version) return 0;

  const folder = join(root, '.tools');
  const manifest = join(folder, 'node_modules', 'pnpm', 'package.json');
  const have = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
  if (have !== version) {
    const args = [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--silent',
    ];
    const { code } = await step(`fetch pnpm ${version}`, () =>
      download('npm', [...args, `pnpm@${version}`], { quiet: true }),
    );
    if (code !== 0) return code;
  }
  process.env['PATH'] = join(folder, 'node_modules', '.bin') + delimiter + process.env['PATH'];
  return 0;
}

/** @param {string} state */
async function install(state) {
  const { code } = await step('install', () =>
    download('pnpm', ['install', '--frozen-lockfile'], { quiet: true, env: unattended }),
  );
  if (code === 0) writeFileSync(stamp, state);
  return code;
}

async function build() {
  const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo');
  const args = [turbo, 'run', 'build', '--output-logs=errors-only', '--no-update-notifier'];
  const { code } = await step('build', () => run('node', args, { quiet: true, env: unattended }));
  return code;
}

/** What an install depends on, as one hash. */
function installState() {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`);
  for (const path of [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...workspace().map((dir) => `${dir}/package.json`),
  ]) {
    hash.update(`\n${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

/** @param {string} state */
function isInstalled(state) {
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== state) return false;
  return workspace().every((dir) => existsSync(join(root, dir, 'node_modules')));
}

function workspace() {
  return [...packagesIn('packages'), ...packagesIn('tools'), ...packagesIn('examples')].map((one) => one.dir);
}
