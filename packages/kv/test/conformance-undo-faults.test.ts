/** The suite can fail, for undo: as conformance-faults does for the rest. */
import type { UndoResult } from '../src/index.ts';
import { testFaults, type Fault } from './faults.ts';

const nothing: UndoResult = { revisions: [], until: 1, put: 0, deleted: 0, overtaken: 0, leaseless: 0 };

const faults: readonly (readonly [string, Fault, readonly string[]])[] = [
  [
    'an undo that does nothing',
    () => ({ undo: async () => nothing }),
    ['undo/one', 'undo/pages', 'undo/overtaken', 'undo/leases', 'undo/refused'],
  ],
  [
    'an undo of the whole store',
    (kv) => ({ undo: (_, revision, options) => kv.undo({}, revision, options) }),
    ['undo/one'],
  ],
  [
    'an undo that tells nothing',
    (kv) => ({ undo: (key, revision, options) => kv.undo(key, revision, { ...options, onPage: undefined }) }),
    ['undo/one', 'undo/pages'],
  ],
  [
    'an undo that takes back what came later, too',
    (kv) => ({
      undo: async (key, revision, options) => {
        const answer = await kv.undo(key, revision, options);
        await kv.undo(key, revision);
        return answer;
      },
    }),
    ['undo/overtaken'],
  ],
  [
    'an undo that writes what has not changed',
    (kv) => ({
      undo: async (key, revision, options) => {
        const answer = await kv.undo(key, revision, options);
        for (const { key: other, value } of await kv.list({}).toArray()) await kv.put(other, value);
        return answer;
      },
    }),
    ['undo/one', 'undo/leases'],
  ],
  [
    'an undo that takes any revision',
    (kv) => ({ undo: (key, revision, options) => kv.undo(key, revision, options).catch(() => nothing) }),
    ['undo/refused'],
  ],
];

testFaults(faults);
