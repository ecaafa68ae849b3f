import type { Backend } from '@varve/backend';
import type { Store, StoreOptions } from './store.ts';

/** Opens the store in a backend and rebuilds the index from its records (spec section 11). */
export declare function openStore(backend: Backend, options?: StoreOptions): Promise<Store>;
