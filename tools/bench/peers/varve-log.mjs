// @ts-check
import { logEngine } from '@varve/backend/log';
import { varve } from '../lib/varve.mjs';

export const peer = varve('varve-log', 'varve on a log', (dir) => logEngine(`${dir}/store`), [
  'load',
  'reopen',
  'history',
  'durable',
  'watch',
]);
