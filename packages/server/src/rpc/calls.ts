/**
 * Calls as the services see them: a request in, an answer or an error out; grpc-js behind it.
 *
 * SVCL1  Whatever a service throws is a status in one place (status.ts).
 * SVCL2  When the server stops, calls that have begun are answered, new ones are refused with UNAVAILABLE, and streams end with
 *     it: clients go elsewhere, or come back.
 */
import { status } from '@grpc/grpc-js';
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { failures, StatusError, toStatus } from '../status.ts';

/** A method whose answer is written by a function of ours. */
export interface Method<Request, Answer> {
  readonly path: string;
  readonly read: (bytes: Buffer) => Request;
  readonly write: (answer: Answer) => Buffer;
}

/** As a generated definition has it. */
export function method<Request, Answer>(definition: MethodDefinition<Request, Answer>): Method<Request, Answer> {
  return { path: definition.path, read: definition.requestDeserialize, write: definition.responseSerialize };
}

/** A request that remembers how large it was. */
export interface Sized<Request> {
  readonly message: Request;
  /** Bytes on the wire. */
  readonly size: number;
}

/** The method's reader, with the size. */
export function sized<Request>(definition: {
  readonly requestDeserialize: (bytes: Buffer) => Request;
}): (bytes: Buffer) => Sized<Request> {
  const { requestDeserialize } = definition;
  return (bytes) => ({ message: requestDeserialize(bytes), size: bytes.length });
}

// One for all: grpc-js says `cancelled` of many calls that have ended well, and a reason made for each took a sixteenth of a range.
const clientGone = new StatusError(status.CANCELLED, 'the client has gone');

/** Aborts when the client has gone. Made when it is asked for: most calls are over before. */
export function signalOf(call: {
  readonly cancelled: boolean;
  once(event: 'cancelled', listener: () => void): unknown;
}): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort(clientGone);
  else call.once('cancelled', () => controller.abort(clientGone));
  return controller.signal;
}

/** Where services hang up their methods. */
export class Calls {
  readonly #server: Server;
  readonly #streams: Set<{ fail(error: unknown): void }> = new Set();
  readonly #counts: Map<string, number> = new Map();
  #stopping = false;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Calls begun, by path. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  unary<Request, Answer>(
    { path, read, write }: Method<Request, Answer>,
    run: (request: Request, call: ServerUnaryCall<Request, Answer>) => Promise<Answer>,
  ): void {
    const handler: handleUnaryCall<Request, Answer> = (call, callback) => {
      if (this.#stopping) {
        callback(toStatus(failures.stopped()));
        return;
      }
      this.#count(path);
      run(call.request, call).then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(toStatus(error)),
      );
    };
    this.#server.register(path, handler, write, read, 'unary');
  }

  /** `run` writes what it has to; when it resolves, the stream ends well. */
  serverStream<Request, Answer>(
    { path, read, write }: Method<Request, Answer>,
    run: (request: Request, call: ServerWritableStream<Request, Answer>) => Promise<void>,
  ): void {
    const handler: handleServerStreamingCall<Request, Answer> = (call) => {
      this.#follow(path, call, () => run(call.request, call));
    };
    this.#server.register(path, handler, write, read, 'serverStream');
  }

  /** As `serverStream`, with requests that come as they come. */
  bidi<Request, Answer>(
    { path, read, write }: Method<Request, Answer>,
    run: (call: ServerDuplexStream<Request, Answer>) => Promise<void>,
  ): void {
    const handler: handleBidiStreamingCall<Request, Answer> = (call) => {
      this.#follow(path, call, () => run(call));
    };
    this.#server.register(path, handler, write, read, 'bidi');
  }

  /** New calls are refused, streams end. */
  stop(): void {
    this.#stopping = true;
    for (const stream of this.#streams) stream.fail(failures.stopped());
  }

  #count(path: string): void {
    this.#counts.set(path, (this.#counts.get(path) ?? 0) + 1);
  }

  #follow(path: string, call: StreamingCall, run: () => Promise<void>): void {
    let ended = false;
    const end = (finish: () => void): void => {
      if (ended) return;
      ended = true;
      this.#streams.delete(stream);
      finish();
    };
    const stream = { fail: (error: unknown) => end(() => void call.emit('error', toStatus(error))) };
    if (this.#stopping) {
      stream.fail(failures.stopped());
      return;
    }
    this.#count(path);
    this.#streams.add(stream);
    call.once('cancelled', () => end(() => undefined));
    run().then(
      () => end(() => void call.end()),
      (error: unknown) => stream.fail(error),
    );
  }
}

interface StreamingCall {
  emit(event: 'error', status: { readonly code: number; readonly details: string }): boolean;
  once(event: 'cancelled', listener: () => void): unknown;
  end(): unknown;
}
