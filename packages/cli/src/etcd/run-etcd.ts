/**
 * `varve-etcd`: etcd's command line, over a store of varve.
 *
 * ERN1  As etcd's: wrong flags end with 2, values that do not go together with 1; every failure is a line, never a stack (R122).
 */
import { createRequire } from 'node:module';
import { exitCodeOf, lineOf, UsageError } from '../failures.ts';
import type { World } from '../cli.ts';
import { openEtcdLog } from './etcd-log.ts';
import { groups } from './flags.ts';
import { readFlags, type Given } from './read-flags.ts';
import { ETCD_VERSION, serveEtcd } from './serve-etcd.ts';
import { logSettings } from './settings.ts';

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string };

export interface EtcdWorld extends World {
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the program to its end; resolves with the exit code, and never rejects. */
export async function runEtcd(args: readonly string[], world: EtcdWorld): Promise<number> {
  let given: Given;
  try {
    const [command] = args;
    if (command === 'gateway' || command === 'grpc-proxy') {
      throw new UsageError(`${command}: there is no such proxy here; etcd's own works in front of varve-etcd`);
    }
    given = readFlags(args, world.environment);
  } catch (error) {
    world.error(`${lineOf(error)}\nSee 'varve-etcd --help'.\n`);
    return exitCodeOf(error);
  }
  if (given.help) {
    world.out(helpText());
    return 0;
  }
  if (given.values.version === 'true') {
    world.out(versionText());
    return 0;
  }
  try {
    const log = openEtcdLog(logSettings(given), world);
    log.say('info', 'etcdmain', `etcd Version: ${ETCD_VERSION} (varve ${version})`, { 'etcd-version': ETCD_VERSION });
    await serveEtcd(given, log, world);
    return 0;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    world.error(isUsage ? `error verifying flags, ${lineOf(error)}. See 'varve-etcd --help'.\n` : `${lineOf(error)}\n`);
    return isUsage ? 1 : exitCodeOf(error);
  }
}

function versionText(): string {
  return [
    `etcd Version: ${ETCD_VERSION}`,
    `Git SHA: varve ${version}`,
    `Go Version: none, Node ${process.versions.node}`,
    `Go OS/Arch: ${process.platform}/${process.arch}`,
    '',
  ].join('\n');
}

function helpText(): string {
  const lines = [
    'usage: varve-etcd [flags]     an etcd of one member, with the flags of etcd 3.4 to 3.6',
    '       varve-etcd --version | --help',
    '',
    'Each flag is also read from the environment: ETCD_DATA_DIR for --data-dir.',
    'Flags in brackets are taken and have no effect; of those in braces, only the value that is shown is taken.',
  ];
  for (const [group, flags] of Object.entries(groups)) {
    lines.push('', `${group}:`);
    for (const [name, { fate, initial, word }] of Object.entries(flags)) {
      const text = `--${name} '${initial}'`;
      lines.push(`  ${fate === 'done' ? text : fate === 'refused' ? `{${text}}` : `[${text}]`}`, `      ${word}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
