/**
 * Keys and values as bytes, and back.
 *
 * CD1  Text and bytes are read back equal or refused, never replaced (a lone surrogate). JSON is what `JSON.stringify`
 *     makes of a value: what has no JSON form is refused, the rest may come back changed (NaN, a Map, a Date).
 * CD2  A codec never sees the store's own bytes: it decodes a copy. The three here are trusted with the originals and
 *     copy only where bytes go out.
 * CD3  Key codecs keep order: encoded keys compare like the keys, and a prefix encodes to a prefix. One that does not
 *     says `ordered: false` and gets no ranges. JSON text is no key at all: 10 sorts before 9, and no prefix fits.
 * CD4  What our own codecs say of a value they refuse never quotes it, so it may stand in a message (`ownWords`). The
 *     words of all others stay in `cause` (R3).
 *
 * etcd: none; its keys and values are bytes.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { invalidType, type InvalidArgument } from './errors.ts';
import { isThenable, isUint8Array, kindOf } from './kind.ts';
import { decodeText, encodeText, LentText } from './text.ts';

/**
 * A way to store values of one type. Both directions are synchronous and must agree. One that takes more than it gives, as a
 * schema with defaults does, says so with its second type.
 */
export interface Codec<T, In = T> {
  /**
   * May throw: the write is refused with `KV_ENCODE`. The result is copied before any other code of yours runs, so it may
   * be a buffer that the next call uses again.
   */
  encode(value: In): Uint8Array;
  /** May throw: the read ends with `KV_DECODE`. The bytes are the codec's own. */
  decode(bytes: Uint8Array): T;
}

/** A codec that must not be used for keys. */
export interface ValueCodec<V, In = V> extends Codec<V, In> {
  readonly valuesOnly: true;
}

/** A codec of keys. Keys are anything but plain objects, which are taken for ranges. */
export interface KeyCodec<K> extends Codec<K> {
  /** Never there: it marks codecs whose bytes sort as nothing in particular, `json` for one. */
  readonly valuesOnly?: undefined;
  /** False where the bytes do not sort as the keys do; ranges other than `{}` are then refused. @default true */
  readonly ordered?: boolean | undefined;
}

/** Strings as UTF-8. Keys sort by their bytes, which is the order of code points. */
export const utf8: KeyCodec<string> = Object.freeze({
  encode(text: string): Uint8Array {
    checkText(text);
    return encodeText(text);
  },
  decode(bytes: Uint8Array): string {
    return decodeText(bytes);
  },
});

/** Encodes as `utf8` does, into memory of its own: the bytes are good until it is asked again. */
export class LentUtf8 implements Pick<Codec<string>, 'encode'> {
  readonly #memory = new LentText();

  encode(text: string): Uint8Array {
    checkText(text);
    return this.#memory.encode(text);
  }
}

function checkText(text: string): void {
  if (typeof text !== 'string') throw wrongType('a string', text);
  if (!(text as unknown as WellFormed).isWellFormed()) {
    throw inOwnWords(new TypeError('it has a surrogate without its partner, which UTF-8 cannot hold'));
  }
}

/** Bytes as they are. */
export const bytes: KeyCodec<Uint8Array> = Object.freeze({
  encode(value: Uint8Array): Uint8Array {
    if (!isUint8Array(value)) throw wrongType('a Uint8Array', value);
    return value;
  },
  decode(stored: Uint8Array): Uint8Array {
    return new Uint8Array(stored);
  },
});

/**
 * Values as JSON text, without what `JSON.stringify` cannot say: NaN is read back as null, a Date as text, a Map as `{}`.
 * Without a schema it says nothing about their shape: the caller's `T` is believed.
 */
export function json<T = unknown>(): ValueCodec<T>;
/**
 * Values as JSON text that a schema (zod, valibot, arktype: anything that speaks Standard Schema) accepts.
 * Takes what the schema takes and gives what it gives. What is stored is the JSON text of what was put, as it was put: the
 * schema checks that text at the put, so that nothing is stored that could not be read, and its defaults, transforms and
 * coercions are made at each read. What it refuses is in `issues` of the error. It must be synchronous.
 * @throws TypeError `KV_INVALID` for anything that is not a Standard Schema
 */
export function json<S extends StandardSchemaV1>(
  schema: S,
): ValueCodec<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>;
export function json(schema?: StandardSchemaV1): ValueCodec<unknown> {
  const check = schema === undefined ? identity : checker(schema);
  const codec: ValueCodec<unknown> = {
    valuesOnly: true,
    encode(value) {
      const text = JSON.stringify(value);
      if (text === undefined) throw inOwnWords(new TypeError(`${kindOf(value)} has no JSON form`));
      if (schema !== undefined) check(JSON.parse(text));
      return encodeText(text);
    },
    decode(stored) {
      return check(JSON.parse(utf8.decode(stored)));
    },
  };
  return ownCodec(codec);
}

/** Marks a codec of this package. */
export function ownCodec<C extends object>(codec: C): C {
  own.add(codec);
  return Object.freeze(codec);
}

/** True for codecs of this package, which may be lent the store's own bytes. */
export function isOwnCodec(codec: object): boolean {
  return own.has(codec);
}

/** True for codecs of this package whose encoded bytes nobody else has: all but `bytes`, which gives back what it got. */
export function encodesAnew(codec: object): boolean {
  return codec !== bytes && own.has(codec);
}

/** True where encoding runs no code but ours: no `toJSON`, no schema, no getter. */
export function encodesAlone(codec: object): boolean {
  return codec === utf8 || codec === bytes;
}

/** Marks an error whose message quotes nothing. */
export function inOwnWords<E extends Error>(error: E): E {
  ownWords.add(error);
  return error;
}

/** True for errors whose message may be passed on. */
export function isInOwnWords(error: unknown): error is Error {
  return error instanceof Error && ownWords.has(error);
}

/** What the schema of `json` said of a value that it refused with this error. */
export const issuesOf: WeakMap<object, readonly StandardSchemaV1.Issue[]> = new WeakMap();

const own = new WeakSet<object>([utf8, bytes]);
const ownWords = new WeakSet<Error>();

function wrongType(wanted: string, got: unknown): InvalidArgument {
  const hint = got === undefined || got === null ? '' : `; ${otherCodecs}`;
  return inOwnWords(invalidType(`must be ${wanted}, not ${kindOf(got)}${hint}`));
}

const otherCodecs =
  'for other types open the store with another codec: bytes for Uint8Array and Buffer, tuple() for keys, json() for values';

/** `String.prototype.isWellFormed`: in every Node we support, not yet in the library of our language level. */
interface WellFormed {
  isWellFormed(): boolean;
}

function identity(value: unknown): unknown {
  return value;
}

function checker(schema: StandardSchemaV1): (value: unknown) => unknown {
  const standard: unknown = (schema as Partial<StandardSchemaV1> | null)?.['~standard'];
  if (typeof (standard as Partial<StandardSchemaV1.Props> | undefined)?.validate !== 'function') {
    throw invalidType(
      'json takes a schema that speaks Standard Schema (zod, valibot, arktype ...), or nothing; for a type alone write json<T>()',
    );
  }
  return (value) => {
    const result = schema['~standard'].validate(value);
    if (isThenable(result)) {
      // Nobody will look at the promise; what it rejects with is not the caller's news.
      result.then(undefined, () => undefined);
      throw inOwnWords(new TypeError('its schema is asynchronous, and a codec needs a synchronous one'));
    }
    if (result.issues !== undefined) {
      const refusal = new TypeError(result.issues.map(describe).join('; '));
      issuesOf.set(refusal, result.issues);
      throw refusal;
    }
    return result.value;
  };
}

function describe(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
