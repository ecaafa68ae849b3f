import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { engineConformance } from '../src/conformance/index.ts';
import type { Engine } from '../src/contract/engine.ts';
import { logEngine } from '../src/engines/log/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'varve-log-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const paths = new WeakMap<Engine, string>();
let stores = 0;

async function openAt(path: string): Promise<Engine> {
  const engine = await logEngine(path, { segmentBytes: 1 << 16 });
  paths.set(engine, path);
  return engine;
}

engineConformance({
  test: (name, body) => test(name, body),
  open: () => openAt(join(scratch, String((stores += 1)))),
  reopen: (closed) => openAt(paths.get(closed) ?? ''),
});
