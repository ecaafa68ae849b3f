/**
 * How many fields a request has, counted before anything is made of them.
 *
 *     0a 00 0a 00 0a 00 …      two bytes on the wire, an object each in memory, and some microseconds; a million fit into one request
 *
 * SVRQ1  A request with more fields than any that etcd accepts is refused before it is read (law 10, R105). Those within fields count, and
 *     so do the bytes of a packed list, each of which may be an element.
 * SVRQ2  A field takes a byte at least, so a short request has few: it is not looked at.
 * SVRQ3  The bytes are walked as the reader walks them, which takes a field that it knows for what it knows, whatever the wire says; so
 *     nothing is read that was not counted. Where the reader would give up, so does this: it has words for that.
 *
 * Encoding: https://protobuf.dev/programming-guides/encoding. The reader: `fromBinary` of @bufbuild/protobuf.
 */
import { ScalarType, type DescField, type DescMessage, type DescService } from '@bufbuild/protobuf';
import * as api from '@varve/etcd-api';
import { failures } from '../status.ts';

/** Deeper than this no reader goes. */
const MOST_DEPTH = 300;
const [VARINT, FIXED64, DELIMITED, GROUP, GROUP_END, FIXED32] = [0, 1, 2, 3, 4, 5];

/** How the reader takes a field: by its schema, or as a wire type. */
interface Field {
  readonly type: number;
  /** Of a message. */
  readonly schema?: DescMessage | undefined;
  /** Whether it may come as a list in one. */
  readonly isList: boolean;
}

/** A check of the requests that a method gets. Nothing is checked where nobody knows what they are. @param path of the method */
export function fieldCheck(path: string, most: number): (bytes: Uint8Array) => void {
  const schema = requests.get(path);
  if (schema === undefined) return () => undefined;
  return (bytes) => {
    if (bytes.length > most && fieldsOf(bytes, schema, most) > most) throw failures.requestTooLarge();
  };
}

/** The number of fields; of those behind more than `most` nothing is known. */
export function fieldsOf(bytes: Uint8Array, schema: DescMessage, most: number): number {
  const around: { readonly fields: Fields; readonly end: number }[] = [];
  let fields = fieldsIn(schema);
  let end = bytes.length;
  let groups = 0;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      if (shift <= 28) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  };
  let count = 0;
  while (count <= most) {
    if (at >= end && groups === 0) {
      const outer = around.pop();
      if (outer === undefined) return count;
      ({ fields, end } = outer);
      continue;
    }
    if (at >= bytes.length) return count;
    const tag = varint();
    const wire = tag & 7;
    count++;
    const field = groups === 0 ? fields.get(tag >>> 3) : undefined;
    if (field?.schema !== undefined) {
      if (around.length >= MOST_DEPTH) return count;
      around.push({ fields, end });
      end = varint() + at;
      fields = fieldsIn(field.schema);
      continue;
    }
    const isPacked = field?.isList === true && field.type !== DELIMITED && wire === DELIMITED;
    const type = isPacked ? DELIMITED : (field?.type ?? wire);
    if (type === VARINT) varint();
    else if (type === FIXED64) at += 8;
    else if (type === FIXED32) at += 4;
    else if (type === GROUP) groups++;
    else if (type === GROUP_END && groups > 0) groups--;
    else if (type === DELIMITED) {
      const length = varint();
      at += length;
      if (isPacked) count += length;
    } else return count;
  }
  return count;
}

type Fields = ReadonlyMap<number, Field>;

const known: WeakMap<DescMessage, Fields> = new WeakMap();

function fieldsIn(schema: DescMessage): Fields {
  let fields = known.get(schema);
  if (fields === undefined) {
    fields = new Map(schema.fields.map((field) => [field.number, fieldOf(field)]));
    known.set(schema, fields);
  }
  return fields;
}

function fieldOf(field: DescField): Field {
  const isList = field.fieldKind === 'list';
  // A map is a list of pairs, and counts as a list of bytes, each of which may be a pair.
  if (field.fieldKind === 'map') return { type: VARINT, isList: true };
  return { type: wireTypeOf(field.scalar), schema: field.message, isList };
}

function wireTypeOf(scalar: ScalarType | undefined): number {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return DELIMITED;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return FIXED64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return FIXED32;
    default:
      return VARINT;
  }
}

const services: readonly DescService[] = [
  ...[api.KV, api.Watch, api.Lease, api.Maintenance, api.Cluster, api.Auth, api.Lock, api.Election, api.Health],
  ...[api.reflectionV1.ServerReflection, api.reflectionV1Alpha.ServerReflection],
];

/** By the path of the method. */
const requests: ReadonlyMap<string, DescMessage> = new Map(
  services.flatMap(({ typeName, methods }) =>
    methods.map(({ name, input }): [string, DescMessage] => [`/${typeName}/${name}`, input]),
  ),
);
