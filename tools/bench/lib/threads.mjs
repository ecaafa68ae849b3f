// @ts-check
// What Linux tells of who waited for a processor, without garbage: who asks a thousand times a second is not to be what is measured.
import { openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const SPACE = 32;
const ZERO = 48;
/** Milliseconds of the unit in which it tells what the host took. */
const TICK_MS = 10;
/** Where that stands in the first line of `/proc/stat`, after "cpu" and another space. */
const STOLEN = 9;

/** The numbers since the call of `look` before, in ms; all 0 where the system does not tell. */
export class Threads {
  #buffer = Buffer.alloc(160);
  #end = 0;
  #at = 0;
  /** The main thread's file first, then those of all others but the one that asks. */
  #files = openThreads();
  #stat = openStat();
  /** Of each, in ns. */
  #queued = new Float64Array(this.#files.length);
  #ran = 0;
  #stolen = 0;
  /** How long the main thread computed. */
  ranMs = 0;
  /** How long the main thread waited for a processor. */
  queuedMs = 0;
  /** The longest that another one waited for one. */
  helpersQueuedMs = 0;
  /** What the host took from all processors. */
  stolenMs = 0;

  look() {
    this.helpersQueuedMs = 0;
    for (const [number, file] of this.#files.entries()) {
      this.#read(file);
      const ran = this.#next();
      const queued = this.#next();
      const queuedMs = (queued - (this.#queued[number] ?? 0)) / 1e6;
      this.#queued[number] = queued;
      if (number > 0) {
        if (queuedMs > this.helpersQueuedMs) this.helpersQueuedMs = queuedMs;
        continue;
      }
      this.queuedMs = queuedMs;
      this.ranMs = (ran - this.#ran) / 1e6;
      this.#ran = ran;
    }
    if (this.#stat === undefined) return;
    this.#read(this.#stat);
    for (let word = 0; word < STOLEN; word++) this.#next();
    const stolen = this.#next();
    this.stolenMs = (stolen - this.#stolen) * TICK_MS;
    this.#stolen = stolen;
  }

  /** @param {number} file */
  #read(file) {
    this.#at = 0;
    this.#end = readSync(file, this.#buffer, 0, this.#buffer.length, 0);
  }

  /** The number that the next word is. */
  #next() {
    const bytes = this.#buffer;
    let number = 0;
    for (; this.#at < this.#end && bytes[this.#at] !== SPACE; this.#at++)
      number = number * 10 + (bytes[this.#at] ?? 0) - ZERO;
    this.#at++;
    return number;
  }
}

function openThreads() {
  try {
    const self = readlinkSync('/proc/thread-self').split('/').at(-1);
    const others = readdirSync('/proc/self/task').filter((id) => id !== self && id !== `${process.pid}`);
    return [`${process.pid}`, ...others].map((id) => openSync(`/proc/self/task/${id}/schedstat`, 'r'));
  } catch {
    return [];
  }
}

function openStat() {
  try {
    return openSync('/proc/stat', 'r');
  } catch {
    return undefined;
  }
}
