export { connect } from './connect.ts';
export type { EtcdKv, HashResult } from './etcd-kv.ts';
export * from '@varve/api';
export type { Limits } from '@varve/api/implement';
