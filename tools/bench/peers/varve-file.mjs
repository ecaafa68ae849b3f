// @ts-check
import { fileEngine } from '@varve/backend/file';
import { varve } from '../lib/varve.mjs';

export const peer = varve('varve-file', 'varve on one BoltDB file', (dir) => fileEngine(`${dir}/store.db`), [
  'load',
  'reopen',
  'history',
  'durable',
  'watch',
]);
