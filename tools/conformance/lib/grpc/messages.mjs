// @ts-check
/**
 * Messages as recordings write them, for any message: bytes as latin1 text, 64-bit numbers as numbers or as decimal text beyond
 * 2^53 - 1, zeros left out, members of a `oneof` beside the other fields, and of a header the revision only, as `rev`.
 */
import { create, ScalarType } from '@bufbuild/protobuf';
import { toBytes } from '../values.mjs';

/** @typedef {import('@bufbuild/protobuf').DescMessage} DescMessage */
/** @typedef {import('@bufbuild/protobuf').DescField} DescField */
/** @typedef {Record<string, any>} Json */

const LONG = new Set([ScalarType.INT64, ScalarType.UINT64]);

/**
 * @param {DescMessage} desc
 * @param {Json} json
 * @returns {any}
 */
export function toMessage(desc, json) {
  const message = /** @type {any} */ (create(desc));
  for (const field of desc.fields) {
    const value = json[field.localName];
    if (value === undefined) continue;
    const one = (/** @type {any} */ item) => fromJson(field, item);
    const ours = field.fieldKind === 'list' ? value.map(one) : one(value);
    if (field.oneof === undefined) message[field.localName] = ours;
    else message[field.oneof.localName] = { case: field.localName, value: ours };
  }
  return message;
}

/**
 * @param {DescField} field
 * @param {any} value
 */
function fromJson(field, value) {
  const { message, scalar } = field;
  if (message !== undefined) return toMessage(message, value);
  if (scalar === ScalarType.BYTES) return toBytes(value);
  return scalar !== undefined && LONG.has(scalar) ? BigInt(value) : value;
}

/**
 * @param {DescMessage} desc
 * @param {any} message
 * @returns {Json}
 */
export function toJson(desc, message) {
  /** @type {Json} */
  const json = {};
  for (const field of desc.fields) {
    const inOneof = field.oneof !== undefined;
    const held = field.oneof === undefined ? message[field.localName] : message[field.oneof.localName];
    if (held === undefined || (inOneof && held.case !== field.localName)) continue;
    const value = inOneof ? held.value : held;
    if (field.localName === 'header') {
      if (value.revision !== 0n) json['rev'] = toNumber(value.revision);
      continue;
    }
    if (field.fieldKind === 'list') {
      if (value.length > 0) json[field.localName] = value.map((/** @type {any} */ item) => ofField(field, item));
      continue;
    }
    const text = ofField(field, value);
    if (inOneof || field.message !== undefined || (text !== 0 && text !== '' && text !== false)) {
      json[field.localName] = text;
    }
  }
  return json;
}

/**
 * @param {DescField} field
 * @param {any} value
 */
function ofField(field, value) {
  if (field.message !== undefined) return toJson(field.message, value);
  if (field.scalar === ScalarType.BYTES) return Buffer.from(value).toString('latin1');
  return typeof value === 'bigint' ? toNumber(value) : value;
}

/** @param {bigint} number */
function toNumber(number) {
  const small = Number(number);
  return Number.isSafeInteger(small) ? small : String(number);
}
