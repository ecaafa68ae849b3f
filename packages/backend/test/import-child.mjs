// Imports a snapshot into a new store and kills itself on the way. Uses the built package.
//   import-child.mjs file|level SNAPSHOT TARGET ROWS      ends by SIGKILL as soon as so many rows have been written
import { openBackend } from '../dist/index.js';
import { importSnapshot } from '../dist/open/import-snapshot.js';
import { fileEngine } from '../dist/engines/file/index.js';
import { levelEngine } from '../dist/engines/level/index.js';

const [, , kind, snapshot, target, rows] = process.argv;
const engine = await (kind === 'file' ? fileEngine : levelEngine)(target);
const backend = await openBackend(engine, { batchLimit: 1000, batchIntervalMs: 1 });
const onProgress = (progress) => {
  if (progress.phase === 'writing' && progress.rows >= Number(rows)) process.kill(process.pid, 'SIGKILL');
};
await importSnapshot(snapshot, backend, { onProgress });
await backend.close();
