export { varveDriver } from './driver.ts';
export type { BytesKv, CallOptions, VarveDriver, VarveDriverOptions, VarveMeta } from './varve-driver.ts';
export type { KvOrOpen } from '@varve/api/adapt';
