/**
 * The store that is served, opened layer by layer, closed the other way.
 *
 * VOL1  When a step fails, what is open already is closed again, and the step's own error is what the call rejects with.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openBackend, type Engine } from '@varve/backend';
import { fileEngine } from '@varve/backend/file';
import { levelEngine } from '@varve/backend/level';
import { memoryEngine } from '@varve/backend/memory';
import type { Layers } from '@varve/server';
import { openWatchableStore } from '@varve/watch';
import type { EngineName } from './serve-options.ts';

export interface OpenLayers extends Layers {
  /** Everything that was acknowledged is durable then. */
  close(): Promise<void>;
}

export async function openLayers(engine: EngineName, data: string): Promise<OpenLayers> {
  const backend = await openBackend(await engineOf(engine, data));
  try {
    const store = await openWatchableStore(backend);
    const close = async (): Promise<void> => {
      await store.close();
      await backend.close();
    };
    return { backend, store, close };
  } catch (error) {
    await backend.close().catch(() => undefined);
    throw error;
  }
}

async function engineOf(engine: EngineName, data: string): Promise<Engine> {
  if (engine === 'memory') return memoryEngine();
  if (engine === 'level') return levelEngine(data);
  await mkdir(data, { recursive: true, mode: 0o700 });
  return fileEngine(join(data, 'db'));
}
