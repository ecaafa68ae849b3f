export { connect, type ConnectBothOptions, type ConnectKeyOptions, type ConnectValueOptions } from './connect.ts';
export type { EtcdKv, HashResult } from './etcd-kv.ts';
export type { ConnectOptions } from './options.ts';
export * from '@varve/api';
export type { Limits } from '@varve/api/implement';
