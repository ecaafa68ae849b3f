/**
 * One JSON value that was found to be well-formed, as its bytes and a list of where each value in it begins and ends.
 *
 * SVGJ1  Nothing is decoded before it is asked for: a number is its digits, so none loses a digit, and what nobody asks for costs
 *     three integers.
 * SVGJ2  A value is its place in the list. Those in it follow it directly: of an object name, value, name, value.
 */
export class JsonDocument {
  readonly bytes: Buffer;
  readonly #places: Int32Array;

  /** @param places of each value: where it begins, where it ends, and the place behind it and all in it */
  constructor(bytes: Buffer, places: Int32Array) {
    this.bytes = bytes;
    this.#places = places;
  }

  /** The first byte says what it is: `{`, `[`, `"`, `t`, `f`, `n`, or a number's. */
  first(place: number): number {
    return this.bytes[this.start(place)]!;
  }

  start(place: number): number {
    return this.#places[place * 3]!;
  }

  end(place: number): number {
    return this.#places[place * 3 + 1]!;
  }

  /** The place behind it and all that is in it. */
  after(place: number): number {
    return this.#places[place * 3 + 2]!;
  }

  /** A number or a literal, as it stands. */
  raw(place: number): string {
    return this.bytes.toString('latin1', this.start(place), this.end(place));
  }

  /** What stands between a string's quotes, as it stands. */
  quoted(place: number): Buffer {
    return this.bytes.subarray(this.start(place) + 1, this.end(place) - 1);
  }

  /** A string. What is not UTF-8, or half a pair of surrogates, becomes U+FFFD. */
  string(place: number): string {
    const quoted = this.quoted(place);
    const text = quoted.toString('utf8');
    if (!quoted.includes(BACKSLASH)) return text;
    // Encoding mends what is no pair.
    return Buffer.from(JSON.parse(`"${text}"`) as string).toString('utf8');
  }
}

const BACKSLASH = 0x5c;
