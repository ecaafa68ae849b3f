/** R42, law 3: who opens a log while another makes it finds a store that is held, whatever it has seen a moment ago. */
import type { Folders } from '@varve/base/folders';
import { worldOf, type World } from '@varve/base/world';
import { expect, test } from 'vitest';
import { logEngine } from '../src/engines/log/index.ts';
import { LogDisk, logEngineOn } from './log-disk.ts';
import { records, revision } from './log-support.ts';

const PATH = '/store';

/** The disk for one who is held up behind each call that looks at it, for as long as `meanwhile` takes. */
function heldUp(disk: LogDisk, meanwhile: () => Promise<void>): World {
  const { folders, ...rest } = disk.world as World & { readonly folders: Folders };
  const after =
    <A extends unknown[], T>(look: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      const seen = await look(...args);
      await meanwhile();
      return seen;
    };
  return worldOf({
    ...rest,
    folders: {
      ...folders,
      details: after((path) => folders.details(path)),
      names: after((folder) => folders.names(folder)),
      open: after((path, mode) => folders.open(path, mode)),
    },
  });
}

/** Disks on which somebody has died while making a store: before each of its calls. */
async function unfinished(): Promise<LogDisk[]> {
  const disks: LogDisk[] = [];
  for (let last = 1; ; last += 1) {
    const disk = new LogDisk();
    disk.before = ({ number }) => (number === last ? 'crash' : undefined);
    const engine = await logEngineOn(disk, PATH).catch(() => undefined);
    disks.push(disk.afterDeath());
    if (engine === undefined) continue;
    await engine.close();
    return disks;
  }
}

test('R42: it is refused, and says that it is held, at whichever of its calls the other comes and commits', async () => {
  const disks = await unfinished();
  expect(disks.length).toBeGreaterThan(10);
  for (const [died, begun] of disks.entries()) {
    for (let at = 1; ; at += 1) {
      const disk = begun.afterDeath();
      let calls = 0;
      let other: Awaited<ReturnType<typeof logEngineOn>> | undefined;
      const world = heldUp(disk, async () => {
        if ((calls += 1) !== at) return;
        other = await logEngineOn(disk, PATH).catch(() => undefined); // refused once this one has the lock
        if (other === undefined) return;
        await other.commit([{ type: 'createBucket', bucket: records }]);
        await other.commit([{ type: 'put', bucket: records, key: revision(1), value: new Uint8Array(100) }]);
      });
      const opening = logEngine(PATH, { world });
      const outcome = await opening.then(
        async (engine) => engine.close().then(() => 'opened'),
        (error: { readonly code?: string; readonly message: string }) => error.code ?? error.message,
      );
      const isAlone = other === undefined;
      await other?.close();
      if (isAlone) break;
      expect(outcome, `${died} calls of a making that was cut short, and held up behind call ${at}`).toBe(
        'BACKEND_LOCKED',
      );
    }
  }
});
