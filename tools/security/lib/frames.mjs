// @ts-check
/** HTTP/2 by hand, for what no client library would send (RFC 9113, RFC 7541). */

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
};
export const flags = { ack: 1, endStream: 1, endHeaders: 4 };
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * @param {number} type
 * @param {number} flag
 * @param {number} stream
 * @param {Uint8Array} [payload]
 */
export function frame(type, flag, stream, payload = new Uint8Array(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** @param {Readonly<Record<number, number>>} values by identifier */
export function settings(values = {}) {
  const pairs = Object.entries(values).map(([name, value]) => {
    const pair = Buffer.alloc(6);
    pair.writeUInt16BE(Number(name), 0);
    pair.writeUInt32BE(value, 2);
    return pair;
  });
  return frame(types.settings, 0, 0, Buffer.concat(pairs));
}

/** A string of HPACK, not compressed. @param {string} text */
function string(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

/** @param {number} value @param {number} bits of the prefix @param {number} front the bits before it */
function integer(value, bits, front) {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.of(front | value);
  const out = [front | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  return Buffer.from([...out, rest]);
}

/** A header that the receiver does not remember. @param {string} name @param {string} value */
export function header(name, value) {
  return Buffer.concat([Buffer.of(0), string(name), string(value)]);
}

/** A header that goes into the receiver's table, at the front of it. @param {string} name @param {string} value */
export function remembered(name, value) {
  return Buffer.concat([Buffer.of(0x40), string(name), string(value)]);
}

/** The newest header of the receiver's table. */
export const newest = Buffer.of(0x80 | 62);

/** The headers of a call. @param {string} path @param {readonly Buffer[]} [more] */
export function callHeaders(path, more = []) {
  const own = [header(':path', path), header(':authority', 'localhost'), header('content-type', 'application/grpc')];
  // :method POST and :scheme http stand in the table that everybody has.
  return Buffer.concat([Buffer.of(0x83, 0x86), ...own, header('te', 'trailers'), ...more]);
}

/** A message of gRPC. @param {Uint8Array} message @param {number} [announced] bytes */
export function message(message, announced = message.length) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(announced, 1);
  return Buffer.concat([head, message]);
}
