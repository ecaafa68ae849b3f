/**
 * The store that is served, opened layer by layer, closed the other way.
 *
 * VOL1  When a step fails, what is open already is closed again, and the step's own error is what the call rejects with.
 * VOL2  As etcd: leases of two seconds at least, a thousand a second that run out, and deletions of any number of keys. Such a deletion is one
 *     section, in which nothing else runs (law 10): some microseconds a key.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError, openBackend, type Backend, type Engine } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { logEngine } from '@varve/backend/log';
import { memoryEngine } from '@varve/backend/memory';
import { prepareLessor } from '@varve/lease';
import type { Layers } from '@varve/server';
import { openWatchableStore } from '@varve/watch';
import type { EngineName } from './serve-options.ts';

export interface OpenLayers extends Layers {
  /** Everything that was acknowledged is durable then. */
  close(): Promise<void>;
}

/** The file that marks the store of an engine with a folder. */
const OTHER_ENGINE = 'VARVE';

/** What is closed when the layers are, the last first. */
type Opened = { close(): Promise<void> }[];

export async function openLayers(engine: EngineName, data: string): Promise<OpenLayers> {
  const opened: Opened = [];
  const close = async (): Promise<void> => {
    for (let layer = opened.pop(); layer !== undefined; layer = opened.pop()) await layer.close();
  };
  try {
    return { ...(await openInto(opened, await openBackend(await engineOf(engine, data)))), close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function openInto(opened: Opened, backend: Backend): Promise<Layers> {
  opened.push(backend);
  const leases = prepareLessor({ minTtl: 2, expiryRate: 1000 });
  const store = await openWatchableStore(backend, {
    observers: [leases.observe],
    maxDeletes: Number.MAX_SAFE_INTEGER,
  });
  opened.push(store);
  const lessor = await leases.open();
  opened.push(lessor);
  return { backend, store, lessor };
}

async function engineOf(engine: EngineName, data: string): Promise<Engine> {
  if (engine === 'memory') return memoryEngine();
  if (engine === 'level') return levelEngine(data);
  if (engine === 'log') return logEngine(data);
  await mkdir(data, { recursive: true, mode: 0o700 });
  // A file beside another engine's store would look as if everything were lost.
  if ((await readdir(data)).includes(OTHER_ENGINE)) {
    const advice = 'Give the --engine that made it, or another folder with --data';
    throw new BackendError('BACKEND_FOREIGN', `${data} is a store of another kind; it was left as it is. ${advice}`);
  }
  return fileEngine(join(data, 'db'));
}
