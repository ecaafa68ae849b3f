/** Reads one state: what the engine's own reads and its pins have in common. */
import type { Bucket } from '../../../contract/bucket.ts';
import type { Entry, PinnedView, ScanOptions } from '../../../contract/engine.ts';
import type { RowSearch } from '../../../contract/row-search.ts';
import { findResident } from '../../../resident/find-resident.ts';
import type { OpenFiles } from '../files/live-file.ts';
import { Probe } from '../rows/probe.ts';
import { namesOf, type State } from '../state/state.ts';
import { RowFinder } from './find-rows.ts';
import { RowReader } from './row-reader.ts';
import { scanBucket } from './scan-rows.ts';

export class StateReader {
  readonly #files: OpenFiles;
  readonly #reader: RowReader;
  readonly #finder: RowFinder;
  readonly #probe = new Probe();

  constructor(files: OpenFiles) {
    this.#files = files;
    this.#reader = new RowReader(files);
    this.#finder = new RowFinder(files);
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

  find(state: State, bucket: Bucket, search: RowSearch): void {
    const found = state.buckets.get(bucket.name);
    if (found === undefined) return;
    if (found.appendOnly) this.#finder.find(found.rows, search);
    else findResident(found.rows, search);
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

  find(bucket: Bucket, search: RowSearch): void {
    this.#reader.find(this.#state(), bucket, search);
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
