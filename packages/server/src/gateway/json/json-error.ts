/** What is wrong with a JSON text, in the words of etcd's decoder: clients see them, and some look for them. */
export class JsonError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'JsonError';
  }
}

/** A byte that cannot stand where it stands. */
export function invalidByte(byte: number, where: string): JsonError {
  return new JsonError(`invalid character '${quotedByte(byte)}' ${where}`);
}

/** Messages quote what was sent no further than this. */
const MOST_QUOTED = 200;

/** Text of a client as it may stand in a message. */
export function shortened(text: string): string {
  return text.length <= MOST_QUOTED ? text : `${text.slice(0, MOST_QUOTED)}...`;
}

const escapes: ReadonlyMap<number, string> = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x27, "\\'"],
  [0x5c, '\\\\'],
]);

function quotedByte(byte: number): string {
  const escape = escapes.get(byte);
  if (escape !== undefined) return escape;
  if (byte < 0x20 || byte === 0x7f) return `\\x${byte.toString(16).padStart(2, '0')}`;
  const isHidden = (byte >= 0x80 && byte <= 0xa0) || byte === 0xad;
  return isHidden ? `\\u${byte.toString(16).padStart(4, '0')}` : String.fromCharCode(byte);
}
