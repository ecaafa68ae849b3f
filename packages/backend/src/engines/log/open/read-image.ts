/** The state that the image tells of, with the files it names (`load-files.ts`). */
import { Slice } from '@varve/base/pace';
import { ResidentTree } from '../../../resident/resident-tree.ts';
import { corruptError } from '../failure.ts';
import type { LiveFile } from '../files/live-file.ts';
import { DEAD, HEAD, IMAGE_FORMAT, readSections, ROWS, RUNS, type ImageHead, type Section } from '../format/image.ts';
import { readRuns } from '../format/run-table.ts';
import { viewOf } from '../format/seed.ts';
import { IMAGE } from '../names.ts';
import { DeadBits } from '../rows/dead-bits.ts';
import { LoggedRows } from '../rows/logged-rows.ts';
import { RunView } from '../rows/run-view.ts';
import type { Run } from '../rows/run.ts';
import type { BucketState, State } from '../state/state.ts';
import { loadFile, withFile, type LoadOptions } from './load-files.ts';

export interface LoadedImage {
  readonly state: State;
  readonly active: LiveFile | undefined;
  readonly nextFile: number;
  readonly bytes: number;
}

/** @throws BackendError `BACKEND_CORRUPT` */
export async function readImage(options: LoadOptions): Promise<LoadedImage> {
  const path = `${options.folder}/${IMAGE}`;
  const slice = new Slice(options.files.clock);
  const bytes = await withFile(options.files, path, async (handle) => {
    const whole = new Uint8Array(handle.size());
    return whole.subarray(0, await handle.readLater(whole, 0));
  });
  const sections = await readSections(bytes, options.storeId, slice);
  if (typeof sections === 'string') throw corruptError(path, sections);
  try {
    return await stateOf(sections, options, slice, bytes.length);
  } catch (error) {
    // Its checksums fit, so this is what was written: a mistake of ours, or of who forged it.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) {
      throw corruptError(path, 'it makes no sense', error);
    }
    throw error;
  }
}

async function stateOf(
  sections: readonly Section[],
  options: LoadOptions,
  slice: Slice,
  bytes: number,
): Promise<LoadedImage> {
  const path = `${options.folder}/${IMAGE}`;
  const [first] = sections;
  if (first?.kind !== HEAD) throw corruptError(path, 'it does not begin with its head');
  const head = JSON.parse(first.text) as ImageHead;
  if (head.format !== IMAGE_FORMAT || head.id !== options.storeId) throw corruptError(path, 'it is of another store');
  const files: LiveFile[] = [];
  const runs: Run[] = [];
  let active: LiveFile | undefined;
  for (const place of head.files) {
    const isActive = place.number === head.active;
    const loaded = await loadFile(options, place, isActive);
    files.push(loaded.file);
    runs.push(...loaded.runs);
    if (!isActive) continue;
    active = loaded.file;
    for (const { body } of sections.filter(({ kind }) => kind === RUNS)) {
      // A copy: the image has rows, too, which nobody needs any more.
      const unfinished = readRuns(body.slice(), active);
      if (unfinished === undefined) throw corruptError(path, 'it does not say where rows lie');
      runs.push(...unfinished);
    }
  }
  const dead = new Map<string, Uint8Array>();
  const trees = new Map<number, ResidentTree>();
  for (const { kind, text, body } of sections) {
    if (kind === DEAD) {
      const { file, bucket } = JSON.parse(text) as { file: number; bucket: number };
      dead.set(`${file}:${bucket}`, body);
    } else if (kind === ROWS) {
      const { bucket } = JSON.parse(text) as { bucket: number };
      const tree = trees.get(bucket) ?? new ResidentTree();
      trees.set(bucket, tree);
      readRows(body, tree);
      if (slice.over) await slice.turn();
    }
  }
  const buckets = new Map<string, BucketState>();
  for (const { name, number, appendOnly, floor } of head.buckets) {
    if (!appendOnly) {
      buckets.set(name, { name, number, appendOnly, rows: trees.get(number) ?? new ResidentTree() });
      continue;
    }
    const views: RunView[] = [];
    for (const run of runs) {
      if (run.bucket !== number) continue;
      const bits = dead.get(`${run.file.number}:${number}`);
      views.push(RunView.whole(run, run, bits === undefined ? undefined : DeadBits.fromBytes(bits)));
      if (slice.over) await slice.turn();
    }
    const rows = LoggedRows.of(views, floor === null ? undefined : new Uint8Array(Buffer.from(floor, 'hex')));
    buckets.set(name, { name, number, appendOnly, rows });
  }
  const state: State = {
    commit: head.commit,
    nextBucket: head.nextBucket,
    buckets,
    files,
    end: active?.end ?? 0,
  };
  return { state, active, nextFile: head.nextFile, bytes };
}

function readRows(body: Uint8Array, tree: ResidentTree): void {
  const view = viewOf(body);
  for (let at = 0; at < body.length;) {
    const keyEnd = at + 6 + view.getUint16(at, true);
    const end = keyEnd + view.getUint32(at + 2, true);
    tree.put(body.subarray(at + 6, keyEnd), body.subarray(keyEnd, end));
    at = end;
  }
}
