/**
 * The body of a request as the JSON documents in it, one after another.
 *
 * SVGD1  A document is there as soon as its last byte is, whatever follows, or does not: a stream's body may stay open for good.
 * SVGD2  No more is taken from the client than what is asked for needs: it is held up by whoever does not ask (law 9).
 * SVGD3  All that have begun to send a document share a budget: many who never end theirs are refused, and memory is left (R116).
 */
import type { Readable } from 'node:stream';
import type { JsonDocument } from './json/json-document.ts';
import { JsonTooLarge, Scanner, type ScanLimits } from './json/scanner.ts';

/** Bytes of documents that are not whole yet, of all requests. */
export class BodyBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws JsonTooLarge */
  take(bytes: number): void {
    if (this.#held + bytes > this.#most) throw new JsonTooLarge('too many are being read: try again later');
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

export class RequestBody {
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #limits: ScanLimits;
  readonly #budget: BodyBudget;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: Readable, limits: ScanLimits, budget: BodyBudget) {
    this.#pieces = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    this.#limits = limits;
    this.#budget = budget;
  }

  /**
   * The next document, or undefined at the end.
   * Rejects with a `JsonError`, a `JsonTooLarge`, or what the connection failed with.
   */
  async next(): Promise<JsonDocument | undefined> {
    const scanner = new Scanner(this.#limits);
    let held = 0;
    try {
      for (;;) {
        const used = this.#rest.length === 0 ? -1 : scanner.feed(this.#rest);
        if (used >= 0) {
          this.#rest = this.#rest.subarray(used);
          return scanner.document();
        }
        this.#budget.take(this.#rest.length);
        held += this.#rest.length;
        const { done, value } = await this.#pieces.next();
        this.#rest = done === true ? Buffer.alloc(0) : value;
        if (done === true) return scanner.finish() ? scanner.document() : undefined;
      }
    } finally {
      this.#budget.give(held);
    }
  }
}
