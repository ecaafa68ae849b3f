/** Messages as plain values: bytes as text of one character a byte, numbers, zeros left out, the header as `rev`. */
import { create, ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';

export type Plain = Readonly<Record<string, unknown>>;

/** The message of a plain value. Members of a `oneof` stand beside the other fields. */
export function toMessage(desc: DescMessage, plain: Plain): object {
  const message = create(desc) as unknown as Record<string, unknown>;
  for (const field of desc.fields) {
    const value = plain[field.localName];
    if (value === undefined) continue;
    const ours = Array.isArray(value) ? value.map((one) => fromPlain(field, one)) : fromPlain(field, value);
    if (field.oneof === undefined) message[field.localName] = ours;
    else message[field.oneof.localName] = { case: field.localName, value: ours };
  }
  return message;
}

function fromPlain(field: DescField, value: unknown): unknown {
  if (field.message !== undefined) return toMessage(field.message, value as Plain);
  if (field.scalar === ScalarType.BYTES) return bytes(value as string);
  const isLong = field.scalar !== undefined && LONG.has(field.scalar);
  return isLong ? BigInt(value as number) : value;
}

/** The plain value of a message. */
export function toPlain(desc: DescMessage, message: object): Plain {
  const plain: Record<string, unknown> = {};
  const held = message as Readonly<Record<string, unknown>>;
  for (const field of desc.fields) {
    const value = field.oneof === undefined ? held[field.localName] : memberOf(held[field.oneof.localName], field);
    if (value === undefined) continue;
    if (field.localName === 'header') {
      const { revision } = value as { readonly revision: bigint };
      if (revision !== 0n) plain['rev'] = Number(revision);
    } else if (Array.isArray(value)) {
      if (value.length > 0) plain[field.localName] = value.map((one: unknown) => ofField(field, one));
    } else {
      const one = ofField(field, value);
      const isZero = one === 0 || one === '' || one === false || one === 0n;
      if (!isZero || field.oneof !== undefined) plain[field.localName] = one;
    }
  }
  return plain;
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

const LONG: ReadonlySet<ScalarType> = new Set([ScalarType.INT64, ScalarType.UINT64]);

function memberOf(oneof: unknown, field: DescField): unknown {
  const { case: name, value } = oneof as { readonly case: string | undefined; readonly value: unknown };
  return name === field.localName ? value : undefined;
}

function ofField(field: DescField, value: unknown): unknown {
  if (field.message !== undefined) return toPlain(field.message, value as object);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
