/**
 * The program is killed under load, again and again. 50 times on each engine:
 *
 *     VARVE_LARGE=1 npm test -- --project=cli kill
 */
import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import { watchService, type WatchRequest, type WatchResponse } from '@varve/etcd-api';
import { expect, test } from 'vitest';
import { clientOf, count, folder, Program, put } from './support/program.ts';

const rounds = process.env['VARVE_LARGE'] === '1' ? 50 : 4;

/** A watcher of everything that comes back where it was: the revisions that it saw, in their order. */
class Watcher {
  readonly revisions: number[] = [];

  follow(client: Client): void {
    const { path, requestSerialize, responseDeserialize } = watchService.watch;
    const stream = client.makeBidiStreamRequest<WatchRequest, WatchResponse>(
      path,
      requestSerialize,
      responseDeserialize,
    );
    stream.on('error', () => undefined);
    stream.on('data', ({ events }: WatchResponse) => {
      for (const { kv } of events) this.revisions.push(Number(kv!.modRevision));
    });
    const create = {
      $typeName: 'etcdserverpb.WatchCreateRequest' as const,
      ...{ key: Buffer.of(0), rangeEnd: Buffer.of(0), startRevision: BigInt((this.revisions.at(-1) ?? 1) + 1) },
      ...{ progressNotify: false, filters: [], prevKv: false, watchId: 0n, fragment: false },
    };
    stream.write({ $typeName: 'etcdserverpb.WatchRequest', requestUnion: { case: 'createRequest', value: create } });
  }
}

test.each(['file', 'level', 'log'])(
  'R93, law 7: on %s, SIGKILL under load takes nothing that was acknowledged, and a watcher goes on without a gap',
  async (engine) => {
    const args = ['serve', '--data', join(folder(), 'data'), '--listen', '127.0.0.1:0', '--engine', engine];
    const watcher = new Watcher();
    let acknowledged = 0;
    let next = 0;
    for (let round = 0; round < rounds; round++) {
      const program = new Program(...args);
      const client = clientOf(await program.firstLine());
      expect(await count(client)).toBeGreaterThanOrEqual(acknowledged);
      watcher.follow(client);
      let killed = false;
      const writers = Array.from({ length: 8 }, async () => {
        while (!killed) {
          if ((await put(client, `k${next++}`)) === undefined) break;
          acknowledged++;
        }
      });
      const enough = acknowledged + 50 + 37 * (round % 5);
      await expect.poll(() => acknowledged, { timeout: 120_000 }).toBeGreaterThan(enough);
      program.child.kill('SIGKILL');
      killed = true;
      await Promise.all([program.ended, ...writers]);
    }
    const last = new Program(...args);
    const client = clientOf(await last.firstLine());
    const keys = await count(client);
    expect(keys).toBeGreaterThanOrEqual(acknowledged);
    watcher.follow(client);
    // Each write is a key of its own, so that there are as many revisions after the first.
    await expect.poll(() => watcher.revisions.length, { timeout: 120_000 }).toBe(keys);
    expect(watcher.revisions).toEqual(Array.from({ length: keys }, (_, at) => at + 2));
    last.child.kill('SIGTERM');
    expect(await last.ended).toBe(0);
  },
  3_600_000,
);
