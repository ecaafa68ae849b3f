/**
 * Messages as etcd's gateway prints them, straight from their encoding: no message is made on the way.
 *
 * SVGT1  What is zero is left out, 64-bit numbers are text, bytes are base64, enums are names where they have one (C5).
 * SVGT2  Fields come in the order of their numbers, lists in one piece: so this server and protobuf-es encode them.
 *
 * It says what protobuf-es's JSON says under the names of the definitions, which a test holds, and etcd's escapes; protobuf-es makes base64
 * a character at a time, and a megabyte took a tenth of a second (decisions/0040).
 */
import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** JSON of an encoded message. */
export function writeMessage(desc: DescMessage, bytes: Uint8Array): string {
  return printed(desc, new BinaryReader(bytes), bytes.length);
}

/** JSON of plain values. */
export function writePlain(value: Readonly<Record<string, unknown>>): string {
  return escaped(JSON.stringify(value));
}

function printed(desc: DescMessage, reader: BinaryReader, end: number): string {
  let text = '{';
  /** The number of the list that is open. */
  let list = 0;
  const shape = shapeOf(desc);
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    if (list !== 0 && list !== number) {
      text += ']';
      list = 0;
    }
    const known = shape.get(number);
    if (known === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const { field, name } = known;
    if (field.fieldKind === 'list') {
      const values = listValues(field, reader, wireType);
      if (values === '') continue;
      text += list === number ? `,${values}` : `${text === '{' ? '' : ','}${name}[${values}`;
      list = number;
    } else {
      const value = printedValue(field, reader);
      if (field.oneof === undefined && isZero(value)) continue;
      text += `${text === '{' ? '' : ','}${name}${value}`;
    }
  }
  return `${text}${list === 0 ? '' : ']'}}`;
}

/** One element, or all of them where numbers are packed. */
function listValues(field: DescField, reader: BinaryReader, wireType: WireType): string {
  const isPacked = wireType === WireType.LengthDelimited && (field.enum !== undefined || isNumber(field.scalar));
  if (!isPacked) return printedValue(field, reader);
  const length = reader.uint32();
  const end = reader.pos + length;
  const values: string[] = [];
  while (reader.pos < end) values.push(printedValue(field, reader));
  return values.join(',');
}

function printedValue(field: DescField, reader: BinaryReader): string {
  if (field.message !== undefined) {
    const length = reader.uint32();
    return printed(field.message, reader, reader.pos + length);
  }
  if (field.enum !== undefined) {
    const number = reader.int32();
    const named =
      number === 0 && field.oneof === undefined && field.fieldKind !== 'list' ? undefined : field.enum.value[number];
    return named === undefined ? String(number) : `"${named.name}"`;
  }
  switch (field.scalar) {
    case ScalarType.BYTES: {
      const bytes = reader.bytes();
      return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"`;
    }
    case ScalarType.STRING:
      return escaped(JSON.stringify(reader.string()));
    case ScalarType.BOOL:
      return String(reader.bool());
    case ScalarType.INT64:
      return `"${reader.int64()}"`;
    case ScalarType.UINT64:
      return `"${reader.uint64()}"`;
    case ScalarType.UINT32:
      return String(reader.uint32());
    default:
      return String(reader.int32());
  }
}

function isZero(value: string): boolean {
  return value === '0' || value === '"0"' || value === '""' || value === 'false';
}

function isNumber(scalar: ScalarType | undefined): boolean {
  return scalar !== undefined && scalar !== ScalarType.STRING && scalar !== ScalarType.BYTES;
}

interface Known {
  readonly field: DescField;
  /** `"name":` */
  readonly name: string;
}

const shapes: WeakMap<DescMessage, ReadonlyMap<number, Known>> = new WeakMap();

function shapeOf(desc: DescMessage): ReadonlyMap<number, Known> {
  let shape = shapes.get(desc);
  if (shape === undefined) {
    shape = new Map(desc.fields.map((field) => [field.number, { field, name: `"${field.name}":` }]));
    shapes.set(desc, shape);
  }
  return shape;
}

/** So that it can stand in a page of HTML, or be JavaScript. */
function escaped(json: string): string {
  return /[<>&\u2028\u2029]|\\[bf]/.test(json) ? json.replace(/\\[bf]|\\.|[<>&\u2028\u2029]/g, escape) : json;
}

function escape(text: string): string {
  if (text === '\\b') return '\\u0008';
  if (text === '\\f') return '\\u000c';
  if (text.startsWith('\\')) return text;
  return `\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
