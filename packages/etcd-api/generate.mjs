// @ts-check
// Makes src/gen from proto: `pnpm --filter @varve/etcd-api generate`. What it makes is committed; a build does not need it.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const bin = process.env['VARVE_BIN'] ?? join(here, 'node_modules', '.bin');
const run = spawnSync(join(bin, 'buf'), ['generate', ...process.argv.slice(2)], {
  cwd: here,
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  stdio: 'inherit',
});
process.exitCode = run.status ?? 1;

// The generator silences linters in every file; here one list of folders does that.
for (const path of readdirSync(join(here, 'src', 'gen'), { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.ts')) continue;
  const file = join(here, 'src', 'gen', path);
  writeFileSync(file, readFileSync(file, 'utf8').replace('/* eslint-disable */\n', ''));
}
