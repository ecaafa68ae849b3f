/** A run as one version of the store sees it: so many of its rows, less the deleted ones. */
import { DeadBits } from './dead-bits.ts';
import type { Probe } from './probe.ts';
import type { Run } from './run.ts';

export class RunView {
  readonly run: Run;
  /** The version that may change it. */
  readonly owner: object;
  rowN: number;
  /** Bytes of the rows that live, as they lie in the file. */
  liveBytes: number;
  #dead: DeadBits | undefined;
  #ownsDead = false;

  constructor(owner: object, run: Run, from?: RunView) {
    this.run = run;
    this.owner = owner;
    this.rowN = from?.rowN ?? 0;
    this.liveBytes = from?.liveBytes ?? 0;
    this.#dead = from === undefined ? undefined : from.#dead;
  }

  /** All rows that the run has now. */
  static whole(owner: object, run: Run, dead?: DeadBits): RunView {
    const view = new RunView(owner, run);
    view.rowN = run.rowN;
    view.liveBytes = run.bytes;
    for (let index = 0; dead !== undefined && index < run.rowN; index += 1)
      if (dead.has(index)) view.liveBytes -= run.rowLength(index);
    view.#dead = dead;
    view.#ownsDead = true;
    return view;
  }

  /** All rows that the run has now, none of them deleted. @param bytes of them all, as they lie in the file */
  static undeleted(owner: object, run: Run, bytes: number): RunView {
    const view = new RunView(owner, run);
    view.rowN = run.rowN;
    view.liveBytes = bytes;
    return view;
  }

  get dead(): DeadBits | undefined {
    return this.#dead;
  }

  get liveN(): number {
    return this.rowN - (this.#dead?.count ?? 0);
  }

  isLive(index: number): boolean {
    return this.#dead === undefined || !this.#dead.has(index);
  }

  push(key: Probe, valueLength: number, offset: number): void {
    this.run.push(key, valueLength, offset);
    this.liveBytes += this.run.rowLength(this.rowN);
    this.rowN += 1;
  }

  /** For a row that lives. */
  delete(index: number): void {
    if (!this.#ownsDead) {
      this.#dead = new DeadBits(this.#dead);
      this.#ownsDead = true;
    }
    this.#dead!.add(index);
    this.liveBytes -= this.run.rowLength(index);
  }

  /** Those that live of the rows from `from` to before `to`. */
  deleteRows(from: number, to: number): void {
    for (let index = from; index < to; index += 1) if (this.isLive(index)) this.delete(index);
  }

  /** Index of the row with that key, if it lives; -1 otherwise. */
  find(key: Probe): number {
    const index = this.run.find(key, this.rowN);
    return index >= 0 && this.isLive(index) ? index : -1;
  }
}
