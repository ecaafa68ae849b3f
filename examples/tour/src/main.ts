/** `npm start -- [--repo PATH] [--data FOLDER] [--samples N]` */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundledHistory } from './bundled.ts';
import { gitHistory } from './git.ts';
import { summary, tour } from './tour.ts';

const usage = `npm start -- [options]

  --repo PATH      git repository to replay  (default: the one you stand in; a small bundled history without one)
  --data FOLDER    keep the store there      (default: a temporary folder, removed at the end)
  --samples N      commits to compare with git (default: 12)
`;

async function main(): Promise<number> {
  const flags = readFlags();
  if (typeof flags === 'string') {
    process.stderr.write(`${flags}\n\n${usage}`);
    return 2;
  }
  if (flags.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  if (flags.data !== undefined && existsSync(flags.data)) {
    process.stderr.write(`${flags.data} exists; the tour wants a folder of its own, so name one that does not\n`);
    return 1;
  }
  const found = await gitHistory(resolve(flags.repo ?? '.'));
  if (found === undefined && flags.repo !== undefined) {
    process.stderr.write(`${flags.repo} is not a git repository with at least one commit (or git is not installed)\n`);
    return 1;
  }
  const history = found ?? (await bundledHistory());
  const kept = flags.data !== undefined;
  const parent = kept ? '' : await mkdtemp(join(tmpdir(), 'varve-tour-'));
  const folder = flags.data === undefined ? join(parent, 'store') : resolve(flags.data);
  try {
    const checks = await tour(history, { folder, samples: Number(flags.samples ?? 12) });
    summary(checks, folder, kept);
    return checks.failed.length === 0 ? 0 : 1;
  } finally {
    if (!kept) await rm(parent, { recursive: true, force: true });
  }
}

function readFlags(): { repo?: string; data?: string; samples?: string; help?: boolean } | string {
  try {
    const { values } = parseArgs({
      options: {
        repo: { type: 'string' },
        data: { type: 'string' },
        samples: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    const samples = Number(values.samples ?? 12);
    if (!Number.isInteger(samples) || samples < 2) return '--samples wants a whole number from 2';
    return values;
  } catch (error) {
    return (error as Error).message;
  }
}

process.exitCode = await main();
