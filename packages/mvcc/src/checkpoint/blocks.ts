/**
 * The blocks of an index checkpoint, one after the other (docs/spec/log-file.md section 7).
 *
 *   0 4 kind: "HEAD", "KEYS", "LEAS", "LAST"   4 4 bytes of body   8 4 CRC of body   12 4 CRC of the 12 before, begun at seed ^ number   16 body
 *
 * IXB1  The seed of the first block, HEAD, is 0, and that of all others is what HEAD's own 16 bytes have last: a block of another
 *     checkpoint, or of this one at another place, is none. Numbers count from 0. All numbers have the least byte first.
 * IXB2  A block is looked at once both sums are right. What is not a whole, right file is `Unusable`.
 */
import { crc32c } from '@varve/backend';
import { byteKeyOf } from '@varve/base/order';

export type BlockKind = 'HEAD' | 'KEYS' | 'LEAS' | 'LAST';

export interface Block {
  readonly kind: BlockKind;
  /** Valid until the next one is asked for. */
  readonly body: Uint8Array;
}

const HEAD_BYTES = 16;
const kinds: readonly BlockKind[] = ['HEAD', 'KEYS', 'LEAS', 'LAST'];

/** A checkpoint that is not used, and why. */
export class Unusable extends Error {}

/** Puts a head before each body. */
export class BlockFramer {
  #seed = 0;
  #number = 0;

  frame(kind: BlockKind, body: Uint8Array): Uint8Array {
    const framed = new Uint8Array(HEAD_BYTES + body.length);
    const view = new DataView(framed.buffer);
    for (let i = 0; i < 4; i++) framed[i] = kind.charCodeAt(i);
    view.setUint32(4, body.length, true);
    view.setUint32(8, crc32c(body), true);
    const sum = crc32c(framed.subarray(0, 12), (this.#seed ^ this.#number) >>> 0);
    view.setUint32(12, sum, true);
    if (this.#number === 0) this.#seed = sum;
    this.#number++;
    framed.set(body, HEAD_BYTES);
    return framed;
  }
}

/** The blocks of a file, whose last is LAST. @throws Unusable */
export async function* blocksOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Block, void, undefined> {
  let seed = 0;
  let rest: Uint8Array = new Uint8Array(0);
  let at = 0;
  const source = pieces[Symbol.asyncIterator]();
  /** Whether so many bytes are there from `at` on. */
  const reach = async (length: number): Promise<boolean> => {
    while (rest.length - at < length) {
      const next = await source.next();
      if (next.done === true) return false;
      const joined = new Uint8Array(rest.length - at + next.value.length);
      joined.set(rest.subarray(at));
      joined.set(next.value, rest.length - at);
      rest = joined;
      at = 0;
    }
    return true;
  };
  try {
    for (let number = 0; ; number++) {
      if (!(await reach(HEAD_BYTES)))
        throw new Unusable(number === 0 && rest.length === 0 ? 'there is none' : 'it is cut off');
      const view = new DataView(rest.buffer, rest.byteOffset + at, HEAD_BYTES);
      const sum = crc32c(rest.subarray(at, at + 12), (seed ^ number) >>> 0);
      const letters = byteKeyOf(rest, at, at + 4);
      const kind = kinds.find((name) => name === letters);
      if (sum !== view.getUint32(12, true) || kind === undefined) throw new Unusable(`block ${number} is damaged`);
      if (number === 0) seed = sum;
      const [length, bodySum] = [view.getUint32(4, true), view.getUint32(8, true)];
      if (!(await reach(HEAD_BYTES + length))) throw new Unusable('it is cut off');
      const body = rest.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
      if (crc32c(body) !== bodySum) throw new Unusable(`block ${number} is damaged`);
      at += HEAD_BYTES + length;
      if (kind === 'LAST' && (await reach(1))) throw new Unusable('it goes on behind its end');
      yield { kind, body };
      if (kind === 'LAST') return;
    }
  } finally {
    await source.return?.(undefined);
  }
}
