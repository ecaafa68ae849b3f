/**
 * Finds where one JSON value ends in bytes that come piece by piece, and that it is well-formed.
 *
 * SVGS1  It never calls itself: depth costs a place in a list, and 10,000 levels are the most (R116).
 * SVGS2  Bytes and values are bounded: what is larger is refused while it comes.
 * SVGS3  Each byte is looked at once, when it comes.
 *
 * etcd: the JSON decoder of its gateway, whose messages these are. Departs: SVGS2.
 */
import { invalidByte, JsonError } from './json-error.ts';
import { JsonDocument } from './json-document.ts';

export interface ScanLimits {
  readonly bytes: number;
  readonly values: number;
}

/** More than there may be. */
export class JsonTooLarge extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'JsonTooLarge';
  }
}

const MOST_LEVELS = 10_000;

/** What may come next. From `minus` on: within a number. */
const states = {
  begin: 0,
  value: 1,
  firstName: 2,
  name: 3,
  colon: 4,
  afterMember: 5,
  firstElement: 6,
  afterElement: 7,
  string: 8,
  escape: 9,
  hex: 10,
  literal: 11,
  afterTop: 12,
  minus: 13,
  zero: 14,
  whole: 15,
  point: 16,
  fraction: 17,
  exponent: 18,
  exponentSign: 19,
  exponentDigits: 20,
} as const;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const literals: ReadonlyMap<number, string> = new Map([
  [0x74, 'true'],
  [0x66, 'false'],
  [0x6e, 'null'],
]);
const simpleEscapes: ReadonlySet<number> = new Set(Array.from('bfnrt\\/"', (one) => one.charCodeAt(0)));

export class Scanner {
  readonly #limits: ScanLimits;
  #state: number = states.begin;
  #pieces: Buffer[] = [];
  /** Bytes in pieces that were looked at. */
  #offset = 0;
  #places = new Int32Array(48);
  #count = 0;
  /** The containers that are open, outermost first: an object's place, the complement of a list's. */
  #open: number[] = [];
  /** The string that is read is a member's name. */
  #isName = false;
  /** Nothing was looked at yet of the string in this piece: looking ahead is done once, or escapes would make it quadratic. */
  #isFresh = false;
  #hexLeft = 0;
  #literal = '';
  #literalAt = 0;

  constructor(limits: ScanLimits) {
    this.#limits = limits;
  }

  /**
   * Looks at more bytes, and keeps them.
   * @returns how many of them are used up, when the value has ended with them; -1: there is more to come
   * @throws JsonError, JsonTooLarge
   */
  feed(bytes: Buffer): number {
    let spaces = 0;
    if (this.#state === states.begin) {
      while (spaces < bytes.length && isSpace(bytes[spaces]!)) spaces++;
      if (spaces === bytes.length) return -1;
    }
    const piece = bytes.subarray(spaces);
    const used = this.#scan(piece);
    const kept = used < 0 ? piece : piece.subarray(0, used);
    this.#pieces.push(kept);
    this.#offset += kept.length;
    if (this.#offset > this.#limits.bytes) throw new JsonTooLarge(`it is larger than ${this.#limits.bytes} bytes`);
    return used < 0 ? -1 : spaces + used;
  }

  /** No more bytes will come. @returns whether there is a value at all @throws JsonError */
  finish(): boolean {
    if (this.#state === states.begin) return false;
    if (isNumberEnd(this.#state)) this.#endValue(this.#offset);
    if (this.#state !== states.afterTop) throw new JsonError('unexpected EOF');
    return true;
  }

  /** The value, which has ended. */
  document(): JsonDocument {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    return new JsonDocument(bytes, this.#places);
  }

  #scan(piece: Buffer): number {
    let at = 0;
    this.#isFresh = true;
    while (at < piece.length) {
      if (this.#state === states.string) {
        at = this.#string(piece, at);
        continue;
      }
      const byte = piece[at]!;
      if (this.#state >= states.minus && this.#endsNumber(byte)) this.#endValue(this.#offset + at);
      if (this.#state === states.afterTop) return at;
      this.#step(byte, this.#offset + at);
      at++;
      const isClosed = this.#state === states.afterTop && (byte === CLOSE_OBJECT || byte === CLOSE_LIST);
      if (isClosed) return at;
    }
    return -1;
  }

  /** Reads on within a string. @returns where to go on */
  #string(piece: Buffer, from: number): number {
    const start = this.#isFresh ? plainUntil(piece, from) : from;
    this.#isFresh = false;
    for (let at = start; at < piece.length; at++) {
      const byte = piece[at]!;
      if (byte === QUOTE) {
        if (this.#isName) this.#endName(this.#offset + at + 1);
        else this.#endValue(this.#offset + at + 1);
        return at + 1;
      }
      if (byte === BACKSLASH) {
        this.#state = states.escape;
        return at + 1;
      }
      if (byte < 0x20) throw invalidByte(byte, 'in string literal');
    }
    return piece.length;
  }

  /** One byte, in any state but within a string. */
  #step(byte: number, at: number): void {
    switch (this.#state) {
      case states.escape:
        this.#escape(byte);
        break;
      case states.hex:
        if (!isHex(byte)) throw invalidByte(byte, 'in \\u hexadecimal character escape');
        if (--this.#hexLeft === 0) this.#state = states.string;
        break;
      case states.literal:
        this.#inLiteral(byte, at);
        break;
      default:
        if (this.#state >= states.minus) this.#inNumber(byte);
        else if (!isSpace(byte)) this.#between(byte, at);
    }
  }

  /** A byte that is no space, between values. */
  #between(byte: number, at: number): void {
    switch (this.#state) {
      case states.firstElement:
        if (byte === CLOSE_LIST) this.#close(at);
        else this.#beginValue(byte, at);
        break;
      case states.firstName:
        if (byte === CLOSE_OBJECT) this.#close(at);
        else this.#beginName(byte, at);
        break;
      case states.name:
        this.#beginName(byte, at);
        break;
      case states.colon:
        if (byte !== COLON) throw invalidByte(byte, 'after object key');
        this.#state = states.value;
        break;
      case states.afterMember:
        if (byte === CLOSE_OBJECT) this.#close(at);
        else if (byte === COMMA) this.#state = states.name;
        else throw invalidByte(byte, 'after object key:value pair');
        break;
      case states.afterElement:
        if (byte === CLOSE_LIST) this.#close(at);
        else if (byte === COMMA) this.#state = states.value;
        else throw invalidByte(byte, 'after array element');
        break;
      default:
        this.#beginValue(byte, at);
    }
  }

  #beginValue(byte: number, at: number): void {
    const place = this.#place(at);
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      const isObject = byte === OPEN_OBJECT;
      if (this.#open.push(isObject ? place : ~place) > MOST_LEVELS) throw invalidByte(byte, 'exceeded max depth');
      this.#state = isObject ? states.firstName : states.firstElement;
    } else if (byte === QUOTE) {
      this.#isName = false;
      this.#isFresh = true;
      this.#state = states.string;
    } else if (byte === 0x2d) {
      this.#state = states.minus;
    } else if (byte === 0x30) {
      this.#state = states.zero;
    } else if (isDigit(byte)) {
      this.#state = states.whole;
    } else {
      const literal = literals.get(byte);
      if (literal === undefined) throw invalidByte(byte, 'looking for beginning of value');
      this.#literal = literal;
      this.#literalAt = 1;
      this.#state = states.literal;
    }
  }

  #beginName(byte: number, at: number): void {
    if (byte !== QUOTE) throw invalidByte(byte, 'looking for beginning of object key string');
    this.#place(at);
    this.#isName = true;
    this.#isFresh = true;
    this.#state = states.string;
  }

  #endName(end: number): void {
    this.#endPlace(this.#count - 1, end);
    this.#state = states.colon;
  }

  /** The newest value, which contains none, has ended. */
  #endValue(end: number): void {
    this.#endPlace(this.#count - 1, end);
    this.#afterValue();
  }

  #close(at: number): void {
    const place = this.#open.pop()!;
    this.#endPlace(place < 0 ? ~place : place, at + 1);
    this.#afterValue();
  }

  #afterValue(): void {
    const around = this.#open.at(-1);
    if (around === undefined) this.#state = states.afterTop;
    else this.#state = around < 0 ? states.afterElement : states.afterMember;
  }

  #escape(byte: number): void {
    if (byte === 0x75) {
      this.#hexLeft = 4;
      this.#state = states.hex;
      return;
    }
    if (!simpleEscapes.has(byte)) throw invalidByte(byte, 'in string escape code');
    this.#state = states.string;
  }

  #inLiteral(byte: number, at: number): void {
    const expected = this.#literal[this.#literalAt]!;
    if (byte !== expected.charCodeAt(0)) {
      throw invalidByte(byte, `in literal ${this.#literal} (expecting '${expected}')`);
    }
    if (++this.#literalAt === this.#literal.length) this.#endValue(at + 1);
  }

  /** Whether a number ends before the byte. */
  #endsNumber(byte: number): boolean {
    switch (this.#state) {
      case states.zero:
        return byte !== 0x2e && !isE(byte);
      case states.whole:
        return !isDigit(byte) && byte !== 0x2e && !isE(byte);
      case states.fraction:
        return !isDigit(byte) && !isE(byte);
      case states.exponentDigits:
        return !isDigit(byte);
      default:
        return false;
    }
  }

  /** A byte of a number: one that it does not end with, or one that is wrong. */
  #inNumber(byte: number): void {
    switch (this.#state) {
      case states.minus:
        if (!isDigit(byte)) throw invalidByte(byte, 'in numeric literal');
        this.#state = byte === 0x30 ? states.zero : states.whole;
        break;
      case states.zero:
      case states.whole:
        if (byte === 0x2e) this.#state = states.point;
        else if (isE(byte)) this.#state = states.exponent;
        break;
      case states.point:
        if (!isDigit(byte)) throw invalidByte(byte, 'after decimal point in numeric literal');
        this.#state = states.fraction;
        break;
      case states.fraction:
        if (isE(byte)) this.#state = states.exponent;
        break;
      case states.exponent:
        if (byte === 0x2b || byte === 0x2d) this.#state = states.exponentSign;
        else this.#exponentDigit(byte);
        break;
      default:
        this.#exponentDigit(byte);
    }
  }

  #exponentDigit(byte: number): void {
    if (!isDigit(byte)) throw invalidByte(byte, 'in exponent of numeric literal');
    this.#state = states.exponentDigits;
  }

  #place(at: number): number {
    const place = this.#count++;
    if (place >= this.#limits.values) throw new JsonTooLarge(`it has more than ${this.#limits.values} values`);
    if (this.#places.length < this.#count * 3) {
      const larger = new Int32Array(this.#places.length * 2);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places[place * 3] = at;
    return place;
  }

  #endPlace(place: number, end: number): void {
    this.#places[place * 3 + 1] = end;
    this.#places[place * 3 + 2] = this.#count;
  }
}

/** Where it pays to ask the engine for what has no quote, escape or control character. */
const LONG = 1024;

/** A place before which nothing needs to be looked at: values are long, and mostly base64. */
function plainUntil(piece: Buffer, from: number): number {
  const quote = piece.indexOf(QUOTE, from);
  const end = quote < 0 ? piece.length : quote;
  if (end - from < LONG) return from;
  // All of latin1 but control characters and the backslash.
  return /[^ -[\]-\xff]/.test(piece.toString('latin1', from, end)) ? from : end;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isE(byte: number): boolean {
  return byte === 0x65 || byte === 0x45;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}

function isNumberEnd(state: number): boolean {
  return (
    state === states.zero || state === states.whole || state === states.fraction || state === states.exponentDigits
  );
}
