// @ts-check
import { levelEngine } from '@varve/backend/level';
import { varve } from '../lib/varve.mjs';

export const peer = varve('varve-level', 'varve on LevelDB', (dir) => levelEngine(`${dir}/store`), [
  'load',
  'reopen',
  'history',
  'durable',
  'watch',
]);
