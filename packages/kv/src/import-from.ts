/** Where a new store gets its data from, checked before anything is opened. */
import {
  checkNames,
  checkOptionalBoolean,
  checkOptionalFunction,
  checkSignal,
  invalidType,
} from '@varve/api/implement';
import type { ImportProgress } from '@varve/backend/import';

export interface ImportSource {
  /** A file of `backup`, an etcd snapshot, or a BoltDB file of etcd's. */
  readonly path: string;
  /** Take a file without a hash at its end, such as a copy of etcd's `member/snap/db`. @default false */
  readonly skipHashCheck?: boolean | undefined;
  /** Aborting rejects with the signal's own reason, and leaves the place empty. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then. What it throws ends the import. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

const sourceNames = ['path', 'skipHashCheck', 'signal', 'onProgress'];

/** @throws TypeError `KV_INVALID`; the signal's own reason */
export function importSourceOf(given: string | ImportSource | undefined): ImportSource | undefined {
  if (given === undefined) return undefined;
  const source = typeof given === 'string' ? { path: given } : given;
  checkNames(source, 'importFrom', sourceNames);
  const { path, skipHashCheck, signal, onProgress } = source;
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw invalidType('importFrom must name a file: a path that is not empty and has no zero character');
  checkOptionalBoolean(skipHashCheck, 'importFrom.skipHashCheck');
  checkOptionalFunction(onProgress, 'importFrom.onProgress');
  checkSignal(signal);
  return source;
}
