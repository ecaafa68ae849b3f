// @ts-check
/** What is asked of a hostile LevelDB folder. It is opened where it is: what it leads to is what is looked at afterwards. */
import { bytes, level, open } from '@varve/kv';
import { scanned } from './bolt-calls.mjs';

/** @type {Readonly<Record<string, (path: string, folder: string) => Promise<string>>>} */
export const levelCalls = {
  'kv, scanned': (path) => scanned(level(path, { create: false })),
  async 'kv for writing'(path) {
    const kv = await open(level(path, { create: false }), { value: bytes });
    try {
      for (let i = 0; i < 5; i += 1) await kv.put(`hostile/${i}`, Buffer.alloc(5000, i));
      await kv.defrag();
    } finally {
      await kv.close();
    }
    return 'written';
  },
  'kv, scanned again': (path) => scanned(level(path, { create: false })),
};
