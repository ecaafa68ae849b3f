/**
 * The slow and obvious store that random histories are held against: a list of changes, replayed for each question.
 *
 * KM1  Nothing is kept but what was changed when. It knows nothing of how revisions are stored.
 */
import type { Entry, KvEvent, Range } from '../kv.ts';
import type { OrderBy } from '../list-options.ts';

interface Change {
  readonly revision: number;
  readonly key: string;
  /** `undefined` for a deletion. */
  readonly value: string | undefined;
}

export class Model {
  /** The present. */
  revision: number;
  /** The oldest revision that can be read, 0 for all. */
  compacted = 0;
  readonly #changes: Change[] = [];

  /** @param revision that of the new store */
  constructor(revision: number) {
    this.revision = revision;
  }

  /** One transaction. Nothing to change makes no revision. */
  write(changes: readonly { readonly key: string; readonly value: string | undefined }[]): number {
    if (changes.length > 0) {
      this.revision++;
      for (const change of changes) this.#changes.push({ revision: this.revision, ...change });
    }
    return this.revision;
  }

  /** The entries of a range as `revision` left them, in byte order. */
  list(range: Range<string>, revision: number): Entry<string, string>[] {
    const entries = new Map<string, Entry<string, string>>();
    for (const { revision: modRevision, key, value } of this.#changes) {
      if (modRevision > revision) break;
      const before = entries.get(key);
      const [version, createRevision] = [(before?.version ?? 0) + 1, before?.createRevision ?? modRevision];
      if (value === undefined) entries.delete(key);
      else entries.set(key, { key, value, version, createRevision, modRevision });
    }
    return [...entries.values()].filter(({ key }) => within(range, key)).toSorted((a, b) => order(a.key, b.key));
  }

  /** What a watch gets from `from` on, up to the present. */
  events(range: Range<string>, from: number): KvEvent<string, string>[] {
    return this.#changes
      .filter(({ revision, key }) => revision >= from && within(range, key))
      .map(({ revision, key, value }): KvEvent<string, string> => {
        if (value === undefined) return { type: 'delete', key, revision };
        // The last change of a key in its revision: transactions put a key once.
        const entry = this.list({}, revision).find((one) => one.key === key)!;
        return Object.assign({ type: 'put', revision } as const, entry);
      });
  }
}

/** The order of a list: `orderBy`, then the key. */
export function byOrder(orderBy: OrderBy): (a: Entry<string, string>, b: Entry<string, string>) => number {
  return (a, b) => {
    const [left, right] = [a[orderBy], b[orderBy]];
    const first = typeof left === 'number' && typeof right === 'number' ? left - right : order(`${left}`, `${right}`);
    return first === 0 ? order(a.key, b.key) : first;
  };
}

export function within({ prefix = '', start, end }: Range<string>, key: string): boolean {
  return (
    key.startsWith(prefix) &&
    (start === undefined || order(key, start) >= 0) &&
    (end === undefined || order(key, end) < 0)
  );
}

/** The order of UTF-8, which is that of code points. */
function order(a: string, b: string): number {
  const [left, right] = [Array.from(a, codePoint), Array.from(b, codePoint)];
  const at = left.findIndex((code, i) => code !== right[i]);
  if (at < 0) return left.length - right.length;
  return at >= right.length ? 1 : (left[at] ?? 0) - (right[at] ?? 0);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
