/**
 * The mark of an import that has not come to its end: a bucket that no store has otherwise.
 *
 * UI1  It is made in the import's first section and removed in its last. Commits keep the order of sections, so wherever a
 *     part of an import is on the medium, the mark is there as well.
 * UI2  Whoever opens a store with the mark takes everything back: it was empty before, and the import was never
 *     acknowledged (law 7, R50). Where nothing can be written, the store is refused.
 */
import { type Bucket, bucketNamed } from '../contract/bucket.ts';
import type { Engine } from '../contract/engine.ts';
import { BackendError } from '../contract/errors.ts';

export const unfinishedImport: Bucket = bucketNamed('varve_unfinished_import');

/** @returns what was done, as warnings @throws BackendError `BACKEND_CORRUPT` where nothing can be written */
export async function undoUnfinishedImport(engine: Engine): Promise<readonly string[]> {
  const names = engine.buckets();
  if (!names.includes(unfinishedImport.name)) return [];
  if (engine.readOnly === true) {
    throw new BackendError(
      'BACKEND_CORRUPT',
      'an import into this store was cut short, and only a part of it is there. Open it for writing, which empties it',
    );
  }
  await engine.commit(names.map((name) => ({ type: 'deleteBucket', bucket: bucketNamed(name) })));
  return ['An import into this store was cut short: what it had written was removed, and the store is empty'];
}
