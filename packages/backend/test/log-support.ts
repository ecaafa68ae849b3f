/** Random histories for the log engine, and what must be there after each of their commits. */
import type { Bucket } from '../src/contract/bucket.ts';
import type { Change, Engine, EngineView } from '../src/contract/engine.ts';
import { RowSearch } from '../src/contract/row-search.ts';
import type { Random } from './log-disk.ts';

export const records: Bucket = Object.freeze({ id: 801, name: 'key', appendOnly: true });
export const words: Bucket = Object.freeze({ id: 802, name: 'words', appendOnly: true });
export const small: Bucket = Object.freeze({ id: 803, name: 'meta', appendOnly: false });
export const all: readonly Bucket[] = [records, words, small];

/** Bucket, then key in hex, to value in hex. */
export type Model = ReadonlyMap<string, ReadonlyMap<string, string>>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A revision's key: 17 bytes, or 18 for a tombstone. */
export function revision(main: number, sub: number = 0, isTombstone = false): Uint8Array {
  const key = new Uint8Array(isTombstone ? 18 : 17);
  const view = new DataView(key.buffer);
  view.setBigUint64(0, BigInt(main));
  key[8] = 0x5f;
  view.setBigUint64(9, BigInt(sub));
  if (isTombstone) key[17] = 0x74;
  return key;
}

/** The values that a search finds. */
export function find(view: EngineView, bucket: Bucket, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
  const search = new RowSearch();
  for (const key of keys) search.addKey(key);
  view.find!(bucket, search);
  return keys.map((_, i) => search.value(i));
}

/** Makes commits, and keeps the state after each. */
export class History {
  readonly #random: Random;
  /** After commit n, from 0. */
  readonly states: Model[] = [new Map()];
  #main = 0;
  #word = 0;
  readonly largest: number;

  /** @param largest value, in bytes */
  constructor(random: Random, largest = 700) {
    this.#random = random;
    this.largest = largest;
  }

  get last(): Model {
    return this.states[this.states.length - 1]!;
  }

  /** Goes on from a state, as after a crash that took later ones. */
  backTo(commit: number): void {
    this.states.length = commit + 1;
  }

  next(): Change[] {
    const random = this.#random;
    const state = new Map([...this.last].map(([name, rows]) => [name, new Map(rows)]));
    const changes: Change[] = [];
    const make = (bucket: Bucket): void => {
      if (state.has(bucket.name)) return;
      changes.push({ type: 'createBucket', bucket });
      state.set(bucket.name, new Map());
    };
    if (random() < 0.03) {
      const bucket = all[1 + Math.floor(random() * 2)]!;
      changes.push({ type: 'deleteBucket', bucket });
      state.delete(bucket.name);
    }
    const put = (bucket: Bucket, key: Uint8Array): void => {
      make(bucket);
      const length = random() < 0.1 ? 0 : Math.floor(random() * random() * this.largest);
      const value = new Uint8Array(length);
      for (let i = 0; i < length; i += 1) value[i] = random() < 0.3 ? 0 : Math.floor(random() * 256);
      changes.push({ type: 'put', bucket, key, value });
      state.get(bucket.name)!.set(hex(key), hex(value));
    };
    const remove = (bucket: Bucket, share: number): void => {
      for (const key of state.get(bucket.name)?.keys() ?? []) {
        if (random() >= share) continue;
        changes.push({ type: 'delete', bucket, key: new Uint8Array(Buffer.from(key, 'hex')) });
        state.get(bucket.name)!.delete(key);
      }
    };
    const rows = 1 + Math.floor(random() * 6);
    for (let i = 0; i < rows; i += 1) {
      const kind = random();
      if (kind < 0.5) {
        this.#main += random() < 0.02 ? 2 ** 33 : 1 + Math.floor(random() * 2);
        const subs = random() < 0.2 ? 1 + Math.floor(random() * 3) : 1;
        for (let sub = 0; sub < subs; sub += 1) put(records, revision(this.#main, sub, random() < 0.2));
      } else if (kind < 0.65) {
        this.#word += 1 + Math.floor(random() * 3);
        put(words, Buffer.from(`w${String(this.#word).padStart(6, '0')}${'x'.repeat(Math.floor(random() * 4))}`));
      } else if (kind < 0.85) {
        put(small, Buffer.from(`name-${Math.floor(random() * 12)}`));
      } else {
        remove(all[Math.floor(random() * 3)]!, random() < 0.15 ? 0.8 : 0.05);
      }
    }
    this.states.push(state);
    return changes;
  }
}

/** Everything a view says, by scanning and by point reads, which must agree. */
export async function dump(view: EngineView): Promise<Model> {
  const found = new Map<string, Map<string, string>>();
  for (const name of view.buckets()) {
    const bucket = all.find((one) => one.name === name) ?? { id: 0, name, appendOnly: false };
    const rows = new Map<string, string>();
    const keys: Uint8Array[] = [];
    for await (const chunk of view.scan(bucket)) {
      for (const { key, value } of chunk) {
        rows.set(hex(key), hex(value));
        keys.push(key);
        const got = view.get(bucket, key);
        if (got === undefined || hex(got) !== hex(value)) throw new Error(`get of ${hex(key)} differs from the scan`);
      }
    }
    const backwards = keys.toReversed();
    for (const [i, value] of find(view, bucket, backwards).entries()) {
      if (value === undefined || hex(value) !== rows.get(hex(backwards[i]!)))
        throw new Error('find differs from the scan');
    }
    found.set(name, rows);
  }
  return found;
}

/** The same in the order of bytes, to be compared. */
export function shown(model: Model): string {
  return [...model]
    .map(
      ([name, rows]) =>
        `${name}:${[...rows]
          .map(([key, value]) => `${key}=${value}`)
          .toSorted()
          .join(',')}`,
    )
    .toSorted()
    .join(';');
}

/** Which commit's state the engine shows; -1 for none of them. @param from the first that will do */
export async function commitShown(engine: Engine, history: History, from: number): Promise<number> {
  const text = shown(await dump(engine));
  for (let commit = history.states.length - 1; commit >= from; commit -= 1) {
    if (shown(history.states[commit]!) === text) return commit;
  }
  return -1;
}
