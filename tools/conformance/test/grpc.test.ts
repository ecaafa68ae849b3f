/** The server against what a real etcd answered: recordings of one, and one that runs beside it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StandingClock } from '@varve/base/node/standing-clock';
import { expect, onTestFinished, test } from 'vitest';
import { differential } from '../lib/grpc/differential.mjs';
import { hasProgram, startEtcd } from '../lib/grpc/etcd.mjs';
import { replayGrpc } from '../lib/grpc/replay.mjs';
import { serve, serveStore } from './support/serve.ts';

const recordings = fileURLToPath(new URL('../../vectors/traces/grpc/', import.meta.url));
const isLarge = process.env['VARVE_LARGE'] === '1';

test.each(readdirSync(recordings).filter((name) => name.endsWith('.gz')))(
  'laws 2, 4, 6: %s, over gRPC, answers as etcd did',
  async (name) => {
    const differences: unknown[] = [];
    // No lease of the recording ran out, however long it lasts here.
    const { endpoint, store } = await serveStore({}, undefined, { world: new StandingClock().world });
    const hasCaughtUp = (): boolean => store.watchStats.unsynced === 0;
    const report = (one: unknown): void => void differences.push(one);
    const { equal, total } = await replayGrpc(join(recordings, name), endpoint, report, hasCaughtUp);
    expect(differences).toEqual([]);
    expect([equal, total > 2000]).toEqual([total, true]);
  },
  180_000,
);

test.skipIf(!hasProgram('etcd'))(
  'S219: random operations on both servers have the same answers, field by field, and the same hashes',
  async () => {
    const etcd = await startEtcd();
    onTestFinished(() => etcd.close());
    const differences: unknown[] = [];
    const size = { seed: isLarge ? Date.now() % 2 ** 31 : 1, ops: isLarge ? 20_000 : 1000 };
    const { equal, total, failures } = await differential(etcd.endpoint, await serve(), size, (one) =>
      differences.push(one),
    );
    expect({ seed: size.seed, differences }).toEqual({ seed: size.seed, differences: [] });
    expect([equal, failures > total / 20]).toEqual([total, true]);
  },
  600_000,
);
