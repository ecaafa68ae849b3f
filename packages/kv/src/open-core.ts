/** The store over its layers, with the parts that are near and what keeps it small. */
import type { World } from '@varve/base/world';
import { Core } from './core.ts';
import { loadParts } from './late.ts';
import type { AssembledLayers } from './layers-on.ts';
import { loadRetention } from './retain/load-retention.ts';
import type { RetainPlan } from './retain/retain-options.ts';

/** @throws LateError `BASE_NOT_LOADED`; the layers are closed then */
export async function openCore(layers: AssembledLayers, world: World, retain: RetainPlan | undefined): Promise<Core> {
  try {
    await loadParts();
    return new Core(layers, world, await loadRetention(retain));
  } catch (error) {
    await layers.close().catch(() => undefined); // the first failure is the one to know
    throw error;
  }
}
