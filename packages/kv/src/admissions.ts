/**
 * The line in which writes wait while commits lag behind (law 9).
 *
 *   call ──> open? ──yes──> its section, in the tick of the call
 *              └──no──> the line ──> what it prepares, alone ──> admitted ──> its section
 *
 * AD1 Sections run in the order of the calls: while somebody waits, whoever comes later waits behind, also when commits have
 *     caught up in between.
 * AD2 Each is admitted right before its section: what waits in memory is bounded by what commits may lag behind by, not by
 *     the number of writers.
 * AD3 While the first in the line prepares, no other has a section: what it has found out is so when its own runs, unless a
 *     lease has run out meanwhile. So it is asked once more, until it has nothing to find out, some times at most: its section
 *     looks again by itself.
 * AD4 A signal that is aborted takes its write out of the line. What a section has begun is finished all the same.
 * AD5 When nobody can be admitted any more, or no turn can be given to others, all who wait are told, and who comes later begins anew.
 */
import type { WatchableStore } from '@varve/watch';
import { onAbort } from '@varve/base/abort';
import type { TurnSlice } from '@varve/base/pace';

interface Waiting {
  readonly prepare: Entry['prepare'];
  /** Runs the section and answers; never throws. */
  readonly run: () => void;
  readonly fail: (error: unknown) => void;
  /** Answered already: nothing is to be done for it any more. */
  gone: boolean;
  next: Waiting | undefined;
}

/** What a write needs besides its section. */
export interface Entry {
  readonly signal?: AbortSignal | undefined;
  /**
   * What has to be known before the section and may take turns of the event loop; asked when everybody before has had
   * their section, and again when that was done. `undefined` where it takes none: then nobody needs to wait for it.
   */
  readonly prepare?: (() => Promise<void> | undefined) | undefined;
}

export class Admissions {
  readonly #store: Pick<WatchableStore, 'admit' | 'admitting'>;
  readonly #slice: TurnSlice;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  /** One goes through the line, also while it is empty and others have a turn: two would run the same section. */
  #isRunning = false;

  constructor(store: Pick<WatchableStore, 'admit' | 'admitting'>, slice: TurnSlice) {
    this.#store = store;
    this.#slice = slice;
  }

  /** True when a section may run now: nobody waits, and commits keep up. */
  get open(): boolean {
    return this.#first === undefined && this.#store.admitting;
  }

  /** Runs `section` when its turn has come; settles with what it returns or throws. */
  enter<T>(section: () => T, { signal, prepare }: Entry = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        prepare,
        run: () => {
          release?.();
          try {
            resolve(section());
          } catch (error) {
            reject(error);
          }
        },
        fail: (error) => {
          release?.();
          reject(error);
        },
        gone: false,
        next: undefined,
      };
      const release = signal && onAbort(signal, () => leave(waiting, signal.reason));
      if (signal?.aborted === true) leave(waiting, signal.reason);
      else this.#append(waiting);
    });
  }

  /** Resolves when everybody who waits now has had their section, or will have none. Never rejects. */
  async passed(): Promise<void> {
    if (this.#first !== undefined) await this.enter(() => undefined).catch(() => undefined);
  }

  #append(waiting: Waiting): void {
    if (this.#last === undefined) this.#first = this.#last = waiting;
    else this.#last = this.#last.next = waiting;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      for (let head = this.#first; head !== undefined; head = this.#first) {
        for (let asked = 0; !head.gone && asked < mostQuestions; asked++) {
          while (!this.#store.admitting) await this.#store.admit();
          if (!(await prepares(head))) break;
        }
        this.#first = head.next;
        if (this.#first === undefined) this.#last = undefined;
        if (!head.gone) head.run();
        if (this.#slice.over()) await this.#slice.next();
      }
    } catch (error) {
      let waiting = this.#first;
      this.#first = this.#last = undefined;
      for (; waiting !== undefined; waiting = waiting.next) leave(waiting, error);
    } finally {
      // In the tick in which the line was found empty: whoever comes then begins anew.
      this.#isRunning = false;
    }
  }
}

/** How often one is asked what it has to find out. */
const mostQuestions = 10;

/** Whether there was something to find out; it has been. */
async function prepares(waiting: Waiting): Promise<boolean> {
  if (waiting.gone || waiting.prepare === undefined) return false;
  try {
    const work = waiting.prepare();
    if (work === undefined) return false;
    await work;
    return true;
  } catch (error) {
    leave(waiting, error);
    return false;
  }
}

function leave(waiting: Waiting, error: unknown): void {
  if (waiting.gone) return;
  waiting.gone = true;
  waiting.fail(error);
}
