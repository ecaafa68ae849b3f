// @ts-check
/** What is asked of a hostile snapshot: a BoltDB file and the hash of it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@varve/backend';
import { importSnapshot } from '@varve/backend/import';
import { fileEngine } from '@varve/backend/file';
import { checked, imported, scannedFile } from './bolt-calls.mjs';

/** @type {Readonly<Record<string, (path: string, folder: string) => Promise<string>>>} */
export const snapshotCalls = {
  'import, with its hash': (path) => imported(path, false),
  'import, without': (path) => imported(path, true),
  async 'import into a file'(path, folder) {
    const target = join(folder, 'imported.db');
    rmSync(target, { force: true });
    const backend = await openBackend(await fileEngine(target));
    try {
      const { rows } = await importSnapshot(path, backend, { skipHashCheck: true });
      return `${rows} rows`;
    } finally {
      await backend.close();
      rmSync(target, { force: true });
    }
  },
  check: checked,
  'kv for reading': scannedFile,
};
