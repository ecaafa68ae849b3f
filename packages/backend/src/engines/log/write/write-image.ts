/**
 * Writes the image of a state beside the writers, in slices, and puts it in place.
 *
 * LGWI1  Under another name, synced, renamed, the folder synced. Until then everything is as before, and an error is the caller's
 *     alone.
 */
import { Slice, STEP_MS, type Turns } from '@varve/base/pace';
import { movedError } from '../failure.ts';
import { writeAll, type LogFiles } from '../files/log-files.ts';
import { DEAD, HEAD, IMAGE_FORMAT, ROWS, RUNS, SectionWriter, type ImageHead } from '../format/image.ts';
import { writeRuns } from '../format/run-table.ts';
import { viewOf } from '../format/seed.ts';
import { IMAGE, TEMPORARY } from '../names.ts';
import type { RunView } from '../rows/run-view.ts';
import type { BucketState, State } from '../state/state.ts';

/** Bytes of a section of rows, and of a write. */
const PART = 1 << 18;
const MOST_AT_ONCE = 1 << 20;

export interface ImagePlace {
  readonly files: LogFiles;
  readonly folder: string;
  /** Of the folder, to know it again. */
  readonly identity: string | undefined;
  readonly storeId: string;
}

/** What an image is of. */
export interface ImageContent {
  readonly state: State;
  /** Number of the segment that is written, 0 for none. */
  readonly active: number;
  readonly nextFile: number;
}

/** @returns bytes of the image @throws the system's error, or BackendError `BACKEND_FAILED` where the folder was moved */
export async function writeImage(place: ImagePlace, content: ImageContent): Promise<number> {
  const { files, folder, identity, storeId } = place;
  const temporary = `${folder}/${TEMPORARY}image-${Buffer.from(files.random(6)).toString('hex')}`;
  const sections = imageSections(files.clock, storeId, content);
  const handle = await files.open(temporary, 'create');
  let at = 0;
  try {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    for await (const pieces of sections) {
      waiting.push(...pieces);
      bytes += pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (bytes < MOST_AT_ONCE) continue;
      await writeAll(handle, waiting, at);
      at += bytes;
      waiting = [];
      bytes = 0;
    }
    if (bytes > 0) await writeAll(handle, waiting, at);
    at += bytes;
    await handle.sync();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await files.remove(temporary).catch(() => undefined); // the next open does
    throw error;
  }
  await handle.close();
  if (files.identityNow(folder) !== identity) throw movedError(folder);
  await files.rename(temporary, `${folder}/${IMAGE}`);
  await files.syncFolder(folder);
  return at;
}

/** In the tick of the call all is settled that the log goes on to change. */
function imageSections(
  clock: Turns,
  storeId: string,
  { state, active, nextFile }: ImageContent,
): AsyncGenerator<Uint8Array[], void, undefined> {
  const buckets = [...state.buckets.values()];
  const head: ImageHead = {
    format: IMAGE_FORMAT,
    id: storeId,
    commit: state.commit,
    active,
    nextBucket: state.nextBucket,
    nextFile,
    files: state.files.map((file) => ({
      number: file.number,
      kind: file.kind,
      salt: file.salt,
      firstCommit: file.firstCommit,
      end: file.number === active ? state.end : file.end,
    })),
    buckets: buckets.map(({ name, number, appendOnly, rows }) => ({
      name,
      number,
      appendOnly,
      floor: 'floor' in rows && rows.floor !== undefined ? Buffer.from(rows.floor).toString('hex') : null,
    })),
  };
  const views = buckets.flatMap((bucket) => (bucket.appendOnly ? bucket.rows.views : []));
  const unfinished = writeRuns(views.filter(({ run }) => run.file.number === active));
  return sectionsOf(clock, new SectionWriter(storeId), head, unfinished, views, buckets);
}

async function* sectionsOf(
  clock: Turns,
  writer: SectionWriter,
  head: ImageHead,
  unfinished: readonly Uint8Array[],
  views: readonly RunView[],
  buckets: readonly BucketState[],
): AsyncGenerator<Uint8Array[], void, undefined> {
  const slice = new Slice(clock, { lengthMs: STEP_MS });
  yield writer.section(HEAD, head, [], slice);
  if (unfinished.length > 0) yield writer.section(RUNS, {}, unfinished, slice);
  for (const { run, rowN, dead } of views) {
    if (dead === undefined || dead.count === 0) continue;
    yield writer.section(DEAD, { file: run.file.number, bucket: run.bucket }, [dead.toBytes(rowN)], slice);
  }
  for (const bucket of buckets) {
    if (bucket.appendOnly) continue;
    let rows: Uint8Array[] = [];
    let bytes = 0;
    for (const { key, value } of bucket.rows.scan(undefined, undefined)) {
      const lengths = new Uint8Array(6);
      const view = viewOf(lengths);
      view.setUint16(0, key.length, true);
      view.setUint32(2, value.length, true);
      rows.push(lengths, key, value);
      bytes += 6 + key.length + value.length;
      if (slice.over) await slice.turn();
      if (bytes < PART) continue;
      yield writer.section(ROWS, { bucket: bucket.number }, [Buffer.concat(rows)], slice);
      rows = [];
      bytes = 0;
    }
    if (bytes > 0) yield writer.section(ROWS, { bucket: bucket.number }, [Buffer.concat(rows)], slice);
  }
  yield writer.end(slice);
}
