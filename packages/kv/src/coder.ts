/**
 * A codec as the rest of this package uses it: its failures have codes, and it never touches the store's bytes.
 *
 * What `encode` gives may still be the caller's: it is used before the call returns. What is kept longer comes from
 * `encodeOwn` (K4).
 */
import { encodesAnew, isOwnCodec, type Codec } from './codec.ts';
import { invalidType, KvError } from './errors.ts';

export class Coder<T> {
  readonly codec: Codec<T>;
  readonly #trusted: boolean;
  readonly #anew: boolean;

  constructor(codec: Codec<T>, name: string) {
    if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
      throw invalidType(`${name} must be a codec: an object with encode and decode`);
    }
    this.codec = codec;
    this.#trusted = isOwnCodec(codec);
    this.#anew = encodesAnew(codec);
  }

  /** @throws KvError `KV_ENCODE`, with what the codec threw as cause; TypeError `KV_INVALID` for a wrong type */
  encode(value: T, name: string): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = this.codec.encode(value);
    } catch (cause) {
      if (isInvalid(cause)) throw invalidType(`${name} ${cause.message}`);
      throw new KvError('KV_ENCODE', `${name} cannot be encoded: ${reason(cause)}`, { cause });
    }
    if (bytes instanceof Uint8Array) return bytes;
    throw new KvError('KV_ENCODE', `${name} cannot be encoded: the codec must give a Uint8Array`);
  }

  /** As `encode`, in bytes that nobody else has: to be kept across an await. */
  encodeOwn(value: T, name: string): Uint8Array {
    const bytes = this.encode(value, name);
    return this.#anew ? bytes : ownBytes(bytes);
  }

  /**
   * @param stored lent, not given: copied for codecs that are not ours
   * @param key the stored key and its revision, for the error (R13)
   * @throws KvError `KV_DECODE`, with what the codec threw as cause
   */
  decode(stored: Uint8Array, name: string, key: Uint8Array, revision: number): T {
    try {
      return this.codec.decode(this.#trusted ? stored : new Uint8Array(stored));
    } catch (cause) {
      const message = `${name} at revision ${revision} cannot be decoded: ${reason(cause)}`;
      throw new KvError('KV_DECODE', message, { cause, key: new Uint8Array(key), revision });
    }
  }
}

/** A copy that nobody else has: for bytes that are kept across an await. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function isInvalid(error: unknown): error is TypeError {
  return error instanceof TypeError && 'code' in error && error.code === 'KV_INVALID';
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'the codec threw';
}
