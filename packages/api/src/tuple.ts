/**
 * Tuples as keys: arrays of strings, numbers, bigints, booleans, bytes and tuples, whose bytes sort as they do.
 *
 *   tuple   = element*
 *   element = tag body, and no element's bytes begin with another's
 *
 * TP1 Bytes compare as tuples do: element by element, and where one tuple ends it comes before all that go on. So the
 *     bytes of a tuple are the prefix of exactly the tuples that begin with it, and `{ prefix: ['a'] }` means those.
 * TP2 Elements of different types sort by type: tuples, booleans, numbers, bigints, strings, bytes. Inside a type:
 *     false before true; numbers by value, from -Infinity to Infinity, -0 being a key of its own right before 0; bigints
 *     by value; strings by code point; bytes as bytes.
 * TP3 One tuple, one encoding: what `decode` accepts is what `encode` makes, byte for byte. NaN has no place in an order and
 *     is refused, and so is text that UTF-8 cannot hold.
 *
 * etcd: none; its keys are bytes.
 */
import { inOwnWords, ownCodec, utf8, type KeyCodec } from './codec.ts';
import { invalidType, type InvalidArgument } from './errors.ts';
import { isUint8Array, kindOf } from './kind.ts';
import { TupleReader, TupleWriter } from './tuple-bytes.ts';

/** What a tuple may hold. */
export type TupleElement = string | number | bigint | boolean | Uint8Array | Tuple;

/** A key of several parts. */
export type Tuple = readonly TupleElement[];

/** First byte of each element; their order is that of the types (TP2). Zero ends a tuple inside a tuple. */
const tags = {
  end: 0x00,
  tuple: 0x10,
  false: 0x20,
  true: 0x21,
  number: 0x30,
  negative: 0x40,
  positive: 0x41,
  string: 0x50,
  bytes: 0x60,
} as const;

/** Tuples inside tuples; what refers to itself ends here, too. */
const mostDepth = 64;

/**
 * Keys of several parts: `open(path, { key: tuple() })`, then `kv.put(['user', 7, 'name'], ...)`. They sort part by part,
 * numbers as numbers: 9 before 10. Ranges and name spaces take the first parts: `{ prefix: ['user', 7] }`.
 * Name the types of the parts to have them checked: `tuple<string | number>()`.
 */
export function tuple<Element extends TupleElement = TupleElement>(): KeyCodec<readonly Element[]> {
  // What was stored is believed to be of the caller's elements, as `json<T>()` believes it.
  return codec as unknown as KeyCodec<readonly Element[]>;
}

const codec: KeyCodec<Tuple> = ownCodec({
  encode(key: Tuple): Uint8Array {
    if (!Array.isArray(key)) throw refused(`must be a tuple, an array such as ['user', 7], not ${kindOf(key)}`);
    const writer = new TupleWriter();
    writeElements(writer, key, 0);
    return writer.finish();
  },
  decode(bytes: Uint8Array): Tuple {
    const reader = new TupleReader(bytes);
    const elements: TupleElement[] = [];
    while (!reader.done) elements.push(readElement(reader, reader.byte(), 0));
    return elements;
  },
});

function writeElements(writer: TupleWriter, elements: Tuple, depth: number): void {
  if (depth > mostDepth) throw refused(`must not have tuples nested deeper than ${mostDepth}`);
  for (const element of elements) writeElement(writer, element, depth);
}

function writeElement(writer: TupleWriter, element: TupleElement, depth: number): void {
  if (typeof element === 'string') {
    writer.byte(tags.string);
    writer.text(utf8.encode(element));
  } else if (typeof element === 'number') {
    if (Number.isNaN(element)) throw refused('must not hold NaN, which has no place in an order');
    writer.byte(tags.number);
    writer.number(element);
  } else if (typeof element === 'boolean') {
    writer.byte(element ? tags.true : tags.false);
  } else if (typeof element === 'bigint') {
    writer.byte(element < 0n ? tags.negative : tags.positive);
    writer.magnitude(element);
  } else if (isUint8Array(element)) {
    writer.byte(tags.bytes);
    writer.text(element);
  } else if (Array.isArray(element)) {
    writer.byte(tags.tuple);
    writeElements(writer, element, depth + 1);
    writer.byte(tags.end);
  } else {
    throw refused(`must hold strings, numbers, bigints, booleans, Uint8Arrays or tuples, not ${kindOf(element)}`);
  }
}

function readElement(reader: TupleReader, tag: number, depth: number): TupleElement {
  switch (tag) {
    case tags.string:
      return utf8.decode(reader.text());
    case tags.bytes:
      return reader.text();
    case tags.number:
      return reader.number();
    case tags.false:
      return false;
    case tags.true:
      return true;
    case tags.negative:
    case tags.positive:
      return reader.magnitude(tag === tags.negative);
    case tags.tuple: {
      if (depth === mostDepth) throw new TypeError('tuples are nested too deep');
      const elements: TupleElement[] = [];
      for (let next = reader.byte(); next !== tags.end; next = reader.byte()) {
        elements.push(readElement(reader, next, depth + 1));
      }
      return elements;
    }
    default:
      throw new TypeError('no element of a tuple begins with this byte');
  }
}

function refused(message: string): InvalidArgument {
  return inOwnWords(invalidType(message));
}
