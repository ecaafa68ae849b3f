/**
 * Keys and ranges of one name space, as the bytes that the store compares.
 *
 * RA1  A key space is a prefix and a codec: every key that goes down gets the prefix, every key that comes up loses it.
 *     No range reaches out of it.
 * RA2  The empty key is no key: it cannot be written, and no range contains it. So the first key of a space is its
 *     prefix and a zero byte.
 * RA3  Nothing that goes out of a name space tells the prefix it lies under: keys of errors and cursors are relative to it.
 * RA4  A start or an end beside a prefix lies inside it: one that does not is a mistake, not an empty range.
 * RA5  What a deletion is given names the whole space in one way only, `{ all: true }`: a bound that is missing or empty by
 *     accident must not mean "everything".
 *
 * etcd: namespace/util.go of clientv3.
 */
import { beginsWith, compareBytes, firstKey, join, noEnd, prefixEnd, type Bounds } from './bounds.ts';
import { checkNames } from './checks.ts';
import type { KeyCodec } from './codec.ts';
import { Coder, ownBytes } from './coder.ts';
import { invalidType, outOfRange, type InvalidArgument } from './errors.ts';
import { isPlainObject } from './kind.ts';
import type { DeleteSelector, Range, Selector } from './kv.ts';

const rangeNames = ['prefix', 'start', 'end'];
const allNames = ['all'];

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

  /** As `encode`, in bytes that are good until the next key is lent: for a read in this tick. */
  lend(key: K): Uint8Array {
    if (typeof key !== 'string') return this.encode(key);
    const bytes = this.#coder.lend(key, 'the key');
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

  /** Stored bytes of a key, as this space knows them; the same bytes, lent. */
  relative(stored: Uint8Array): Uint8Array {
    return this.#prefix.length === 0 ? stored : stored.subarray(this.#prefix.length);
  }

  /** The stored bytes of a key that `relative` gave. */
  absolute(relative: Uint8Array): Uint8Array {
    return join(this.#prefix, relative);
  }

  /** What tells this space from others; not for the outside. */
  get prefix(): Uint8Array {
    return this.#prefix;
  }

  /** The bytes of a key or a range, which nobody else has. */
  select(selector: Selector<K>): Bounds {
    if (isRange(selector)) return this.bounds(selector);
    return { key: this.encodeOwn(selector), end: undefined };
  }

  /** As `select`, for a deletion. */
  selectDoomed(selector: DeleteSelector<K>): Bounds {
    if (isAll(selector)) {
      checkNames(selector, 'a deletion of all keys', allNames);
      if ((selector.all as unknown) !== true) throw invalidType('all must be true: { all: true } deletes all keys');
      return this.#prefixed(this.#prefix);
    }
    if (!isRange(selector)) return { key: this.encodeOwn(selector), end: undefined };
    const bounds = this.bounds(selector);
    const all = this.#prefixed(this.#prefix);
    if (selector.end === undefined && same(bounds.key, all.key) && same(bounds.end, all.end)) {
      throw invalidType('the range names no key in particular; to delete all keys say { all: true }');
    }
    return bounds;
  }

  /** The bytes of a range, which nobody else has. */
  bounds(range: Range<K>): Bounds {
    if (!isRange(range)) {
      throw invalidType(
        'the range must be a plain object: {} for all keys, { prefix }, { start, end } or all of them; for one key use get',
      );
    }
    checkNames(range, 'the range', rangeNames);
    const { prefix, start, end } = range;
    if ('prefix' in range && prefix === undefined)
      throw invalidType('the prefix is undefined; leave it out to mean all keys');
    if (prefix !== undefined || start !== undefined || end !== undefined) this.#needOrder();
    const under = prefix === undefined ? this.#prefix : ownBytes(this.#under(prefix, 'the prefix'));
    const whole = this.#prefixed(under);
    return {
      key: start === undefined ? whole.key : this.#start(start, under),
      end: end === undefined ? whole.end : this.#end(end, under),
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

  #start(start: K, prefix: Uint8Array): Uint8Array {
    const bytes = this.#under(start, 'the start');
    if (!beginsWith(bytes, prefix)) throw outside('start');
    return bytes.length === this.#prefix.length ? join(bytes, firstKey) : ownBytes(bytes);
  }

  #end(end: K, prefix: Uint8Array): Uint8Array {
    const bytes = this.#under(end, 'the end');
    if (bytes.length === this.#prefix.length)
      throw outOfRange('the end must not be empty; leave it out to mean the last key');
    if (!beginsWith(bytes, prefix)) throw outside('end');
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
function isRange<K>(selector: Selector<K> | DeleteSelector<K>): selector is Range<K> {
  return isPlainObject(selector);
}

/** True for what stands for all keys in a deletion. */
function isAll<K>(selector: DeleteSelector<K>): selector is { readonly all: true } {
  return isPlainObject(selector) && 'all' in selector;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && compareBytes(a, b) === 0;
}

function outside(name: string): InvalidArgument {
  return outOfRange(`the ${name} must begin with the prefix of the range; leave it out to mean that of the prefix`);
}

function emptyKey(): InvalidArgument {
  return outOfRange('the key must not be empty');
}
