/**
 * The files that an image names: that they are there, and where their rows lie.
 *
 * LGLD1  A file that is missing, shorter than the image says, or another one than its name says is damage.
 * LGLD2  Where rows lie stands in the footer; without a whole one the file is read. Then, and with `verify`, every frame must be
 *     whole up to the end.
 */
import { Slice } from '@varve/base/pace';
import { corruptError } from '../failure.ts';
import { LiveFile } from '../files/live-file.ts';
import { errorCode, type LogFile, type LogFiles } from '../files/log-files.ts';
import { PUT, ROW_HEAD } from '../format/frame.ts';
import { readFooter } from '../format/footer.ts';
import { HEADER_BYTES, readHeader, type SegmentHeader } from '../format/segment-header.ts';
import { fileName } from '../names.ts';
import { Probe } from '../rows/probe.ts';
import { Run } from '../rows/run.ts';
import { walkFrames } from './walk-frames.ts';
import { Window } from './window.ts';

/** Opens for reading. @throws BackendError `BACKEND_CORRUPT` where it is missing */
async function openForReading(files: LogFiles, path: string): Promise<LogFile> {
  try {
    return await files.open(path, 'read');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') throw corruptError(path, 'it is missing', error);
    if (code === 'ELOOP' || code === 'EFTYPE') throw corruptError(path, 'it is no plain file', error);
    throw error;
  }
}

export async function withFile<T>(files: LogFiles, path: string, work: (handle: LogFile) => Promise<T>): Promise<T> {
  const handle = await openForReading(files, path);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/** @returns `undefined` where there is no header: no byte of it, or not all, as a write that failed leaves it @throws BackendError `BACKEND_CORRUPT` */
export async function headerOf(
  handle: LogFile,
  path: string,
  expected: Pick<SegmentHeader, 'storeId' | 'number' | 'kind'>,
): Promise<SegmentHeader | undefined> {
  const bytes = new Uint8Array(HEADER_BYTES);
  await handle.readLater(bytes, 0);
  const header = readHeader(bytes);
  if (header === undefined) {
    // A header goes out with the first frame: where it ends early, nobody was promised what follows. `ACKED` knows if somebody was.
    if (handle.size() < HEADER_BYTES || bytes.every((byte) => byte === 0)) return undefined;
    throw corruptError(path, 'its header is not whole');
  }
  const { storeId, number, kind } = header;
  if (storeId !== expected.storeId) throw corruptError(path, 'it belongs to another store');
  if (number !== expected.number || kind !== expected.kind) {
    throw corruptError(path, `it is ${fileName(number, kind)} under another name`);
  }
  return header;
}

export interface LoadOptions {
  readonly files: LogFiles;
  readonly folder: string;
  readonly storeId: string;
  readonly verify: boolean;
  readonly warnings: string[];
}

type Place = Pick<LiveFile, 'kind' | 'number' | 'salt' | 'firstCommit' | 'end'>;

/** @param isActive its runs stand in the image @returns the file and its runs @throws BackendError `BACKEND_CORRUPT` */
export async function loadFile(
  { files, folder, storeId, verify, warnings }: LoadOptions,
  place: Place,
  isActive: boolean,
): Promise<{ readonly file: LiveFile; readonly runs: readonly Run[] }> {
  const file = new LiveFile(folder, place);
  const { path } = file;
  return withFile(files, path, async (handle) => {
    const header = await headerOf(handle, path, { storeId, number: place.number, kind: place.kind });
    if (header === undefined || header.salt !== place.salt) throw corruptError(path, 'its header is not its own');
    if (handle.size() < place.end) {
      throw corruptError(path, `it has ${handle.size()} bytes and should have ${place.end}`);
    }
    const slice = new Slice(files.clock);
    if (verify) await scanFile(handle, file, slice);
    if (isActive) return { file, runs: [] };
    const footer = await readFooter(handle, file, slice);
    if (footer.kind === 'whole') {
      file.footerBytes = footer.bytes;
      countRows(file, footer.runs);
      return { file, runs: footer.runs };
    }
    if (footer.kind === 'bad') warnings.push(`The index at the end of ${path} is damaged; the file was read instead`);
    const runs = await scanFile(handle, file, slice);
    countRows(file, runs);
    return { file, runs };
  });
}

function countRows(file: LiveFile, runs: readonly Run[]): void {
  if (file.kind !== 'dat') return;
  for (const run of runs) file.rowBytes += run.bytes;
}

/** Reads a closed file. @throws BackendError `BACKEND_CORRUPT` unless its frames reach its end */
async function scanFile(handle: LogFile, file: LiveFile, slice: Slice): Promise<readonly Run[]> {
  const runs = new Map<number, Run>();
  const probe = new Probe();
  const commit = file.kind === 'log' ? file.firstCommit : 1;
  const walk = { salt: file.salt, from: HEADER_BYTES, commit, until: file.end };
  const { end } = await walkFrames(new Window(handle), walk, slice, (frame) =>
    frame.each(({ op, bucket, keyLength, valueLength, bytes, at, place }) => {
      if (op !== PUT) return;
      const run = runs.get(bucket) ?? new Run(file, bucket);
      runs.set(bucket, run);
      run.push(probe.set(bytes, at + ROW_HEAD, at + ROW_HEAD + keyLength), valueLength, place);
    }),
  );
  if (end !== file.end) throw corruptError(file.path, `the frame at ${end} is not whole`);
  return [...runs.values()];
}
