/**
 * Between the typed world of a `Kv` and the records of the store: one key space, one value codec, both directions.
 *
 * RCR1  Everything that comes out is a new object with bytes of its own (KK4).
 * RCR2  Limits bind what is written. What is stored already can be read and deleted whatever they are.
 * RCR3  What comes out survives `JSON.stringify` where its key and value do: a lease is text, and absent where there is none.
 */
import { bytes, utf8, type Codec, type KeyCodec } from './codec.ts';
import { Coder } from './coder.ts';
import { KvError } from './errors.ts';
import type { DeleteEvent, Entry, KvEvent, PutEvent } from './kv.ts';
import { KeySpace } from './key-space.ts';
import { leaseText } from './lease-text.ts';
import type { ActiveLimits } from './limits.ts';

/** A record as a store holds it and a cluster sends it; bytes are lent. */
export interface StoredRecord {
  readonly key: Uint8Array;
  /** Empty in a deletion. */
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** The lease it is attached to, signed; 0n for none. */
  readonly lease: bigint;
}

/** One change of a key, with the record before it where that was asked for. */
export interface StoredChange {
  readonly type: 'put' | 'delete';
  /** A deletion has `key` and `modRevision`. */
  readonly kv: StoredRecord;
  readonly previous?: StoredRecord | undefined;
}

export class Records<K, V> {
  readonly keys: KeySpace<K>;
  readonly limits: ActiveLimits;
  readonly #keyCodec: KeyCodec<K>;
  readonly #values: Coder<V>;
  /** Decoding gives back the very key that was encoded, so a caller who named it gets it without. */
  readonly #sameKey: boolean;

  constructor(
    keyCodec: KeyCodec<K>,
    valueCodec: Codec<V>,
    limits: ActiveLimits,
    keys: KeySpace<K> = new KeySpace(keyCodec),
  ) {
    this.keys = keys;
    this.limits = limits;
    this.#keyCodec = keyCodec;
    this.#values = new Coder(valueCodec, 'value', keys.prefix.length);
    this.#sameKey = (keyCodec as unknown) === utf8;
  }

  /** The records of the whole store as bytes, whatever they are here; what is stored already is never too large for them. */
  plain(): Records<Uint8Array, Uint8Array> {
    const limits = { ...this.limits, maxKeyBytes: Number.MAX_SAFE_INTEGER, maxValueBytes: Number.MAX_SAFE_INTEGER };
    return new Records(bytes, bytes, limits);
  }

  /** The records of a name space inside this one, with the value codec given or this one's. */
  inside<W>(prefix: K, codec: Codec<W> | undefined): Records<K, W> {
    // Without a codec W is V: `namespace` says so in its type.
    const values = codec ?? (this.#values.codec as unknown as Codec<W>);
    return new Records(this.#keyCodec, values, this.limits, this.keys.inside(prefix));
  }

  /** The same records through other codecs. */
  recoded<L, X>(key: KeyCodec<L>, value: Codec<X>): Records<L, X> {
    return new Records(key, value, this.limits, new KeySpace(key, this.keys.prefix));
  }

  /**
   * The bytes of a key that is to be written, good until another key is encoded here or in another store, or the caller's code runs
   * again other than by encoding its value.
   * @throws KvError `KV_TOO_LARGE`
   */
  newKey(key: K): Uint8Array {
    return this.#keyWithin(this.#values.alone ? this.keys.lend(key) : this.keys.encodeOwn(key));
  }

  /** The bytes of a value that is to be written under `key`, good for as long as those of a key. @throws as `newKey` */
  newValue(value: V, key: Uint8Array): Uint8Array {
    return this.#valueWithin(this.#values.lend(value, 'the value', key));
  }

  /** As `newKey`, in bytes that nobody else has. */
  newOwnKey(key: K): Uint8Array {
    return this.#keyWithin(this.keys.encodeOwn(key));
  }

  /** As `newValue`, in bytes that nobody else has. */
  newOwnValue(value: V, key: Uint8Array): Uint8Array {
    return this.#valueWithin(this.#values.encodeOwn(value, 'the value', key));
  }

  /** The bytes of a value to compare with, which nobody else has. */
  comparedValue(value: V): Uint8Array {
    return this.#values.encodeOwn(value, 'the value to compare with');
  }

  /** An entry. @param asked the key as the caller gave it, where there was one */
  entry(kv: StoredRecord, asked?: K): Entry<K, V> {
    const entry = {
      key: asked !== undefined && this.#sameKey ? asked : this.keys.decode(kv.key, kv.modRevision),
      value: this.value(kv.value, kv.key, kv.modRevision),
      version: kv.version,
      createRevision: kv.createRevision,
      modRevision: kv.modRevision,
    };
    return kv.lease === 0n ? entry : { ...entry, lease: leaseText(kv.lease) };
  }

  /** An entry that is not written yet: own writes of a `transaction`. */
  draft(key: Uint8Array, value: Uint8Array, lease: bigint = 0n): Entry<K, V> {
    const entry = {
      key: this.keys.decode(key, 0),
      value: this.value(value, key, 0),
      version: 0,
      createRevision: 0,
      modRevision: 0,
    };
    return lease === 0n ? entry : { ...entry, lease: leaseText(lease) };
  }

  value(stored: Uint8Array, key: Uint8Array, revision: number): V {
    return this.#values.decode(stored, 'the value', key, revision);
  }

  event(event: StoredChange): KvEvent<K, V> {
    const previous = event.previous !== undefined ? this.entry(event.previous) : undefined;
    if (event.type === 'put') return this.putEvent(event.kv, previous);
    const { key, modRevision } = event.kv;
    const gone: DeleteEvent<K, V> = { type: 'delete', key: this.keys.decode(key, modRevision), revision: modRevision };
    return previous === undefined ? gone : { ...gone, previous };
  }

  putEvent(kv: StoredRecord, previous?: Entry<K, V>): PutEvent<K, V> {
    const plain: PutEvent<K, V> = {
      type: 'put',
      key: this.keys.decode(kv.key, kv.modRevision),
      value: this.value(kv.value, kv.key, kv.modRevision),
      revision: kv.modRevision,
      version: kv.version,
      createRevision: kv.createRevision,
      modRevision: kv.modRevision,
    };
    const event = kv.lease === 0n ? plain : { ...plain, lease: leaseText(kv.lease) };
    return previous === undefined ? event : { ...event, previous };
  }

  #keyWithin(bytes: Uint8Array): Uint8Array {
    if (bytes.length > this.limits.maxKeyBytes) throw tooLarge('the key', bytes.length, this.limits.maxKeyBytes);
    return bytes;
  }

  #valueWithin(bytes: Uint8Array): Uint8Array {
    if (bytes.length > this.limits.maxValueBytes) throw tooLarge('the value', bytes.length, this.limits.maxValueBytes);
    return bytes;
  }
}

function tooLarge(what: string, bytes: number, limit: number): KvError {
  const message = `${what} has ${bytes} bytes, the limit is ${limit}; raise it with the option limits, or store less`;
  return new KvError('KV_TOO_LARGE', message, { limit });
}
