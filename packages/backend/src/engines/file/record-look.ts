/**
 * Whether bytes look like a record of a store: a protobuf `KeyValue`, by its fields alone.
 *
 * LOK1  Fields 1 and 5 are bytes, 2, 3, 4 and 6 are numbers; fields that a later version may have are skipped. What the numbers
 *       say is for the store to check, which decodes the same bytes more strictly.
 * LOK2  No bytes at all are a record: `etcdutl snapshot restore --bump-revision` writes such.
 *
 * etcd: api/mvccpb/kv.proto.
 */

const numberType = 0;
const eightBytes = 1;
const lengthType = 2;
const fourBytes = 5;
const longestNumber = 10;
/** By field; what is not listed may be of any type. */
const types: readonly (number | undefined)[] = [
  undefined,
  lengthType,
  numberType,
  numberType,
  numberType,
  lengthType,
  numberType,
];

export function isRecord(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const tag = numberAt(bytes, at);
    if (tag === undefined) return false;
    const type = tag.value % 8;
    const field = Math.floor(tag.value / 8);
    if (field === 0 || (types[field] ?? type) !== type) return false;
    const end = endOf(bytes, tag.end, type);
    if (end === undefined || end > bytes.length) return false;
    at = end;
  }
  return true;
}

function endOf(bytes: Uint8Array, at: number, type: number): number | undefined {
  if (type === eightBytes) return at + 8;
  if (type === fourBytes) return at + 4;
  const found = numberAt(bytes, at);
  if (type === numberType) return found?.end;
  return type === lengthType && found !== undefined ? found.end + found.value : undefined;
}

function numberAt(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = start; at < start + longestNumber; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}
