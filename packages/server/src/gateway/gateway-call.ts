/**
 * One call over the gateway, from the documents of its body to its answers.
 *
 * SVGC1  A unary call takes the first document of its body and answers, whatever follows. A stream takes them all, one after
 *     another; the end of the body ends the requests, not the call (C7).
 * SVGC2  A streamed message is one write, with its newline: clients read chunk by chunk (C6). The next one is printed when the
 *     socket takes it.
 */
import { toBinary, type DescMethod, type Message } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { Turns } from '../fair/turns.ts';
import type { Limits } from '../limits.ts';
import type { Answers, Caller, LocalMethod } from '../rpc/local-calls.ts';
import { refusals, StatusError } from '../status.ts';
import type { Exchange } from '../transport/exchange.ts';
import type { Chunks } from './chunks.ts';
import type { JsonDocument } from './json/json-document.ts';
import { JsonError } from './json/json-error.ts';
import { readMessage } from './json/read-message.ts';
import { JsonTooLarge } from './json/scanner.ts';
import { writeMessage } from './json/write-message.ts';
import type { RequestBody } from './request-body.ts';

/** Said of what a service has answered. */
const FROM_SERVICE = { 'grpc-metadata-content-type': 'application/grpc' };
const NO_BYTES = Buffer.alloc(0);

/** What all calls of a gateway have. */
export interface GatewayParts {
  readonly limits: Limits;
  readonly chunks: Chunks;
  readonly turns: Turns;
}

export class GatewayCall {
  readonly #method: DescMethod;
  readonly #exchange: Exchange;
  readonly #caller: Caller;
  readonly #limits: Limits;
  readonly #chunks: Chunks;
  readonly #turns: Turns;

  constructor(method: DescMethod, exchange: Exchange, caller: Caller, { limits, chunks, turns }: GatewayParts) {
    this.#method = method;
    this.#exchange = exchange;
    this.#caller = caller;
    this.#limits = limits;
    this.#chunks = chunks;
    this.#turns = turns;
  }

  /**
   * Resolves when it is answered; rejects with what it has failed with.
   * @param local undefined: no service has the method
   * @param body undefined: there is none
   * @param read called when the first document is there
   */
  async run(local: LocalMethod | undefined, body: RequestBody | undefined, read: () => void): Promise<void> {
    const isBidi = this.#method.methodKind === 'bidi_streaming';
    const first = await this.#next(body, isBidi ? status.UNKNOWN : status.INVALID_ARGUMENT);
    read();
    switch (local?.type) {
      case 'unary': {
        const answer = await local.call(first ?? NO_BYTES, this.#caller);
        this.#exchange.json(200, writeMessage(this.#method.output, answer), FROM_SERVICE);
        return;
      }
      case 'serverStream':
        return this.#stream((answers) => local.call(first ?? NO_BYTES, this.#caller, answers));
      case 'bidi':
        return this.#stream((answers) => {
          const requests = local.call(this.#caller, answers);
          void this.#pump(first, body, requests);
        });
      case undefined:
        throw new StatusError(status.UNIMPLEMENTED, `unknown service ${this.#method.parent.typeName}`);
      default:
        throw local satisfies never;
    }
  }

  /** The next request, encoded; undefined at the end. @throws StatusError with the code for what is no request */
  async #next(body: RequestBody | undefined, code: number): Promise<Buffer | undefined> {
    try {
      const document = await body?.next();
      if (document === undefined) return undefined;
      await this.#turns.turn(() => this.#caller.peer);
      return this.#encode(document);
    } catch (error) {
      if (error instanceof JsonError) throw new StatusError(code, error.message, { cause: error });
      if (error instanceof JsonTooLarge) {
        throw new StatusError(status.RESOURCE_EXHAUSTED, `the request is too large: ${error.message}`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  #encode(document: JsonDocument): Buffer {
    const { input } = this.#method;
    const bytes = toBinary(input, readMessage(input, document) as Message);
    const most = this.#limits.messageBytes;
    if (bytes.length > most) throw refusals.messageTooLarge(bytes.length, most);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #stream(start: (answers: Answers) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const { output } = this.#method;
      start({
        write: (bytes, done) => {
          this.#exchange.write(this.#chunks.of(output, bytes), FROM_SERVICE, done);
        },
        end: () => {
          this.#exchange.finish('');
          resolve();
        },
        fail: reject,
      });
    });
  }

  /** What cannot be read ends the requests, without a word, as etcd does it. */
  async #pump(
    first: Buffer | undefined,
    body: RequestBody | undefined,
    requests: { push(request: Buffer): Promise<void>; end(): void },
  ): Promise<void> {
    try {
      let request = first;
      while (request !== undefined && !this.#caller.signal.aborted) {
        await requests.push(request);
        request = await this.#next(body, status.UNKNOWN);
      }
    } catch {
      // The answers go on.
    } finally {
      requests.end();
    }
  }
}
