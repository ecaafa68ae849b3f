/**
 * A codec as the rest of this package uses it: its failures have codes, and it never touches the store's bytes.
 *
 * CO1  What `encode` gives may still be the caller's or the codec's, and be written to by the next code of theirs. So it is
 *      used up before any of that runs, or it comes from `encodeOwn` (KK4).
 * CO2  Messages name the key and never quote a value: what a codec throws is the `cause`, its words may be the value (R3).
 * CO3  What `lend` gives is used up before anything else is encoded for the same purpose, by whichever coder: texts of one purpose share
 *      memory.
 */
import { keyName } from './byte-key.ts';
import { encodesAlone, encodesAnew, isInOwnWords, isOwnCodec, issuesOf, LentUtf8, utf8, type Codec } from './codec.ts';
import { invalidType, KvError, type KvErrorFacts } from './errors.ts';
import { isUint8Array } from './kind.ts';

// By purpose (CO3).
const texts = { key: new LentUtf8(), value: new LentUtf8() } as const;

export class Coder<T> {
  readonly codec: Codec<T>;
  /** Encoding runs no code but ours. */
  readonly alone: boolean;
  readonly #trusted: boolean;
  readonly #anew: boolean;
  readonly #lender: Pick<Codec<T>, 'encode'>;
  readonly #outside: number;

  /** @param outside so many first bytes of a stored key are none of its name space's business */
  constructor(codec: Codec<T>, purpose: 'key' | 'value', outside: number = 0) {
    if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
      throw invalidType(`${purpose} must be a codec: an object with encode and decode`);
    }
    this.codec = codec;
    this.#outside = outside;
    this.alone = encodesAlone(codec);
    this.#trusted = isOwnCodec(codec);
    this.#anew = encodesAnew(codec);
    this.#lender = (codec as unknown) === utf8 ? (texts[purpose] as unknown as Codec<T>) : codec;
  }

  /**
   * @param name what it is, for messages
   * @param key the stored key that a value goes with
   * @throws KvError `KV_ENCODE`, with what the codec threw as cause; TypeError `KV_INVALID` for a wrong type
   */
  encode(value: T, name: string, key?: Uint8Array): Uint8Array {
    return this.#encode(this.codec, value, name, key);
  }

  /** As `encode`, in bytes that may be good for a moment only. */
  lend(value: T, name: string, key?: Uint8Array): Uint8Array {
    return this.#encode(this.#lender, value, name, key);
  }

  #encode(codec: Pick<Codec<T>, 'encode'>, value: T, name: string, key: Uint8Array | undefined): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = codec.encode(value);
    } catch (cause) {
      throw refusal(cause, name, this.#relative(key));
    }
    if (bytes instanceof Uint8Array) return bytes;
    // Another realm's: the layers below know only ours.
    if (isUint8Array(bytes)) return ownBytes(bytes);
    const relative = this.#relative(key);
    const message = `${titled(name, relative)} cannot be encoded: the codec must give a Uint8Array`;
    throw new KvError('KV_ENCODE', message, { key: relative });
  }

  /** As `encode`, in bytes that nobody else has. */
  encodeOwn(value: T, name: string, key?: Uint8Array): Uint8Array {
    const bytes = this.encode(value, name, key);
    return this.#anew ? bytes : ownBytes(bytes);
  }

  /**
   * @param stored lent, not given: copied for codecs that are not ours
   * @param key the stored key, for the error, and its revision
   * @throws KvError `KV_DECODE`, with what the codec threw as cause
   */
  decode(stored: Uint8Array, name: string, key: Uint8Array, revision: number): T {
    try {
      return this.codec.decode(this.#trusted ? stored : new Uint8Array(stored));
    } catch (cause) {
      const relative = this.#relative(key);
      const reason = isInOwnWords(cause) ? `: ${cause.message}` : '; the cause of this error is what the codec threw';
      const message = `${titled(name, relative)}, revision ${revision}, cannot be decoded${reason}`;
      throw new KvError('KV_DECODE', message, { cause, key: relative, revision, issues: saidOf(cause) });
    }
  }

  /** A key as its name space knows it, in bytes of its own. */
  #relative(key: Uint8Array): Uint8Array;
  #relative(key: Uint8Array | undefined): Uint8Array | undefined;
  #relative(key: Uint8Array | undefined): Uint8Array | undefined {
    return key && ownBytes(key.subarray(this.#outside));
  }
}

/** A copy that nobody else has: for bytes that are kept while other code runs. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function refusal(cause: unknown, name: string, key: Uint8Array | undefined): Error {
  if (!isInOwnWords(cause)) {
    const message = `${titled(name, key)} cannot be encoded; the cause of this error is what the codec threw`;
    return new KvError('KV_ENCODE', message, { cause, key, issues: saidOf(cause) });
  }
  if ('code' in cause && cause.code === 'KV_INVALID') return invalidType(`${name} ${cause.message}`);
  return new KvError('KV_ENCODE', `${titled(name, key)} cannot be encoded: ${cause.message}`, { cause, key });
}

function saidOf(cause: unknown): KvErrorFacts['issues'] {
  return typeof cause === 'object' && cause !== null ? issuesOf.get(cause) : undefined;
}

function titled(name: string, key: Uint8Array | undefined): string {
  return key === undefined ? name : `${name} of ${keyName(key)}`;
}
