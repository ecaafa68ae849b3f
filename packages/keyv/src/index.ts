export { keyvStore, type KeyvStore, type KeyvStoreEntry, type KeyvStoreOptions, type SetMany } from './keyv-store.ts';
export type { KvOrOpen } from '@varve/api/adapt';
