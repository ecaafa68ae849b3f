/**
 * How long work may hold the event loop: the one place that knows law 10's figure.
 *
 * SLI1  A call answers in slices of `SLICE_MS` at most. Long work rests after `WORK_MS`: two pieces of it, and what they are
 *       called from, fit into a slice. Background work rests after `STEP_MS`, so that writers come about often.
 * SLI2  Asking the clock costs some 40 ns: work in small steps asks for every few of them (`due`).
 * SLI3  For a short call, asking is a twentieth of the fastest read. So those ask it for each sixteen calls, or each sixteen KiB
 *       that they answered with, whichever comes first.
 */
import type { Clock } from './clock.ts';

/** Longest time that a call holds the event loop, in milliseconds (law 10). */
export const SLICE_MS = 5;
/** Long work rests after so many milliseconds. */
export const WORK_MS = 2;
/** Background work rests after so many milliseconds. */
export const STEP_MS = 1;

/** What slices need of a clock. */
export type Turns = Pick<Clock, 'now' | 'turn'>;

const stepsPerQuestion = 16;
const callsPerQuestion = 16;

export interface SliceSettings {
  /** Of a slice, in milliseconds. @default WORK_MS */
  readonly lengthMs?: number | undefined;
  /** Ends the work when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each turn in which others ran; what it throws ends the work. */
  readonly check?: (() => void) | undefined;
}

/** Tells one piece of long work when to let others run. */
export class Slice {
  readonly #clock: Turns;
  readonly #lengthMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #check: (() => void) | undefined;
  #end: number;
  #steps = 0;

  /** @throws the signal's reason, if it is aborted */
  constructor(clock: Turns, { lengthMs = WORK_MS, signal, check }: SliceSettings = {}) {
    this.#clock = clock;
    this.#lengthMs = lengthMs;
    this.#signal = signal;
    this.#check = check;
    signal?.throwIfAborted();
    this.#end = clock.now() + lengthMs;
  }

  /** Whether it is time for a turn. */
  get over(): boolean {
    return this.#clock.now() > this.#end;
  }

  /** As `over`, and asks the clock every 16th time only (SLI2). */
  due(): boolean {
    return (++this.#steps & (stepsPerQuestion - 1)) === 0 && this.over;
  }

  /** Lets others run; then a slice begins. Rejects with the signal's reason, and with what the check throws. */
  async turn(): Promise<void> {
    await this.#clock.turn();
    this.#signal?.throwIfAborted();
    this.#check?.();
    this.#end = this.#clock.now() + this.#lengthMs;
  }

  /**
   * Runs small steps to their end and rests when it is due: short work does not leave the tick. What ends the work is thrown into
   * the steps.
   */
  run<T>(steps: Generator<void, T, void>): Promise<T> {
    return this.#run(steps, () => this.due());
  }

  /** As `run`, for steps that are long enough to ask the clock after each. */
  runLong<T>(steps: Generator<void, T, void>): Promise<T> {
    return this.#run(steps, () => this.over);
  }

  async #run<T>(steps: Generator<void, T, void>, isTime: () => boolean): Promise<T> {
    let step = steps.next();
    while (step.done !== true) {
      try {
        if (isTime()) await this.turn();
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next();
    }
    return step.value;
  }
}

/**
 * The slice of the turn that is under way, whoever works in it: many short calls in one turn are as long as one long call.
 * It begins with the first question in a turn.
 */
export class TurnSlice {
  readonly #clock: Pick<Clock, 'now' | 'soon' | 'turn'>;
  /** When it is over; 0 in a turn in which nobody has asked yet. */
  #end = 0;
  #calls = 0;

  constructor(clock: Pick<Clock, 'now' | 'soon' | 'turn'>) {
    this.#clock = clock;
  }

  /** Whether this turn of the event loop has lasted a slice. */
  over(): boolean {
    const now = this.#clock.now();
    if (this.#end > 0) return now >= this.#end;
    this.#end = now + SLICE_MS;
    this.#clock.soon(this.#begin);
    return false;
  }

  /** As `over`, for a call that took no time to speak of, and answered with so many bytes (SLI3). */
  callDue(bytes: number): boolean {
    this.#calls += 1 + (bytes >>> 10);
    if (this.#calls < callsPerQuestion) return false;
    this.#calls = 0;
    return this.over();
  }

  /** Lets everything run that is ready to; then a slice begins. */
  async next(): Promise<void> {
    await this.#clock.turn();
    this.over();
  }

  readonly #begin = (): void => {
    this.#end = 0;
  };
}
