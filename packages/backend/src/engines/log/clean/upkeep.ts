/**
 * What is done beside the writers: footers of closed segments, images, cleaning, and removing files that nobody needs.
 *
 * LGUP1  One piece of work after the other, so it holds one thread of the pool at most: a commit need not wait.
 * LGUP2  An error in it is nobody's, but for `compact`, whose caller hears of it: the log has everything, nothing was exchanged, and it
 *     is tried again when it is due.
 * LGUP3  Files that nothing names any more go when no pin and no scan can ask for their rows.
 * LGUP4  Who gives up history deletes file by file. The file that this is in is not rewritten before it has left it, or has rested:
 *     what would be copied is deleted next, and that again and again. Of the others only those that hold more than their share of
 *     what is too much.
 */
import { Slice, STEP_MS, type Turns } from '@varve/base/pace';
import { asBackendError } from '../failure.ts';
import type { LiveFile } from '../files/live-file.ts';
import { writeAll, type LogFile } from '../files/log-files.ts';
import { writeFooter } from '../format/footer.ts';
import { aligned } from '../format/seed.ts';
import { HEADER_BYTES } from '../format/segment-header.ts';
import type { RunView } from '../rows/run-view.ts';
import { Holders } from '../state/holders.ts';
import { liveBytesOf, type State } from '../state/state.ts';
import type { Deleted } from '../write/build-frame.ts';
import type { LogStore } from '../write/log-store.ts';
import { writeImage } from '../write/write-image.ts';
import { planCleaning, planMerge, shareOf } from './plan.ts';
import { DamagedRow, rewrite } from './rewrite.ts';
import { Substitution } from './substitution.ts';

/** The log may grow by so much, or by the image's size, before there is another image. */
const LEAST_BETWEEN_IMAGES = 16 << 20;
/** The disk may hold so many times the live bytes, and so much beyond them, before it is cleaned. */
const MOST_ON_DISK = 1.5;
const LEAST_CLEANED = 4 << 20;
/** The segment that is written is ended when so much of it is dead, and as much as lives in the whole store: before that it cannot be cleaned. */
const LEAST_SPENT = 8 << 20;
/** LGUP4: so long after the last deletion. */
const FRONT_RESTS_MS = 1000;
/** Cleaning goes on until so much of every file is alive. */
const WORTH_KEEPING = 0.9;

export class Upkeep {
  readonly holders: Holders = new Holders();
  readonly warnings: string[];
  readonly #store: LogStore;
  readonly #stop = new AbortController();
  /** Never rejects. */
  #running: Promise<void> = Promise.resolve();
  #image: { readonly commit: number; readonly bytes: number };
  #isImageDue = false;
  #isCleaning = false;
  #retired: LiveFile[] = [];
  /** Where deletions have got to. */
  #front: LiveFile | undefined;
  #endRest: (() => void) | undefined;
  /** Files with a damaged row: not to be rewritten. */
  readonly #left: Set<LiveFile> = new Set();

  constructor(store: LogStore) {
    const { imageCommit, imageBytes, warnings, withoutFooter, acked } = store.parts;
    this.#store = store;
    this.#image = { commit: imageCommit, bytes: imageBytes };
    this.warnings = [...warnings];
    if (acked !== undefined) for (const file of withoutFooter) this.#mendFooter(file);
  }

  get imageBytes(): number {
    return this.#image.bytes;
  }

  /** Begins what a commit has made due. */
  afterCommit({ count: deletes, file }: Deleted): void {
    const store = this.#store;
    if (file !== undefined) this.#deletedIn(file);
    if (deletes > 0 && this.#isSpent()) store.endSegment();
    this.#finishEnded();
    if (store.logBytes > Math.max(LEAST_BETWEEN_IMAGES, this.#image.bytes)) this.#imageSoon();
    if (deletes > 0 && this.#isCleaningDue()) this.#cleanSoon();
  }

  async compact(): Promise<void> {
    const work = this.#running.then(() => this.#compact());
    this.#running = work.catch(() => undefined);
    try {
      await work;
    } catch (error) {
      throw asBackendError(error, 'Compacting the store', this.#store.parts.folder);
    }
  }

  /** Whoever held a state has let it go. */
  removeSoon(): void {
    if (this.#retired.length > 0) this.#later(() => this.#retire());
  }

  /** Comes to an end, and leaves an image, so that the next open need not read the log. @param reason of what is cut short */
  async close(reason: Error): Promise<void> {
    const store = this.#store;
    this.#stop.abort(reason);
    this.#endRest?.();
    await this.#running;
    const isBehind = this.#image.commit < store.state.commit;
    if (store.parts.acked !== undefined && isBehind && !store.hasFailed) {
      await this.#writeImage(store.state).catch(() => undefined); // the log has it all
    }
    this.holders.clear();
    await this.#retire();
  }

  #later(work: () => Promise<void>): void {
    this.#running = this.#running.then(async () => {
      try {
        if (!this.#store.hasFailed) await work();
      } catch {
        // Nothing was exchanged (LGUP2).
      }
    });
  }

  /** LGUP4 */
  #deletedIn(file: LiveFile): void {
    this.#front = file;
    this.#endRest?.();
    this.#endRest = this.#store.parts.files.clock.after(FRONT_RESTS_MS, () => {
      this.#front = undefined;
      if (this.#isCleaningDue()) this.#cleanSoon();
    });
  }

  #finishEnded(): void {
    const store = this.#store;
    for (const { file, handle, runs } of store.takeEnded()) {
      this.#later(async () => {
        try {
          const slice = new Slice(store.parts.files.clock, { lengthMs: STEP_MS });
          for (const { run } of runs) await slice.runLong(run.trim());
          await writeFooterOf(store.parts.files.clock, file, handle, runs);
        } finally {
          file.kept = undefined; // it is opened again, for reading, when it is asked for
          await handle.close();
        }
      });
    }
  }

  /** A crash may come before a footer is whole: it is written again, or every open would read the file. */
  #mendFooter(file: LiveFile): void {
    const store = this.#store;
    this.#later(async () => {
      const { files } = store.parts;
      if (!store.state.files.includes(file)) return;
      if (((await files.details(file.path))?.links ?? 0) !== 1) return; // somebody else's as well
      const handle = await files.open(file.path, 'durable');
      try {
        await writeFooterOf(store.parts.files.clock, file, handle, store.runsIn(file));
      } finally {
        await handle.close();
      }
    });
  }

  #isCleaningDue(): boolean {
    const { bytes, live } = shareOf(this.#store.state, this.#store.active);
    return bytes > live * MOST_ON_DISK && bytes - live > Math.max(LEAST_CLEANED, this.#image.bytes);
  }

  /** A small store would otherwise grow to a whole segment before anything of it comes back. */
  #isSpent(): boolean {
    const { active, state } = this.#store;
    if (active === undefined || active.end <= LEAST_SPENT) return false;
    const live = liveBytesOf(state);
    const dead = active.end - (live.get(active) ?? 0);
    const all = [...live.values()].reduce((sum, bytes) => sum + bytes, 0);
    return dead > Math.max(LEAST_SPENT, all, this.#image.bytes);
  }

  #imageSoon(): void {
    if (this.#isImageDue) return;
    this.#isImageDue = true;
    this.#later(async () => {
      this.#isImageDue = false;
      await this.#writeImage(this.#store.state);
    });
  }

  #cleanSoon(): void {
    if (this.#isCleaning) return;
    this.#isCleaning = true;
    this.#later(async () => {
      const store = this.#store;
      try {
        while (!this.#stop.signal.aborted && this.#isCleaningDue()) {
          const { segmentBytes } = store.parts;
          const front = this.#front;
          const left = front === undefined ? this.#left : new Set([...this.#left, front]);
          const most = front === undefined ? WORTH_KEEPING : 1 / MOST_ON_DISK;
          const group = planCleaning(store.state, store.active, left, most, segmentBytes);
          if (group === undefined) return;
          await this.#clean(group);
        }
      } finally {
        this.#isCleaning = false;
      }
    });
  }

  async #compact(): Promise<void> {
    const store = this.#store;
    const { segmentBytes } = store.parts;
    const { active } = store;
    const alive = active === undefined ? 0 : (liveBytesOf(store.state).get(active) ?? 0);
    if (active !== undefined && active.end > HEADER_BYTES && alive < active.end * WORTH_KEEPING) {
      store.endSegment();
      this.#finishEnded(); // behind this work: until then the file is read without its footer
    }
    for (;;) {
      const group =
        planCleaning(store.state, store.active, this.#left, WORTH_KEEPING, segmentBytes) ??
        planMerge(store.state, store.active, this.#left, segmentBytes);
      if (group === undefined) break;
      await this.#clean(group);
    }
    if (this.#image.commit < store.state.commit) await this.#writeImage(store.state);
  }

  /** Rewrites some files into one, has an image name that one instead, and lets the others go. */
  async #clean(group: readonly LiveFile[]): Promise<void> {
    const store = this.#store;
    const { files, openFiles, folder, storeId } = store.parts;
    store.requirePlace();
    const number = store.takeNumber();
    const { signal } = this.#stop;
    let rewritten;
    try {
      rewritten = await rewrite({ files, openFiles, folder, storeId, number, signal }, store.state, group);
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      this.#left.add(error.file);
      this.warnings.push(`${error.message}; the file is left as it is`);
      return;
    }
    const substitution = new Substitution(rewritten, files.clock);
    await substitution.follow(store.state);
    await this.#writeImage(substitution.in(store.state));
    await substitution.follow(store.state);
    await store.exchangeState((state) => substitution.in(state));
    this.#retired.push(...group);
    await this.#retire();
  }

  async #writeImage(state: State): Promise<void> {
    const store = this.#store;
    const { files, folder, storeId } = store.parts;
    const { active, logBytes, identity, nextFile } = store;
    const number = active !== undefined && state.files.includes(active) ? active.number : 0;
    const bytes = await writeImage({ files, folder, identity, storeId }, { state, active: number, nextFile });
    this.#image = { commit: state.commit, bytes };
    store.logBytes -= logBytes;
  }

  /** Never rejects: what stays is removed by the next open. */
  async #retire(): Promise<void> {
    const held = this.holders.files();
    const going = this.#retired.filter((file) => !held.has(file));
    this.#retired = this.#retired.filter((file) => held.has(file));
    const { openFiles, files } = this.#store.parts;
    for (const file of going) {
      await openFiles.forget(file).catch(() => undefined);
      await files.remove(file.path).catch(() => undefined);
    }
  }
}

async function writeFooterOf(clock: Turns, file: LiveFile, handle: LogFile, runs: readonly RunView[]): Promise<void> {
  const footer = await writeFooter(clock, file, runs);
  const place = aligned(file.end);
  await writeAll(handle, footer, place);
  file.footerBytes = place - file.end + footer.reduce((sum, piece) => sum + piece.length, 0);
  if (handle.size() > file.bytes) await handle.truncate(file.bytes); // zeros that nobody came for
}
