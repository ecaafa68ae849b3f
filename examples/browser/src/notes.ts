/**
 * Notes that remember everything: what a page needs of the store, without the page.
 *
 * NTS1  Undoing is a change like any other: what was is written back as one transaction, and history keeps both.
 * NTS2  What changed nothing is not there to be undone; going back to a revision is.
 */
import { json, put, remove, utf8, type Codec, type KeyCodec, type Kv } from '@varve/kv/memory';

export interface Note {
  readonly text: string;
  readonly done: boolean;
}

export const codecs: { readonly key: KeyCodec<string>; readonly value: Codec<Note> } = {
  key: utf8,
  value: json<Note>(),
};

export class Notes {
  readonly #kv: Kv<string, Note>;
  /** The revision before each change that can be taken back, newest last. */
  readonly #before: number[] = [];
  #numbers = 0;

  constructor(kv: Kv<string, Note>) {
    this.#kv = kv;
  }

  get undoable(): number {
    return this.#before.length;
  }

  async add(text: string): Promise<void> {
    const key = `note/${String(++this.#numbers).padStart(6, '0')}`;
    this.#before.push((await this.#kv.put(key, { text, done: false })).revision - 1);
  }

  async toggle(key: string): Promise<void> {
    const { revision, value: found } = await this.#kv.transaction(async (tx) => {
      const entry = await tx.get(key);
      if (entry !== undefined) tx.put(key, { ...entry.value, done: !entry.value.done });
      return entry !== undefined;
    });
    if (found) this.#before.push(revision - 1);
  }

  async remove(key: string): Promise<void> {
    const { revision, deleted } = await this.#kv.delete(key);
    if (deleted > 0) this.#before.push(revision - 1);
  }

  /** Makes the notes what they were before the last change. */
  async undo(): Promise<void> {
    const then = this.#before.pop();
    if (then !== undefined) await this.#restore(then);
  }

  /** Makes the notes what they were at a revision. */
  async backTo(revision: number): Promise<void> {
    const made = await this.#restore(revision);
    if (made !== undefined) this.#before.push(made - 1);
  }

  /** @returns the revision that it made; undefined: nothing was otherwise then */
  async #restore(revision: number): Promise<number | undefined> {
    const now = (await this.#kv.status()).revision;
    const changes = await this.#kv.diff(now, revision, { prefix: 'note/' }).toArray();
    const then = changes
      .filter(
        ({ previous, entry }) =>
          previous?.value.text !== entry?.value.text || previous?.value.done !== entry?.value.done,
      )
      .map(({ key, entry }) => (entry === undefined ? remove(key) : put(key, entry.value)));
    return then.length === 0 ? undefined : (await this.#kv.txn({ then })).revision;
  }
}
