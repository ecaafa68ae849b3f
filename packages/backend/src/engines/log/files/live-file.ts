/**
 * A file that holds rows of the present state, and its descriptor for reading.
 *
 * LGLF1  Descriptors are bounded: the one that was used least lately is closed for another one. A file whose name is gone keeps
 *     its descriptor until nobody can ask for its rows.
 */
import type { Turns } from '@varve/base/pace';
import { fileName, type FileKind } from '../names.ts';
import { RecentBlocks } from '../read/recent-blocks.ts';
import type { LogFile, LogFiles } from './log-files.ts';

const MOST_OPEN = 256;

export class LiveFile {
  readonly folder: string;
  readonly kind: FileKind;
  readonly number: number;
  readonly salt: number;
  /** The first commit in it; of rewritten rows 0. */
  readonly firstCommit: number;
  /** Where its whole frames end. Grows in the one that is written. */
  end: number;
  /** Bytes of the footer behind the end; 0 while there is none. */
  footerBytes = 0;
  /** Bytes of all rows, of a file of rewritten ones. */
  rowBytes = 0;
  /** Given where the file is written, and may not be closed. */
  kept: LogFile | undefined;
  usedAt = 0;

  constructor(
    folder: string,
    place: Pick<LiveFile, 'kind' | 'number' | 'salt' | 'firstCommit' | 'end'>,
    kept?: LogFile,
  ) {
    this.folder = folder;
    this.kind = place.kind;
    this.number = place.number;
    this.salt = place.salt;
    this.firstCommit = place.firstCommit;
    this.end = place.end;
    this.kept = kept;
  }

  get path(): string {
    return `${this.folder}/${fileName(this.number, this.kind)}`;
  }

  /** Bytes written, zeros ahead not counted. */
  get bytes(): number {
    return this.end + this.footerBytes;
  }
}

/** The descriptors through which files are read, and what of them is in memory. */
export class OpenFiles {
  readonly recent: RecentBlocks = new RecentBlocks();
  readonly #files: LogFiles;
  readonly #open: Map<LiveFile, LogFile> = new Map();
  #uses = 0;
  #closing: Promise<unknown> = Promise.resolve();

  constructor(files: LogFiles) {
    this.#files = files;
  }

  /** For slices of long reads. */
  get clock(): Turns {
    return this.#files.clock;
  }

  /** Opens it where that has to be. Same tick. @throws the system's error */
  of(file: LiveFile): LogFile {
    file.usedAt = this.#uses += 1;
    const found = file.kept ?? this.#open.get(file);
    if (found !== undefined) return found;
    if (this.#open.size >= MOST_OPEN) this.#closeOne();
    const opened = this.#files.openNow(file.path);
    this.#open.set(file, opened);
    return opened;
  }

  /** For a file that nobody will ask for any more. */
  async forget(file: LiveFile): Promise<void> {
    const handle = this.#open.get(file);
    this.#open.delete(file);
    const { kept } = file;
    file.kept = undefined;
    await Promise.all([handle?.close(), kept?.close()]);
  }

  async close(): Promise<void> {
    await this.#closing;
    await Promise.all([...this.#open.values()].map((handle) => handle.close()));
    this.#open.clear();
  }

  #closeOne(): void {
    let oldest: LiveFile | undefined;
    for (const file of this.#open.keys()) if (oldest === undefined || file.usedAt < oldest.usedAt) oldest = file;
    const handle = oldest && this.#open.get(oldest);
    if (oldest === undefined || handle === undefined) return;
    this.#open.delete(oldest);
    const closed = handle.close().catch(() => undefined); // nothing was written through it
    this.#closing = Promise.all([this.#closing, closed]);
  }
}
