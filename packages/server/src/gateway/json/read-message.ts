/**
 * A message from JSON, as etcd's gateway reads it.
 *
 * SVGB1  Fields go by both their names; of two of one name the last counts, of both names the JSON one; unknown ones are passed
 *     over, whatever is in them.
 * SVGB2  64-bit numbers are read from their digits, quoted or not: none goes through a float (C4).
 * SVGB3  `null` is as if nothing were there. Messages go no deeper than those that come over gRPC.
 *
 * etcd: the JSON decoder for protobuf of its gateway (decisions/0040 has the table of what differs from protobuf-es's, and why
 * that is not called here). Departs: SVGB3's depth; `null` in a list of messages, for which etcd's request ends without an answer.
 */
import { create, ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { fromBase64 } from './base64.ts';
import type { JsonDocument } from './json-document.ts';
import { JsonError, shortened } from './json-error.ts';
import { Scanner } from './scanner.ts';

/** Two messages for each of the levels that transactions in transactions may have, and some room: as grpc-service.ts has it. */
const MOST_MESSAGES_DEEP = 300;

const OBJECT = 0x7b;
const LIST = 0x5b;
const STRING = 0x22;
const NULL = 0x6e;

type Message = Record<string, unknown>;

/** The message of the document's value. @throws JsonError */
export function readMessage(desc: DescMessage, document: JsonDocument): object {
  return readObject(desc, document, 0, 0) ?? create(desc);
}

/** @returns undefined for `null` */
function readObject(desc: DescMessage, document: JsonDocument, place: number, depth: number): object | undefined {
  const first = document.first(place);
  if (first === NULL) return undefined;
  if (first !== OBJECT) throw mismatch(document, place, 'map[string]json.RawMessage');
  if (depth >= MOST_MESSAGES_DEEP) throw new JsonError('too many messages in messages');
  const { fields, byName } = shapeOf(desc);
  const placeOf = new Map<string, number>();
  const end = document.after(place);
  for (let at = place + 1; at < end;) {
    const value = document.after(at);
    const name = document.string(at);
    if (byName.has(name)) placeOf.set(name, value);
    at = document.after(value);
  }
  const message = create(desc) as unknown as Message;
  if (placeOf.size === 0) return message;
  for (const field of fields) {
    const value = placeOf.get(field.jsonName) ?? placeOf.get(field.name);
    if (value !== undefined) setField(message, field, document, value, depth);
  }
  return message;
}

function setField(message: Message, field: DescField, document: JsonDocument, place: number, depth: number): void {
  const isNull = document.first(place) === NULL;
  if (field.oneof !== undefined) {
    const isUnset = isNull && (field.message !== undefined || field.scalar === ScalarType.BYTES);
    const value = isNull ? zeroOf(field) : readOne(field, document, place, depth);
    message[field.oneof.localName] = isUnset ? { case: undefined } : { case: field.localName, value };
  } else if (!isNull) {
    message[field.localName] =
      field.fieldKind === 'list' ? readList(field, document, place, depth) : readOne(field, document, place, depth);
  }
}

function readList(field: DescField, document: JsonDocument, place: number, depth: number): unknown[] {
  if (document.first(place) !== LIST) throw mismatch(document, place, '[]json.RawMessage');
  const list: unknown[] = [];
  const end = document.after(place);
  for (let at = place + 1; at < end; at = document.after(at)) {
    if (document.first(at) !== NULL) list.push(readOne(field, document, at, depth));
    else if (field.message === undefined) list.push(zeroOf(field));
    else throw new JsonError(`null in the list ${field.name}: leave it out`);
  }
  return list;
}

/** A value that is not `null`, of a field or of its list. */
function readOne(field: DescField, document: JsonDocument, place: number, depth: number): unknown {
  if (field.message !== undefined) return readObject(field.message, document, place, depth + 1);
  if (field.enum !== undefined) return readEnum(field.enum, document, place);
  switch (field.scalar) {
    case ScalarType.BYTES:
      return readBytes(document, place);
    case ScalarType.BOOL:
      return readBool(document, place);
    case ScalarType.STRING:
      if (document.first(place) !== STRING) throw mismatch(document, place, 'string');
      return document.string(place);
    case ScalarType.INT64:
      return readWhole(document, place, 'int64', MOST_INT64);
    case ScalarType.UINT64:
      return readWhole(document, place, 'uint64', MOST_UINT64);
    case ScalarType.UINT32:
      return Number(readWhole(document, place, 'uint32', MOST_UINT32));
    default:
      return Number(readWhole(document, place, 'int32', MOST_INT32));
  }
}

function zeroOf(field: DescField): unknown {
  if (field.message !== undefined) return undefined;
  switch (field.scalar) {
    case ScalarType.BYTES:
      return new Uint8Array(0);
    case ScalarType.BOOL:
      return false;
    case ScalarType.STRING:
      return '';
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return 0n;
    default:
      return 0;
  }
}

const MOST_INT32 = 2n ** 31n - 1n;
const MOST_UINT32 = 2n ** 32n - 1n;
const MOST_INT64 = 2n ** 63n - 1n;
const MOST_UINT64 = 2n ** 64n - 1n;
/** No number of 64 bits has more characters. */
const MOST_DIGITS = 20;

function readWhole(document: JsonDocument, place: number, type: string, most: bigint): bigint {
  if (document.first(place) === STRING) return readQuoted(document.quoted(place), type, most);
  if (!isNumber(document.first(place))) throw mismatch(document, place, type);
  return wholeOf(document.raw(place), type, most);
}

/** A number in quotes: what stands between them is JSON again. */
function readQuoted(text: Buffer, type: string, most: bigint): bigint {
  const digits = text.length <= MOST_DIGITS ? text.toString('latin1') : '';
  if (/^-?[0-9]+$/.test(digits) && !/^-?0[0-9]/.test(digits)) return wholeOf(digits, type, most);
  const inner = readAll(text);
  const first = inner.first(0);
  if (first === NULL) return 0n;
  if (!isNumber(first)) throw mismatch(inner, 0, type);
  return wholeOf(inner.raw(0), type, most);
}

function readAll(text: Buffer): JsonDocument {
  const scanner = new Scanner({ bytes: text.length, values: MOST_QUOTED_VALUES });
  const used = scanner.feed(text);
  if (used < 0) {
    let isThere = false;
    try {
      isThere = scanner.finish();
    } catch {
      // Said better below.
    }
    if (!isThere) throw new JsonError('unexpected end of JSON input');
  } else {
    const behind = text.subarray(used).toString('latin1').trimStart();
    if (behind !== '') throw afterTop(behind);
  }
  return scanner.document();
}

/** Whatever has more is no number. */
const MOST_QUOTED_VALUES = 1000;

function afterTop(behind: string): JsonError {
  return new JsonError(`invalid character '${behind[0]}' after top-level value`);
}

function wholeOf(digits: string, type: string, most: bigint): bigint {
  const fail = (): JsonError =>
    new JsonError(`json: cannot unmarshal number ${shortened(digits)} into Go value of type ${type}`);
  if (digits.length > MOST_DIGITS || !/^-?[0-9]+$/.test(digits)) throw fail();
  if (type.startsWith('u') && digits.startsWith('-')) throw fail();
  const value = BigInt(digits);
  if (value > most || (!type.startsWith('u') && value < -most - 1n)) throw fail();
  return value;
}

function readBool(document: JsonDocument, place: number): boolean {
  const raw = document.first(place);
  if (raw === 0x74) return true;
  if (raw === 0x66) return false;
  throw mismatch(document, place, 'bool');
}

/** By name, or by number, also of one that nobody knows. */
function readEnum(desc: DescEnum, document: JsonDocument, place: number): number {
  const type = goNameOf(desc);
  if (document.first(place) === STRING) {
    const name = document.quoted(place).toString('utf8');
    const known = desc.values.find((one) => one.name === name);
    if (known === undefined) throw new JsonError(`unknown value ${JSON.stringify(shortened(name))} for enum ${type}`);
    return known.number;
  }
  return Number(readWhole(document, place, type, MOST_INT32));
}

function readBytes(document: JsonDocument, place: number): Uint8Array {
  const first = document.first(place);
  if (first === LIST) return readByteList(document, place);
  if (first !== STRING) throw mismatch(document, place, '[]uint8');
  const quoted = document.quoted(place);
  return fromBase64(quoted.includes(0x5c) ? Buffer.from(document.string(place), 'utf8') : quoted);
}

/** Bytes may be a list of numbers, too. */
function readByteList(document: JsonDocument, place: number): Uint8Array {
  const bytes: number[] = [];
  const end = document.after(place);
  for (let at = place + 1; at < end; at = document.after(at)) {
    const first = document.first(at);
    if (first === NULL) bytes.push(0);
    else if (isNumber(first)) bytes.push(Number(wholeOf(document.raw(at), 'uint8', 255n)));
    else throw mismatch(document, at, 'uint8');
  }
  return Uint8Array.from(bytes);
}

function isNumber(first: number): boolean {
  return first === 0x2d || (first >= 0x30 && first <= 0x39);
}

const kinds: ReadonlyMap<number, string> = new Map([
  [OBJECT, 'object'],
  [LIST, 'array'],
  [STRING, 'string'],
  [0x74, 'bool'],
  [0x66, 'bool'],
]);

function mismatch(document: JsonDocument, place: number, type: string): JsonError {
  const kind = kinds.get(document.first(place)) ?? 'number';
  return new JsonError(`json: cannot unmarshal ${kind} into Go value of type ${type}`);
}

/** `etcdserverpb.RangeRequest_SortOrder` */
function goNameOf(desc: DescEnum): string {
  const { package: name } = desc.file.proto;
  return `${name}.${desc.typeName.slice(name.length + 1).replaceAll('.', '_')}`;
}

interface Shape {
  /** In the order in which they are read: members of a `oneof` last. */
  readonly fields: readonly DescField[];
  readonly byName: ReadonlySet<string>;
}

const shapes: WeakMap<DescMessage, Shape> = new WeakMap();

function shapeOf(desc: DescMessage): Shape {
  let shape = shapes.get(desc);
  if (shape === undefined) {
    const fields = desc.fields.toSorted((a, b) => Number(a.oneof !== undefined) - Number(b.oneof !== undefined));
    shape = { fields, byName: new Set(fields.flatMap((field) => [field.name, field.jsonName])) };
    shapes.set(desc, shape);
  }
  return shape;
}
