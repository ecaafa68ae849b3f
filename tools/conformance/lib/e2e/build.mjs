// @ts-check
/**
 * etcd's own end-to-end tests, built from Debian's sources for a cluster of one member.
 *
 * EEB1  The sources are Debian's (golang-etcd-server-dev), read where they lie; nothing is downloaded. One thing is changed in the copy:
 *     clusters that would have three members have one. Tests that ask for three by themselves keep them.
 * EEB2  `varve-etcd` stands as `etcd` in a folder of its own, beside the real `etcdctl`; each start of it is written down, so that what a
 *     test leaves running can be ended by its id.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../run/root.mjs';

const home = join(root, '.tools', 'etcd-e2e');
const inGo = join('src', 'go.etcd.io', 'etcd');

/**
 * @typedef {object} Built
 * @property {string} program the tests, as a program
 * @property {string} folder where they must run
 * @property {string} bin the folder with `etcd` and `etcdctl`
 * @property {string} starts the file with the ids of all that was started
 */

/** @returns {string | undefined} what is missing on this machine */
export function missing() {
  if (goPath() === undefined) return 'golang-etcd-server-dev is not installed';
  for (const [program, debian] of [
    ['go', 'golang-go'],
    ['etcdctl', 'etcd-client'],
    ['curl', 'curl'],
  ]) {
    if (whereIs(program ?? '') === undefined) return `${debian} is not installed`;
  }
  return undefined;
}

/** @param {string} name @returns {string | undefined} */
function whereIs(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Debian's folder of Go sources, where the package is installed. @returns {string | undefined} */
function goPath() {
  const { status, stdout } = spawnSync('dpkg', ['-L', 'golang-etcd-server-dev'], { encoding: 'utf8' });
  const line = status === 0 ? stdout.split('\n').find((one) => one.endsWith(`/${inGo}`)) : undefined;
  const path = line?.slice(0, -inGo.length - 1);
  return path !== undefined && existsSync(join(path, inGo, 'tests', 'e2e')) ? path : undefined;
}

/** @returns {Built} @throws Error when Go does not build them */
export function build() {
  const debian = goPath() ?? '';
  const copy = join(home, 'go', inGo);
  const folder = join(copy, 'tests', 'e2e');
  rmSync(join(home, 'go'), { recursive: true, force: true });
  mkdirSync(join(copy, 'tests'), { recursive: true });
  cpSync(join(debian, inGo, 'tests', 'e2e'), folder, { recursive: true });
  // The tests look for certificates two folders up. Only the files: with the Go sources beside them it would be another package.
  mkdirSync(join(copy, 'integration'));
  symlinkSync(join(debian, inGo, 'integration', 'fixtures'), join(copy, 'integration', 'fixtures'));
  const clusters = join(folder, 'cluster_test.go');
  writeFileSync(clusters, readFileSync(clusters, 'utf8').replaceAll(/(clusterSize: +)3,/g, '$11,'));

  const program = join(home, 'e2e.test');
  const { status, stderr } = spawnSync('go', ['test', '-c', '-o', program, '.'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH: `${join(home, 'go')}:${debian}` },
  });
  if (status !== 0) throw new Error(`go test -c: ${stderr}`);
  return { program, folder, ...programs() };
}

function programs() {
  const [bin, starts] = [join(home, 'bin'), join(home, 'starts')];
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
  const cli = join(root, 'packages', 'cli', 'dist', 'etcd', 'bin-etcd.js');
  const script = `#!/bin/sh\necho $$ >> '${starts}'\nexec '${process.execPath}' '${cli}' "$@"\n`;
  writeFileSync(join(bin, 'etcd'), script);
  chmodSync(join(bin, 'etcd'), 0o755);
  symlinkSync(whereIs('etcdctl') ?? '', join(bin, 'etcdctl'));
  return { bin, starts };
}
