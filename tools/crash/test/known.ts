/**
 * What a store must and may hold, from what its workload has said.
 *
 * KN1  What was acknowledged is there. What was tried and not answered is there wholly or not at all.
 * KN2  Transactions take effect in the order in which they were tried, so those that are there are a prefix: nothing
 *     before the last acknowledged one may be missing, and no hole (P2).
 */
import { expect } from 'vitest';
import type { Shown } from './programs.ts';

interface Transaction {
  readonly seq: number;
  readonly hashes: ReadonlyMap<string, string>;
}

const gone = '-';

export class Known {
  /** Hash of each key, of everything acknowledged. */
  readonly #state = new Map<string, string>();
  #inDoubt: Transaction[] = [];
  #lastAcked = 0;
  #revision = 0;
  nextSeq = 1;
  acks = 0;

  /** One line of the workload. Returns the kind of it. */
  hear(line: string): string {
    const [kind = '', seqText = '', ...words] = line.split(' ');
    const seq = Number(seqText);
    if (kind === 'try') {
      this.#inDoubt.push({ seq, hashes: hashesOf(words) });
      this.nextSeq = seq + 1;
    } else if (kind === 'ack') {
      const revision = Number(words.pop()?.slice('rev='.length));
      this.#settle(seq, hashesOf(words));
      this.#lastAcked = Math.max(this.#lastAcked, seq);
      this.#revision = Math.max(this.#revision, revision);
      this.acks += 1;
    } else if (kind !== 'ready' && kind !== 'done') {
      throw new Error(`the workload said: ${line}`);
    }
    return kind;
  }

  /** Compares, and takes over what turned out to be there. */
  compare(shown: Shown): void {
    if (shown.error === 'BACKEND_NOT_FOUND' && this.#lastAcked === 0) {
      this.#inDoubt = [];
      return;
    }
    expect(shown.error).toBeUndefined();
    expect(shown.revision).toBeGreaterThanOrEqual(this.#revision);
    let missing: number | undefined;
    for (const { seq, hashes } of this.#inDoubt) {
      const there = [...hashes].filter(([key, hash]) => (shown.keys.get(key) ?? gone) === hash);
      const absent = [...hashes].filter(([key]) => (shown.keys.get(key) ?? gone) === (this.#state.get(key) ?? gone));
      if (there.length === hashes.size && (missing === undefined || absent.length < hashes.size)) {
        expect(missing, `transaction ${seq} is there, and one before it is not`).toBeUndefined();
        this.#settle(seq, hashes);
      } else {
        expect(absent.length, `transaction ${seq} is torn`).toBe(hashes.size);
        expect(seq, 'a transaction before an acknowledged one is missing').toBeGreaterThan(this.#lastAcked);
        missing ??= seq;
      }
    }
    this.#inDoubt = [];
    expect(Object.fromEntries(shown.keys)).toEqual(Object.fromEntries(this.#state));
    this.#revision = shown.revision;
  }

  #settle(seq: number, hashes: ReadonlyMap<string, string>): void {
    this.#inDoubt = this.#inDoubt.filter((one) => one.seq !== seq);
    for (const [key, hash] of hashes) {
      if (hash === gone) this.#state.delete(key);
      else this.#state.set(key, hash);
    }
  }
}

function hashesOf(words: readonly string[]): Map<string, string> {
  const hashes = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) hashes.set(words[i] as string, words[i + 1] as string);
  return hashes;
}
