/**
 * Keys and ranges of one name space, as the bytes that the store compares.
 *
 * RA1  A key space is a prefix and a codec: every key that goes down gets the prefix, every key that comes up loses it.
 *     No range reaches out of it.
 * RA2  The empty key is no key: it cannot be written, and no range contains it. So the first key of a space is its
 *     prefix and a zero byte.
 * RA3  Nothing that goes out of a name space tells the prefix it lies under: keys of errors and cursors are relative to it.
 * RA4  The end of a prefix is the next byte string that does not begin with it; of a prefix of nothing but 0xff, the end
 *     of all keys.
 *
 * etcd: clientv3/op.go (GetPrefixRangeEnd, FromKey), namespace/util.go. Departs: the end of all keys is the store's empty
 * end, not a single zero byte.
 */
import type { RangeEnd } from '@varve/watch';
import { checkNames } from './checks.ts';
import type { KeyCodec } from './codec.ts';
import { Coder, ownBytes } from './coder.ts';
import { invalidType, outOfRange, type InvalidArgument } from './errors.ts';
import { isPlainObject } from './kind.ts';
import type { Range, Selector } from './kv.ts';

/** A range as the store takes it: no `end` means the single key, an empty one every key from `key` on. */
export interface Bounds {
  readonly key: Uint8Array;
  readonly end: RangeEnd;
}

const firstKey = Uint8Array.of(0);
const noEnd = new Uint8Array(0);
const rangeNames = ['prefix', 'start', 'end'];

export class KeySpace<K> {
  readonly #coder: Coder<K>;
  readonly #ordered: boolean;
  readonly #prefix: Uint8Array;

  constructor(codec: KeyCodec<K>, prefix: Uint8Array = noEnd) {
    this.#coder = new Coder(codec, 'key', prefix.length);
    if (codec.valuesOnly !== undefined) {
      throw invalidType('key: json() keeps no order, so it is for values only; use utf8, bytes or tuple() for keys');
    }
    this.#ordered = codec.ordered !== false;
    this.#prefix = prefix;
  }

  /** The space of the keys that begin with `prefix`, inside this one. */
  inside(prefix: K): KeySpace<K> {
    if (isRange<K>(prefix) || prefix === undefined) {
      throw invalidType('the prefix of a name space must be a key, as in namespace(prefix)');
    }
    return new KeySpace(this.#coder.codec, ownBytes(this.#under(prefix, 'the prefix')));
  }

  /** The bytes of one key; possibly the caller's own. @throws TypeError for the empty key or a range; as `Coder.encode` */
  encode(key: K): Uint8Array {
    const bytes = typeof key === 'string' ? this.#coder.encode(key, 'the key') : this.#encodeOne(key);
    if (bytes.length === 0) throw emptyKey();
    return this.#prefix.length === 0 ? bytes : join(this.#prefix, bytes);
  }

  /** As `encode`, in bytes that nobody else has. */
  encodeOwn(key: K): Uint8Array {
    if (this.#prefix.length > 0) return this.encode(key);
    // The coder knows whether it is a copy already.
    const bytes = typeof key === 'string' ? this.#coder.encodeOwn(key, 'the key') : this.#encodeOne(key, true);
    if (bytes.length === 0) throw emptyKey();
    return bytes;
  }

  /** The key of the bytes that are stored. @throws KvError `KV_DECODE` */
  decode(stored: Uint8Array, revision: number): K {
    return this.#coder.decode(this.relative(stored), 'the key', stored, revision);
  }

  /** Stored bytes of a key, as this space knows them (RA3); the same bytes, lent. */
  relative(stored: Uint8Array): Uint8Array {
    return this.#prefix.length === 0 ? stored : stored.subarray(this.#prefix.length);
  }

  /** The stored bytes of a key that `relative` gave. */
  absolute(relative: Uint8Array): Uint8Array {
    return join(this.#prefix, relative);
  }

  /** What tells this space from others; not for the outside (RA3). */
  get prefix(): Uint8Array {
    return this.#prefix;
  }

  /** The bytes of a key or a range, which nobody else has. */
  select(selector: Selector<K>): Bounds {
    if (isRange(selector)) return this.bounds(selector);
    return { key: this.encodeOwn(selector), end: undefined };
  }

  /** As `select`, for a deletion: a bound that is undefined by accident must not become "everything". */
  selectDoomed(selector: Selector<K>): Bounds {
    if (isRange(selector) && selector.start === undefined && selector.end === undefined) {
      if ('start' in selector || 'end' in selector) {
        throw invalidType('both bounds are undefined; {} deletes all keys');
      }
    }
    return this.select(selector);
  }

  /** The bytes of a range, which nobody else has. */
  bounds(range: Range<K>): Bounds {
    if (!isRange(range)) {
      throw invalidType(
        'the range must be a plain object: {} for all keys, { prefix } or { start, end }; for one key use get',
      );
    }
    checkNames(range, 'the range', rangeNames);
    const { prefix, start, end } = range;
    if ('prefix' in range) {
      if (prefix === undefined) throw invalidType('the prefix is undefined; leave it out to mean all keys');
      if (start !== undefined || end !== undefined) throw invalidType('a range has a prefix, or a start and an end');
      this.#needOrder();
      return this.#prefixed(this.#under(prefix, 'the prefix'));
    }
    const all = this.#prefixed(this.#prefix);
    if (start === undefined && end === undefined) return all;
    this.#needOrder();
    return {
      key: start === undefined ? all.key : this.#start(start),
      end: end === undefined ? all.end : this.#end(end),
    };
  }

  /** A key of any type but the commonest. What is no key in any codec, or was meant for several, is told where it belongs. */
  #encodeOne(key: K, own = false): Uint8Array {
    if (isPlainObject(key)) {
      throw invalidType(
        'the key must be one key, not a range: use list, page or count to read a range, and watch, delete or txn, which take one',
      );
    }
    try {
      return own ? this.#coder.encodeOwn(key, 'the key') : this.#coder.encode(key, 'the key');
    } catch (error) {
      const forSeveral = key === undefined || Array.isArray(key);
      if (!forSeveral || !(error instanceof TypeError)) throw error;
      throw invalidType(
        `${error.message}; give one key, or one range such as { prefix } to list, watch and others that take one`,
      );
    }
  }

  #prefixed(prefix: Uint8Array): Bounds {
    const whole = prefix.length === this.#prefix.length;
    return { key: whole ? join(prefix, firstKey) : ownBytes(prefix), end: prefixEnd(prefix) };
  }

  #start(start: K): Uint8Array {
    const bytes = this.#under(start, 'the start');
    return bytes.length === this.#prefix.length ? join(bytes, firstKey) : ownBytes(bytes);
  }

  #end(end: K): Uint8Array {
    const bytes = this.#under(end, 'the end');
    if (bytes.length === this.#prefix.length)
      throw outOfRange('the end must not be empty; leave it out to mean the last key');
    return ownBytes(bytes);
  }

  #under(key: K, name: string): Uint8Array {
    const bytes = this.#coder.encode(key, name);
    return this.#prefix.length === 0 ? bytes : join(this.#prefix, bytes);
  }

  #needOrder(): void {
    if (!this.#ordered) throw invalidType('the key codec does not keep order, so {} is the only range there is');
  }
}

/** True for plain objects: what stands for a range and not for a key. */
function isRange<K>(selector: Selector<K>): selector is Range<K> {
  return isPlainObject(selector);
}

/** The first byte string after all that begin with `prefix`; empty where there is none (RA4). */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return noEnd;
  // A copy by construction: `slice` of a Buffer would share its bytes.
  const end = new Uint8Array(prefix.subarray(0, length));
  end[length - 1] = (prefix[length - 1] ?? 0) + 1;
  return end;
}

/** The first key after `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return join(key, firstKey);
}

/** True when the key lies in the bounds. */
export function contains(bounds: Bounds, key: Uint8Array): boolean {
  const order = Buffer.compare(key, bounds.key);
  if (bounds.end === undefined) return order === 0;
  return order >= 0 && (bounds.end.length === 0 || Buffer.compare(key, bounds.end) < 0);
}

function emptyKey(): InvalidArgument {
  return outOfRange('the key must not be empty');
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
