/** The stores that the tests are run on, each empty and of its own. */
import { connect } from '@varve/etcd';
import { file, level, log, memory, open, type Kv } from '@varve/kv';
import { openLayers } from '@varve/kv/layers';
import { createServer } from '@varve/server';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Place extends AsyncDisposable {
  readonly kv: Kv;
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'varve-keyv-'));

async function embedded(location: (path: string) => Parameters<typeof open>[0]): Promise<Place> {
  const path = folder();
  // What is tested is the adapter: it need not wait for the disk at each of some thousand writes.
  const kv = await open(location(join(path, 'store')), { durability: 'interval' });
  return {
    kv,
    async [Symbol.asyncDispose]() {
      await kv.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A store that is served, and a client of it, as of any etcd. */
async function served(): Promise<Place> {
  const layers = await openLayers(memory());
  const server = await createServer(layers);
  const kv = await connect(`etcd://${server.host}:${server.port}`);
  return {
    kv,
    async [Symbol.asyncDispose]() {
      await kv.close();
      await server.close();
      await layers.close();
    },
  };
}

export const places: readonly (readonly [name: string, open: () => Promise<Place>])[] = [
  ['memory', () => embedded(() => memory())],
  ['log', () => embedded((path) => log(path))],
  ['level', () => embedded((path) => level(path))],
  ['file', () => embedded((path) => file(path))],
  ['an etcd', served],
];
