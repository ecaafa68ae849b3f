/** Reads one state: what the engine's own reads and its pins have in common. */
import type { Bucket } from '../../../contract/bucket.ts';
import type { Entry, PinnedView, ScanOptions } from '../../../contract/engine.ts';
import type { OpenFiles } from '../files/live-file.ts';
import { Probe } from '../rows/probe.ts';
import { namesOf, type State } from '../state/state.ts';
import { RowReader, type Wanted } from './row-reader.ts';
import { scanBucket } from './scan-rows.ts';

export class StateReader {
  readonly #files: OpenFiles;
  readonly #reader: RowReader;
  readonly #probe = new Probe();

  constructor(files: OpenFiles) {
    this.#files = files;
    this.#reader = new RowReader(files);
  }

  get(state: State, bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    const found = state.buckets.get(bucket.name);
    if (found === undefined) return undefined;
    if (!found.appendOnly) return found.rows.get(key);
    const probe = this.#probe.set(key);
    const view = found.rows.viewOf(probe);
    if (view === undefined) return undefined;
    const index = view.find(probe);
    return index < 0 ? undefined : this.#reader.value(view, index, probe);
  }

  getMany(state: State, bucket: Bucket, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    const found = state.buckets.get(bucket.name);
    if (found === undefined || !found.appendOnly) return keys.map((key) => found?.rows.get(key));
    const wanted = keys.map((bytes): Wanted | undefined => {
      const key = new Probe().set(bytes);
      const view = found.rows.viewOf(key);
      const index = view === undefined ? -1 : view.find(key);
      if (view === undefined || index < 0) return undefined;
      const { run } = view;
      return { run, index, key, place: run.offset(index), length: run.rowLength(index) };
    });
    return this.#reader.values(wanted);
  }

  scan(
    state: State,
    bucket: Bucket,
    options: ScanOptions,
    checkOpen: () => void,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    return scanBucket(state.buckets.get(bucket.name), options, this.#files, checkOpen);
  }
}

/** A state that stays until it is disposed. */
export class PinnedState implements PinnedView {
  readonly #reader: StateReader;
  readonly #state: () => State;
  readonly #scan: (bucket: Bucket, options: ScanOptions) => AsyncIterable<readonly Entry[]>;
  readonly #end: () => void;

  /** @param state throws once it has ended @param scan which keeps the files of the state until it ends */
  constructor(
    reader: StateReader,
    state: () => State,
    scan: (bucket: Bucket, options: ScanOptions) => AsyncIterable<readonly Entry[]>,
    end: () => void,
  ) {
    this.#reader = reader;
    this.#state = state;
    this.#scan = scan;
    this.#end = end;
  }

  get(bucket: Bucket, key: Uint8Array): Uint8Array | undefined {
    return this.#reader.get(this.#state(), bucket, key);
  }

  getMany(bucket: Bucket, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    return this.#reader.getMany(this.#state(), bucket, keys);
  }

  scan(bucket: Bucket, options: ScanOptions = {}): AsyncIterable<readonly Entry[]> {
    return this.#scan(bucket, options);
  }

  buckets(): readonly string[] {
    return namesOf(this.#state());
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
