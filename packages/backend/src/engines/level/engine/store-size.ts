/**
 * How much the folder holds: sampled when opening and after compaction, and at most once a second while commits grow it.
 *
 * Between two samples commits add what they wrote. Sampling lists the folder, so it never stands in a commit's way. Only
 * files of the store count: second names of them take no room, and what else is there is not the store's.
 */
import type { Level } from '../driver.ts';
import type { Files } from '../files.ts';
import { isOfStore } from '../names.ts';

const SAMPLE_MS = 1000;

export class StoreSize {
  readonly #level: () => Level;
  readonly #files: Files;
  readonly #path: string;
  #sampling: Promise<void> | undefined;
  #sampledAt = 0;
  bytes = 0;
  bytesInUse = 0;
  /** Of MANIFEST and the log of events, which grow until LevelDB opens the folder again. */
  eventBytes = 0;

  constructor(level: () => Level, files: Files, path: string) {
    this.#level = level;
    this.#files = files;
    this.#path = path;
  }

  /** A commit of about this many bytes is on the medium. */
  grow(bytes: number): void {
    this.bytes += bytes;
    this.bytesInUse += bytes;
    if (this.#sampling !== undefined || this.#files.clock.now() - this.#sampledAt < SAMPLE_MS) return;
    this.#sampling = this.sample()
      .catch(() => undefined) // an old figure is better than a failed commit; the next sample tries again
      .finally(() => (this.#sampling = undefined));
  }

  async sample(): Promise<void> {
    this.#sampledAt = this.#files.clock.now();
    const names = (await this.#files.names(this.#path)).filter(isOfStore);
    const lengths = await Promise.all(names.map((name) => this.#files.length(`${this.#path}/${name}`)));
    // A file may be gone between the two calls: LevelDB compacts meanwhile.
    const sum = (wanted: (name: string) => boolean): number =>
      names.reduce((bytes, name, at) => (wanted(name) ? bytes + (lengths[at] ?? 0) : bytes), 0);
    const tables = await this.#level().approximateSize(Uint8Array.of(0), Uint8Array.of(0xff, 0xff, 0xff));
    const logs = sum((name) => name.endsWith('.log'));
    this.bytes = sum(() => true);
    this.eventBytes = sum((name) => name === 'LOG' || name.startsWith('MANIFEST-'));
    this.bytesInUse = Math.min(this.bytes, tables + logs);
  }

  async settled(): Promise<void> {
    await this.#sampling;
  }
}
