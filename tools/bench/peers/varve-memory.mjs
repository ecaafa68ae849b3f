// @ts-check
import { memoryEngine } from '@varve/backend/memory';
import { varve } from '../lib/varve.mjs';

export const peer = varve(
  'varve-memory',
  'varve in memory: not durable, the cost of the layers alone',
  async () => memoryEngine(),
  ['load', 'history', 'watch'],
);
