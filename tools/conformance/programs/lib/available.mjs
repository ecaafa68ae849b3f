// @ts-check
/** Which programs from outside are on this machine. */
import { spawnSync } from 'node:child_process';

/** Debian's Python, which has Debian's packages. */
export const python = '/usr/bin/python3';

/** @param {string} module */
export function hasPythonModule(module) {
  return spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;
}

/** @param {string} command @param {readonly string[]} args */
export function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
