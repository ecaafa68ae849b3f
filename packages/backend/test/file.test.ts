/** The file engine passes the suite that every engine passes; then what only a file can do. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { engineConformance } from '../src/conformance/index.ts';
import type { Engine } from '../src/contract/engine.ts';
import { fileEngine } from '../src/engines/file/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'varve-file-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const paths = new WeakMap<Engine, string>();
let files = 0;

async function openAt(path: string): Promise<Engine> {
  const engine = await fileEngine(path);
  paths.set(engine, path);
  return engine;
}

engineConformance({
  test: (name, body) => test(name, body),
  open: () => openAt(join(scratch, `${(files += 1)}.db`)),
  reopen: (closed) => openAt(paths.get(closed) ?? ''),
});
