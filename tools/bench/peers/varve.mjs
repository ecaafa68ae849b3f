// @ts-check
import { DEFAULT_KIND, folderEngine } from '@varve/backend/folder';
import { varve } from '../lib/varve.mjs';

/** What `open('./data')` makes of a new folder. */
export const peer = {
  ...varve('varve', `varve as it is by default, on a ${DEFAULT_KIND}`, (dir) => folderEngine(`${dir}/store`), [
    'load',
    'reopen',
    'history',
    'durable',
    'watch',
  ]),
  as: `varve-${DEFAULT_KIND}`,
};
