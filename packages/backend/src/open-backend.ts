import type { Backend, BackendOptions } from './backend.ts';
import type { Engine } from './engine.ts';

/** The one Backend over any engine; takes the engine over and closes it. */
export declare function openBackend(engine: Engine, options?: BackendOptions): Promise<Backend>;
