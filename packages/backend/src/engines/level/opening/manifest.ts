/**
 * LevelDB's MANIFEST: which tables and logs are live (R69).
 *
 * MA1  The folder's newest state is the sum of the MANIFEST's intact edits.
 * MA2  A torn end is an edit that never took effect: what the sum names is still there. LevelDB refuses such a file
 *     unless it ends just there, so the caller may cut it to `goodLength`.
 *
 * LevelDB: db/version_edit.cc.
 */
import type { Files } from '../files.ts';
import { LevelBytes } from '../level-bytes.ts';
import { scanLog, type LogEnd } from './check-log.ts';

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG = 9;

export interface Manifest {
  /** Logs with this number and higher ones are live. */
  logNumber: number | undefined;
  /** A live log with a lower number; 0 for none. */
  previousLog: number;
  nextFile: number | undefined;
  lastSequence: number | undefined;
  /** Last operation before that log; known of the log that an open began, since nothing else was written meanwhile. */
  sequenceBefore: number | undefined;
  /** Length of each live table, by file number. */
  readonly tables: Map<number, number>;
}

/** What LevelDB found when it began a MANIFEST, which is as it opens. */
export interface Begun {
  /** The live tables then, before those that it made of its logs. */
  readonly tables: ReadonlyMap<number, number>;
  /** Its count of operations once it had read its logs. */
  readonly lastSequence: number | undefined;
}

export interface ReadManifest {
  readonly manifest: Manifest;
  readonly begun: Begun;
  readonly end: LogEnd;
}

/** Reads all of it. Edits that make no sense count as bad records. */
export async function readManifest(files: Files, path: string): Promise<ReadManifest> {
  const manifest: Manifest = {
    logNumber: undefined,
    previousLog: 0,
    nextFile: undefined,
    lastSequence: undefined,
    sequenceBefore: undefined,
    tables: new Map(),
  };
  // The first edit sums up the state that was found, the second tells what came of the logs.
  let begun: Begun = { tables: new Map(), lastSequence: undefined };
  let edits = 0;
  const end = await scanLog(files, path, {
    next(edit) {
      try {
        applyEdit(manifest, new LevelBytes(edit));
        edits++;
        if (edits === 1) begun = { tables: new Map(manifest.tables), lastSequence: undefined };
        if (edits === 2) begun = { ...begun, lastSequence: manifest.lastSequence };
        return undefined;
      } catch (error) {
        if (error instanceof RangeError) return error.message;
        throw error;
      }
    },
    canComeLater: () => true,
  });
  return { manifest, begun, end };
}

function applyEdit(manifest: Manifest, edit: LevelBytes): void {
  // LevelDB removes an edit's deleted files before it adds the new ones, whatever their order: a table that moves
  // down a level is in both.
  const added: Array<readonly [number: number, length: number]> = [];
  const { logNumber } = manifest;
  while (edit.left > 0) {
    const tag = edit.varint();
    switch (tag) {
      case COMPARATOR:
        edit.skip(edit.varint());
        break;
      case LOG_NUMBER:
        manifest.logNumber = edit.varint();
        break;
      case NEXT_FILE:
        manifest.nextFile = edit.varint();
        break;
      case LAST_SEQUENCE:
        manifest.lastSequence = edit.varint();
        break;
      case COMPACT_POINTER:
        edit.varint();
        edit.skip(edit.varint());
        break;
      case DELETED_FILE:
        edit.varint();
        manifest.tables.delete(edit.varint());
        break;
      case NEW_FILE: {
        edit.varint();
        added.push([edit.varint(), edit.varint()]);
        edit.skip(edit.varint());
        edit.skip(edit.varint());
        break;
      }
      case PREVIOUS_LOG:
        manifest.previousLog = edit.varint();
        break;
      default:
        throw new RangeError(`an edit has the unknown tag ${tag}`);
    }
  }
  for (const [number, length] of added) manifest.tables.set(number, length);
  // Each open begins a MANIFEST. A log that is begun later has been written to before the edit that tells of it.
  if (manifest.logNumber !== logNumber) {
    manifest.sequenceBefore = logNumber === undefined ? manifest.lastSequence : undefined;
  }
}
