/**
 * Keys and values as bytes, and back.
 *
 * C1  Text and bytes are read back equal or refused, never replaced (a lone surrogate). JSON is what `JSON.stringify`
 *     makes of a value: what has no JSON form is refused, the rest may come back changed (NaN, a Map, a Date).
 * C2  A codec never sees the store's own bytes: it decodes a copy. The three here are trusted with the originals and
 *     copy only where bytes go out.
 * C3  Key codecs keep order: encoded keys compare like the keys, and a prefix encodes to a prefix. One that does not
 *     says `ordered: false` and gets no ranges.
 *
 * etcd: none; its keys and values are bytes.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { invalidType } from './errors.ts';

/** A way to store values of one type. Both directions are synchronous and must agree. */
export interface Codec<T> {
  /** May throw: the write is refused with `KV_ENCODE`. The result is copied before the call that asked for it returns. */
  encode(value: T): Uint8Array;
  /** May throw: the read ends with `KV_DECODE`. The bytes are the codec's own. */
  decode(bytes: Uint8Array): T;
}

/** A codec of keys. Keys are anything but plain objects, which are taken for ranges. */
export interface KeyCodec<K> extends Codec<K> {
  /** False where the bytes do not sort as the keys do; ranges other than `{}` are then refused. @default true */
  readonly ordered?: boolean | undefined;
}

// Also the fastest way: half the time of a view for `Buffer.toString`, which would not notice broken text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Strings as UTF-8. Keys sort by their bytes, which is the order of code points. */
export const utf8: KeyCodec<string> = Object.freeze({
  encode(text: string): Uint8Array {
    if (typeof text !== 'string')
      throw invalidType('must be a string; open the store with another codec for anything else');
    if (!(text as unknown as WellFormed).isWellFormed()) {
      throw new TypeError('the string has a surrogate without its partner, which UTF-8 cannot hold');
    }
    return Buffer.from(text, 'utf8');
  },
  decode(bytes: Uint8Array): string {
    return decoder.decode(bytes);
  },
});

/** Bytes as they are. */
export const bytes: KeyCodec<Uint8Array> = Object.freeze({
  encode(value: Uint8Array): Uint8Array {
    if (!(value instanceof Uint8Array))
      throw invalidType('must be a Uint8Array; open the store with another codec for anything else');
    return value;
  },
  decode(stored: Uint8Array): Uint8Array {
    return new Uint8Array(stored);
  },
});

/**
 * Values as JSON text, without what `JSON.stringify` cannot say: NaN is read back as null, a Date as text, a Map as `{}`.
 * Says nothing about their shape; the caller's `T` is believed.
 */
export function json<T = unknown>(): Codec<T>;
/**
 * Values as JSON text that a schema (zod, valibot, arktype: anything that speaks Standard Schema) accepts.
 * The schema checks what will be read back: at a put, so that nothing is stored that could not be read, and at each read.
 * It must be synchronous.
 */
export function json<S extends StandardSchemaV1>(schema: S): Codec<StandardSchemaV1.InferOutput<S>>;
export function json(schema?: StandardSchemaV1): Codec<unknown> {
  const check = schema === undefined ? identity : checker(schema);
  const codec: Codec<unknown> = {
    encode(value) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError('the value has no JSON form');
      if (schema !== undefined) check(JSON.parse(text));
      return Buffer.from(text, 'utf8');
    },
    decode(stored) {
      return check(JSON.parse(utf8.decode(stored)));
    },
  };
  own.add(codec);
  return Object.freeze(codec);
}

/** True for codecs of this file, which may be lent the store's own bytes (C2). */
export function isOwnCodec(codec: object): boolean {
  return own.has(codec);
}

/** True for codecs of this file whose encoded bytes nobody else has: all but `bytes`, which gives back what it got. */
export function encodesAnew(codec: object): boolean {
  return codec !== bytes && own.has(codec);
}

const own = new WeakSet<object>([utf8, bytes]);

/** `String.prototype.isWellFormed`: in every Node we support, not yet in the library of our language level. */
interface WellFormed {
  isWellFormed(): boolean;
}

function identity(value: unknown): unknown {
  return value;
}

function checker(schema: StandardSchemaV1): (value: unknown) => unknown {
  return (value) => {
    const result = schema['~standard'].validate(value);
    if (result instanceof Promise) {
      // Nobody will look at the promise; what it rejects with is not the caller's news.
      result.catch(() => undefined);
      throw new TypeError('the schema is asynchronous; a codec needs a synchronous one');
    }
    if (result.issues !== undefined) throw new TypeError(result.issues.map(describe).join('; '));
    return result.value;
  };
}

function describe(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
