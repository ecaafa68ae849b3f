/** The views of one store: the whole of it and its name spaces, each with its records. */
import { invalidType } from './errors.ts';
import type { Kv } from './kv.ts';
import type { Records } from './records.ts';

export class Views {
  readonly #what: string;
  readonly #records = new WeakMap<object, unknown>();

  /** @param what they are views of, for messages */
  constructor(what: string) {
    this.#what = what;
  }

  /** This object is a view, with these records. */
  add<K, V, W>(view: Kv<K, V, W>, records: Records<K, V>): void {
    this.#records.set(view, records);
  }

  /** The records of a view. @throws TypeError `KV_INVALID` for anything else */
  readonly recordsOf = <K, V, W>(view: Kv<K, V, W>): Records<K, V> => {
    const records = Object(view) === view ? this.#records.get(view) : undefined;
    if (records === undefined)
      throw invalidType(`the name space must be one of this ${this.#what}, as namespace(prefix) gives it`);
    // `add` is told both together.
    return records as Records<K, V>;
  };
}
