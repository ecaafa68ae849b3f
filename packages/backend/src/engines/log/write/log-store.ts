/**
 * The state of an open store, and how it goes on: a commit is a frame behind the others, or the first of a new segment.
 *
 * LGLS1  The state is exchanged when the frame is durable, in one tick. Whoever else exchanges it (cleaning) does so between two
 *     commits, and a commit waits for that.
 * LGLS2  A failed commit is final: nothing is written any more, and the state stays the last one that was acknowledged.
 * LGLS3  Files are made by name, so everything stops when the folder's name belongs to something else, which each commit asks before it
 *     writes.
 */
import type { Changes } from '../../../contract/engine.ts';
import { BackendError } from '../../../contract/errors.ts';
import { Blocks } from '@varve/base/block';
import { deferred } from '@varve/base/deferred';
import { asBackendError, movedError } from '../failure.ts';
import { LiveFile, type OpenFiles } from '../files/live-file.ts';
import type { LogFile, LogFiles } from '../files/log-files.ts';
import { HEADER_BYTES, writeHeader } from '../format/segment-header.ts';
import type { RunView } from '../rows/run-view.ts';
import { Draft, type State } from '../state/state.ts';
import type { AckedFile } from './acked-file.ts';
import { buildFrame, type Deleted, type FrameMemory } from './build-frame.ts';
import { LogWriter } from './log-writer.ts';

export interface LogParts {
  readonly files: LogFiles;
  readonly openFiles: OpenFiles;
  readonly folder: string;
  readonly storeId: string;
  readonly state: State;
  readonly writer: LogWriter | undefined;
  /** Absent where the store is open for reading only. */
  readonly acked: AckedFile | undefined;
  /** Closed files without a whole footer. */
  readonly withoutFooter: readonly LiveFile[];
  readonly nextFile: number;
  readonly imageCommit: number;
  readonly imageBytes: number;
  /** Of the log behind the image. */
  readonly logBytes: number;
  readonly segmentBytes: number;
  readonly warnings: readonly string[];
  readonly release: () => void;
}

/** A segment that nothing is appended to any more: its footer is to be written through this descriptor. */
export interface EndedSegment {
  readonly file: LiveFile;
  readonly handle: LogFile;
  readonly runs: readonly RunView[];
}

/** Small pieces of frames are gathered in blocks of so many bytes. */
const GATHER_BYTES = 1 << 16;

export class LogStore {
  readonly parts: LogParts;
  state: State;
  hasFailed = false;
  /** Bytes of the log that no image has. */
  logBytes: number;
  readonly identity: string | undefined;
  #writer: LogWriter | undefined;
  readonly #memory: FrameMemory = { blocks: new Blocks(GATHER_BYTES), sums: new Uint8Array(0) };
  #nextFile: number;
  #ended: EndedSegment[] = [];
  /** The commit that runs; never rejects. */
  #committing: Promise<void> | undefined;
  /** A commit waits while there is one. */
  #exchange: Promise<void> | undefined;

  constructor(parts: LogParts) {
    this.parts = parts;
    this.state = parts.state;
    this.logBytes = parts.logBytes;
    this.identity = parts.files.identityNow(parts.folder);
    this.#writer = parts.writer;
    this.#nextFile = parts.nextFile;
  }

  /** The segment that is written. */
  get active(): LiveFile | undefined {
    return this.#writer?.file;
  }

  get nextFile(): number {
    return this.#nextFile;
  }

  takeNumber(): number {
    this.#nextFile += 1;
    return this.#nextFile - 1;
  }

  /** Resolves once no commit runs. */
  async idle(): Promise<void> {
    await this.#committing;
  }

  /** @throws BackendError */
  async commit(changes: Changes): Promise<Deleted> {
    const { files, openFiles, folder, acked, segmentBytes } = this.parts;
    const ended = deferred<void>();
    this.#committing = ended.promise;
    try {
      while (this.#exchange !== undefined) await this.#exchange;
      if (this.hasFailed) throw new BackendError('BACKEND_FAILED', 'an earlier commit failed', { path: folder });
      this.requirePlace();
      const current = this.#writer;
      const writer = current === undefined || current.file.end >= segmentBytes ? await this.#beginSegment() : current;
      const { file } = writer;
      const commit = this.state.commit + 1;
      const draft = new Draft(this.state);
      const { pieces, place, end, deleted } = await buildFrame(files.clock, changes, draft, file, commit, this.#memory);
      const buffers = pieces.buffers();
      const written = writer.append(buffers, place, end);
      // While it is on its way, not while somebody waits for the answer.
      openFiles.recent.add(file, place, buffers);
      const known = this.state.files;
      const next = draft.finish(commit, known.includes(file) ? known : [...known, file], end);
      await written;
      this.state = next;
      this.logBytes += pieces.length;
      acked?.note(commit);
      return deleted;
    } catch (error) {
      this.hasFailed = true;
      throw asBackendError(error, 'A commit to', folder);
    } finally {
      this.#committing = undefined;
      ended.resolve();
    }
  }

  /** Closes the segment that is written; the next commit begins another one. */
  endSegment(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer === undefined) return;
    const { file, handle } = writer;
    const runs = this.runsIn(file);
    this.#ended.push({ file, handle, runs });
  }

  /** Segments that have ended since this was asked last. */
  takeEnded(): readonly EndedSegment[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  runsIn(file: LiveFile): readonly RunView[] {
    return [...this.state.buckets.values()].flatMap((bucket) =>
      bucket.appendOnly ? bucket.rows.views.filter(({ run }) => run.file === file) : [],
    );
  }

  /** Between two commits. */
  async exchangeState(make: (state: State) => State): Promise<void> {
    const running = this.#committing;
    const exchanged = deferred<void>();
    this.#exchange = exchanged.promise;
    await running;
    this.state = make(this.state);
    this.#exchange = undefined;
    exchanged.resolve();
  }

  /** @throws BackendError `BACKEND_FAILED` where the folder's name belongs to something else */
  requirePlace(): void {
    const { files, folder } = this.parts;
    if (files.identityNow(folder) !== this.identity) throw movedError(folder);
  }

  /** Closes all descriptors. */
  async close(): Promise<void> {
    const { acked, openFiles } = this.parts;
    openFiles.recent.clear();
    await acked?.close();
    await this.#writer?.handle.close();
    for (const file of this.state.files) await openFiles.forget(file);
    await openFiles.close();
  }

  /** The next segment: its name is durable before a commit in it is acknowledged, its header goes out with its first frame. */
  async #beginSegment(): Promise<LogWriter> {
    const { files, folder, storeId, segmentBytes } = this.parts;
    const before = this.active ?? this.state.files.findLast(({ kind }) => kind === 'log');
    const number = this.takeNumber();
    const salt = new DataView(Uint8Array.from(files.random(4)).buffer).getUint32(0);
    const firstCommit = this.state.commit + 1;
    const header = { kind: 'log', number, storeId, salt, firstCommit, endBefore: before?.end ?? 0 } as const;
    const file = new LiveFile(folder, { kind: 'log', number, salt, firstCommit, end: HEADER_BYTES });
    const handle = await files.open(file.path, 'create-durable');
    try {
      await files.syncFolder(folder);
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
    file.kept = handle;
    this.endSegment();
    this.#writer = new LogWriter(file, handle, 0, segmentBytes, writeHeader(header));
    return this.#writer;
  }
}
