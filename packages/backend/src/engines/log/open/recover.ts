/**
 * What a store's files say: the image, and the commits behind it up to the end of the log. Looks only.
 *
 * LGRC1  The log ends before the first frame that is not whole. Behind it lie zeros, or the remains of that one frame, which nobody
 *     was promised: one commit is in flight at a time. A frame of a later commit behind it, in this file or a later one, says that
 *     it was acknowledged: damage, and nothing is changed.
 * LGRC2  Commits up to `ACKED` and up to the image must be there.
 *     A segment without a whole commit is none, whether or not it could be removed: the one behind it says which commit it begins with.
 * LGRC3  What cannot be read is `BACKEND_FAILED`, and no end of anything.
 */
import { Slice } from '@varve/base/pace';
import { BackendError } from '../../../contract/errors.ts';
import { corruptError } from '../failure.ts';
import { LiveFile } from '../files/live-file.ts';
import { ACKED_BYTES, readAcked, type AckedFile } from '../format/acked.ts';
import { FOOTER_MAGIC } from '../format/footer.ts';
import { APPEND_ONLY, CREATE_BUCKET, DELETE, DELETE_BUCKET, DELETE_ROWS, PUT, ROW_HEAD } from '../format/frame.ts';
import { aligned, viewOf } from '../format/seed.ts';
import { HEADER_BYTES } from '../format/segment-header.ts';
import { ACKED, fileName, IMAGE, numbered } from '../names.ts';
import { Probe } from '../rows/probe.ts';
import { Draft, type State } from '../state/state.ts';
import { headerOf, withFile, type LoadOptions } from './load-files.ts';
import { readImage } from './read-image.ts';
import { lookBehind, walkFrames, type FoundFrame, type Remains } from './walk-frames.ts';
import { Window } from './window.ts';

export interface Recovered {
  readonly state: State;
  /** The segment that the next commit goes to; absent: a new one. */
  readonly active: LiveFile | undefined;
  /** The last commit's frame, if it lies behind the image: to be made durable before anything is shown. */
  readonly last: { readonly file: LiveFile; readonly place: number; readonly end: number } | undefined;
  /** The remains of a frame behind the end of the active segment: to be cut off. */
  readonly remains: { readonly end: number; readonly isFooter: boolean } | undefined;
  /** Names of files that nobody needs. */
  readonly leftovers: readonly string[];
  readonly nextFile: number;
  readonly acked: AckedFile | undefined;
  readonly imageCommit: number;
  readonly imageBytes: number;
  /** Bytes of the log behind the image. */
  readonly logBytes: number;
}

/** Behind the last commit that was promised, for who may not show what lies there. */
const NOTHING: Remains = { end: undefined, laterFrame: undefined };
const EMPTY: State = { commit: 0, nextBucket: 1, buckets: new Map(), files: [], end: 0 };

/**
 * @param readOnly later commits than the acknowledged ones are shown only where they can be made durable (R4)
 * @throws BackendError `BACKEND_CORRUPT`, or the system's error
 */
export async function recover(options: LoadOptions, names: readonly string[], readOnly: boolean): Promise<Recovered> {
  const { files, folder, storeId, warnings } = options;
  const image = names.includes(IMAGE) ? await readImage(options) : undefined;
  const acked = names.includes(ACKED) ? await readAckedFile(options) : undefined;
  if (acked === undefined)
    warnings.push(`${folder}/${ACKED} is missing or damaged: whether the newest commits are all there cannot be told`);
  const base = image?.state ?? EMPTY;
  const draft = new Draft(base);
  const live = [...base.files];
  const named = new Set(live.map((file) => fileName(file.number, file.kind)));
  const found = names.flatMap((name) => numbered(name) ?? []);
  const leftovers = found
    .filter(({ number, kind }) => kind === 'dat' && !named.has(fileName(number, kind)))
    .map(({ number, kind }) => fileName(number, kind));
  const promised = Math.max(acked?.commit ?? 0, base.commit);
  const slice = new Slice(files.clock);
  const logs = found.filter(({ kind }) => kind === 'log').map(({ number }) => number);
  const active = image?.active;
  let commit = base.commit;
  let current: LiveFile | undefined = active;
  let lastFile: LiveFile | undefined = active;
  let last: Recovered['last'];
  let logBytes = 0;
  let stop: { readonly path: string; readonly remains: number | undefined; readonly isFooter: boolean } | undefined;
  const isUnnamed = (number: number): boolean => !named.has(fileName(number, 'log')) || number === active?.number;
  let isAtPromise = false;
  for (const number of logs.filter(isUnnamed).toSorted((a, b) => a - b)) {
    if (isAtPromise) break;
    const path = `${folder}/${fileName(number, 'log')}`;
    await withFile(files, path, async (handle) => {
      let file = number === active?.number ? active : undefined;
      let from = file?.end ?? HEADER_BYTES;
      if (file === undefined) {
        const header = await headerOf(handle, path, { storeId, number, kind: 'log' });
        if (header === undefined) {
          leftovers.push(fileName(number, 'log'));
          return;
        }
        const { firstCommit, endBefore, salt } = header;
        if (firstCommit <= base.commit) {
          leftovers.push(fileName(number, 'log')); // an image has what it said
          return;
        }
        if (lastFile === undefined && image === undefined && firstCommit !== 1) {
          throw corruptError(path, `the log begins with commit ${firstCommit}, and there is no image of those before`);
        }
        if (firstCommit <= commit) {
          // It could not be removed when it had no commit, and the log went on before it.
          const from = { salt, from: HEADER_BYTES, commit: firstCommit, lastCommit: undefined };
          const { commit: whole } = await walkFrames(new Window(handle), from, slice, () => undefined);
          if (whole < firstCommit) {
            leftovers.push(fileName(number, 'log'));
            return;
          }
        }
        if (firstCommit !== commit + 1 || (lastFile !== undefined && endBefore !== lastFile.end)) {
          throw corruptError(
            lastFile?.path ?? path,
            `the frame of commit ${commit + 1} at ${lastFile?.end ?? 0} is not whole, and ${path} goes on after it`,
          );
        }
        file = new LiveFile(folder, { kind: 'log', number, salt, firstCommit, end: HEADER_BYTES });
        from = HEADER_BYTES;
      }
      const lastCommit = readOnly && !(await canSync(handle)) ? promised : undefined;
      const window = new Window(handle);
      const walked = await walkFrames(
        window,
        { salt: file.salt, from, commit: commit + 1, lastCommit },
        slice,
        (frame) => {
          apply(frame, draft, file);
          last = { file, place: frame.place, end: frame.end };
        },
      );
      const isFirst = image === undefined && live.length === 0; // its header was durable before there was a store
      const isBorn = walked.commit > commit || number === active?.number || isFirst;
      isAtPromise = walked.commit === lastCommit;
      const behind = isAtPromise ? NOTHING : await lookBehind(window, file.salt, walked.end, walked.commit, slice);
      if (behind.laterFrame !== undefined) {
        throw corruptError(
          path,
          `the frame at ${aligned(walked.end)} is not whole, and the one at ${behind.laterFrame} is of a later commit`,
        );
      }
      logBytes += walked.end - from;
      commit = walked.commit;
      if (!isBorn) {
        // Its header may lie in the page cache only: it is made anew.
        leftovers.push(fileName(number, 'log'));
        if (behind.end !== undefined) warnings.push(tornWarning(path, HEADER_BYTES));
        return;
      }
      file.end = walked.end;
      const isFooter = await beginsFooter(window, aligned(walked.end));
      stop = { path, remains: behind.end, isFooter };
      if (current !== undefined && current !== file) current.footerBytes = 0;
      if (!live.includes(file)) live.push(file);
      current = lastFile = file;
    });
  }
  if (image === undefined && live.length === 0) throw corruptError(`${folder}/${fileName(1, 'log')}`, 'it is missing');
  if (active !== undefined && !logs.includes(active.number)) throw corruptError(active.path, 'it is missing');
  if (commit < promised) {
    const where = current === undefined ? folder : `${current.path} at ${current.end}`;
    throw corruptError(where, `commit ${promised} was acknowledged, and the log ends with ${commit}`);
  }
  if (stop?.remains !== undefined && !stop.isFooter && current !== undefined) {
    warnings.push(tornWarning(stop.path, current.end));
  }
  return {
    state: draft.finish(commit, live, current?.end ?? 0),
    active: current,
    last: commit > base.commit ? last : undefined,
    remains: stop?.remains === undefined ? undefined : { end: stop.remains, isFooter: stop.isFooter },
    leftovers,
    nextFile: Math.max(image?.nextFile ?? 1, 1 + Math.max(0, ...found.map(({ number }) => number))),
    acked,
    imageCommit: base.commit,
    imageBytes: image?.bytes ?? 0,
    logBytes,
  };
}

function tornWarning(path: string, end: number): string {
  return `The last commit in ${path} is incomplete (at ${end}) and was left out, as after a crash: it was not acknowledged`;
}

async function readAckedFile({ files, folder, storeId }: LoadOptions): Promise<AckedFile | undefined> {
  return withFile(files, `${folder}/${ACKED}`, async (handle) => {
    const bytes = new Uint8Array(ACKED_BYTES);
    return readAcked(bytes.subarray(0, await handle.readLater(bytes, 0)), storeId);
  });
}

/** A descriptor for reading can make durable what others wrote, on most systems. */
async function canSync(handle: { sync(): Promise<void> }): Promise<boolean> {
  try {
    await handle.sync();
    return true;
  } catch {
    return false;
  }
}

async function beginsFooter(window: Window, place: number): Promise<boolean> {
  if (!(await window.holds(place, 4))) return false;
  return viewOf(window.bytes).getUint32(place - window.from, true) === FOOTER_MAGIC;
}

const probe = new Probe();
const lastProbe = new Probe();

/** @throws BackendError `BACKEND_CORRUPT` for rows that no commit of ours has */
function apply(frame: FoundFrame, draft: Draft, file: LiveFile): void {
  let named: { readonly number: number; readonly name: string | undefined } | undefined;
  frame.each(({ op, flags, bucket, keyLength, valueLength, bytes, at, place }) => {
    const keyAt = at + ROW_HEAD;
    const keyEnd = keyAt + keyLength;
    if (op === CREATE_BUCKET || op === DELETE_BUCKET) {
      named = undefined;
      const name = Buffer.from(bytes.subarray(keyAt, keyEnd)).toString('latin1');
      if (op === DELETE_BUCKET) draft.deleteBucket(name);
      else draft.createBucket({ name, appendOnly: (flags & APPEND_ONLY) !== 0 }, bucket);
      return;
    }
    if (named?.number !== bucket) named = { number: bucket, name: draft.named(bucket) };
    const target = named.name === undefined ? undefined : draft.writable(named.name);
    const isKnown = op === PUT || op === DELETE || (op === DELETE_ROWS && target?.appendOnly === true);
    if (target === undefined || !isKnown) {
      throw corruptError(file.path, `the row at ${place} is of no bucket there is`);
    }
    try {
      if (target.appendOnly) {
        probe.set(bytes, keyAt, keyEnd);
        if (op === PUT) target.rows.put(probe, valueLength, file, bucket, place);
        else if (op === DELETE) target.rows.delete(probe);
        else target.rows.deleteRows(probe, lastProbe.set(bytes, keyEnd, keyEnd + valueLength));
      } else if (op === PUT) {
        target.rows.put(bytes.subarray(keyAt, keyEnd), bytes.subarray(keyEnd, keyEnd + valueLength));
      } else {
        target.rows.delete(bytes.subarray(keyAt, keyEnd));
      }
    } catch (error) {
      if (error instanceof BackendError && error.code === 'BACKEND_KEY_ORDER') {
        throw corruptError(file.path, `the row at ${place} is not behind those before it`, error);
      }
      throw error;
    }
  });
}
