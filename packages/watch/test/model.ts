import { expect } from 'vitest';
import type { WatchOptions, WatchResponse, WatchStream } from '../src/watchable-store.ts';
import { bytes, show } from './support.ts';

export type Operation =
  | { readonly put: string; readonly value: string }
  | { readonly delete: string; readonly end?: string | undefined };

interface Live {
  readonly value: string;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
}

interface Made {
  readonly key: string;
  readonly revision: number;
  readonly put: boolean;
  readonly plain: string;
  readonly withPrevious: string;
}

interface Watched {
  readonly stream: WatchStream;
  readonly id: number;
  readonly key: string;
  readonly end: string | undefined;
  readonly options: WatchOptions;
  readonly first: number;
  cancelled: boolean;
  /** Shown events. */
  readonly got: string[];
  lastRevision: number;
  noticed: number | undefined;
}

/** What every watcher must have seen: a list of all changes, slow and obviously right. */
export class Model {
  revision = 1;
  compacted = -1;
  readonly watched: Watched[] = [];
  readonly #made: Made[] = [];
  #live: Map<string, Live> = new Map();

  /** Applies a transaction as the store does. */
  apply(operations: readonly Operation[]): void {
    const before = this.#live;
    const live = new Map(before);
    const revision = this.revision + 1;
    const made: Made[] = [];
    const add = (key: string, put: boolean, plain: string, created: boolean): void => {
      const old = created ? undefined : before.get(key);
      const withPrevious = old === undefined ? plain : `${plain} <${old.value}@${old.modified}`;
      made.push({ key, revision, put, plain, withPrevious });
    };
    for (const operation of operations) {
      if ('put' in operation) {
        const { put: key, value } = operation;
        const old = live.get(key);
        const created = old?.created ?? revision;
        const version = (old?.version ?? 0) + 1;
        live.set(key, { value, created, modified: revision, version });
        add(key, true, `PUT ${key}=${value} @${revision} c${created} v${version}`, created === revision);
        continue;
      }
      for (const key of [...live.keys()].sort()) {
        if (!inRange(key, operation.delete, operation.end)) continue;
        live.delete(key);
        add(key, false, `DELETE ${key} @${revision}`, false);
      }
    }
    if (made.length === 0) return;
    this.#live = live;
    this.revision = revision;
    this.#made.push(...made);
  }

  watch(stream: WatchStream, key: string, end: string | undefined, options: WatchOptions): void {
    const { watchId, revision } = stream.watch(bytes(key), end === undefined ? undefined : bytes(end), options);
    const { from = 0 } = options;
    const first = from === 0 ? revision + 1 : from;
    this.watched.push({
      stream,
      id: watchId,
      key,
      end,
      options,
      first,
      cancelled: false,
      got: [],
      lastRevision: 0,
      noticed: undefined,
    });
  }

  cancel(watched: Watched): void {
    watched.cancelled = true;
    watched.stream.cancel(watched.id);
  }

  /** Takes note of a response, and checks what can be checked at once. */
  read(stream: WatchStream, response: WatchResponse): void {
    if (response.type === 'progress') {
      for (const each of this.watched) {
        const concerned = each.stream === stream && (response.watchId === -1 || each.id === response.watchId);
        // Everything up to the progress has come before it.
        if (concerned && !each.cancelled) this.#compare(each, this.#wanted(each, response.revision));
      }
      return;
    }
    const each = this.watched.find((candidate) => candidate.stream === stream && candidate.id === response.watchId);
    if (each === undefined) throw new Error(`a response for nobody: ${response.watchId}`);
    expect(each.noticed, 'nothing follows a notice').toBeUndefined();
    if (response.type === 'compacted') {
      each.noticed = response.compactRevision;
      expect(each.lastRevision, 'nothing at or above the compaction came before the notice').toBeLessThan(each.noticed);
      return;
    }
    const [first, last] = [response.events[0]!, response.events.at(-1)!];
    expect(first.kv.modRevision, 'no revision in two responses').toBeGreaterThan(each.lastRevision);
    expect(response.revision).toBeGreaterThanOrEqual(last.kv.modRevision);
    each.lastRevision = last.kv.modRevision;
    each.got.push(...response.events.map(show));
  }

  /** Everything has been read: everybody has had all, or a part and a reason. */
  check(): void {
    for (const each of this.watched) {
      const wanted = this.#wanted(each, Infinity);
      if (each.noticed === undefined && !each.cancelled) this.#compare(each, wanted);
      else this.#compare(each, wanted.slice(0, each.got.length));
    }
  }

  #wanted(each: Watched, upTo: number): readonly Made[] {
    const { filters = [] } = each.options;
    return this.#made.filter(({ key, revision, put }) => {
      if (revision < each.first || revision > upTo || !inRange(key, each.key, each.end)) return false;
      return !filters.includes(put ? 'noput' : 'nodelete');
    });
  }

  #compare(each: Watched, wanted: readonly Made[]): void {
    const got = each.got.slice(0, wanted.length);
    const expected = wanted.map(({ plain, withPrevious, revision }, i) => {
      if (each.options.previous !== true) return plain;
      // Compaction may have taken the previous value, but not changed it.
      return this.compacted >= revision && got[i] === plain ? plain : withPrevious;
    });
    expect(got, `watcher ${each.id} of ${each.key}..${each.end ?? ''} from ${each.first}`).toEqual(expected);
  }
}

export function inRange(key: string, start: string, end: string | undefined): boolean {
  if (end === undefined) return key === start;
  return key >= start && (end === '' || key < end);
}
