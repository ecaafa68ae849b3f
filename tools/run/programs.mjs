// @ts-check
/** The programs from outside npm that some tests compare us with, and what is left out without them. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @type {readonly { name: string, debian: string, serves: string }[]} */
const programs = [
  { name: 'etcd', debian: 'etcd-server', serves: 'the tests that compare with a real etcd' },
  { name: 'etcdctl', debian: 'etcd-client', serves: 'the tests that restore our snapshots with etcdctl' },
  { name: 'go', debian: 'golang-go golang-etcd-server-dev', serves: 'the tests that let bbolt itself check our files' },
  { name: 'chromium', debian: 'chromium', serves: 'the tests that run the store in a browser' },
  { name: 'git', debian: 'git', serves: 'the tests that replay a git history' },
];

/**
 * One sentence for each program that is not there.
 * @returns {string[]}
 */
export function absentPrograms() {
  return programs
    .filter(({ name }) => !onPath(name))
    .map(({ name, debian, serves }) => `${name} is not installed (Debian: ${debian}): ${serves} are left out.`);
}

/** @param {string} name */
function onPath(name) {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
