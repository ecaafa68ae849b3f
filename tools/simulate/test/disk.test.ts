/** What the simulated disk promises (SDK rows of `lib/disk.mjs`). */
import { expect, test } from 'vitest';
import { Random } from '../../run/random.mjs';
import { emptyDisk, SimulatedDisk } from '../lib/disk.mjs';

test('SDK1 decisions/0021 a sync of the folder that was called earlier and answers later takes back no name', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const disk = new SimulatedDisk(emptyDisk, new Random(seed), () => undefined);
    await disk.open('/a', 'create');
    const earlier = disk.syncDirectory();
    const later = disk.open('/b', 'create').then(() => disk.syncDirectory());
    await Promise.all([earlier, later]);
    disk.crash('power');
    expect([...disk.left!.names.keys()].toSorted(), `seed ${seed}`).toEqual(['/a', '/b']);
  }
});
