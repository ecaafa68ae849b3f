/**
 * Calls as the services see them: a request in, an answer or an error out; behind it grpc-js, unary calls from their streams, or the gateway.
 *
 * SVCL1  Whatever a service throws is a status in one place (status.ts).
 * SVCL2  When the server stops, calls that have begun are answered, new ones are refused with UNAVAILABLE, and streams end with
 *     it: clients go elsewhere, or come back.
 */
import { status } from '@grpc/grpc-js';
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  MethodDefinition,
  sendUnaryData,
  Server,
  ServerDuplexStream,
  ServerWritableStream,
} from '@grpc/grpc-js';
import type { Origin } from '../auth/auth.ts';
import { nowMs } from '../clock.ts';
import { clientGone, failures, toStatus } from '../status.ts';
import { CallTally, type MethodTally } from './call-tally.ts';
import { localBidi, localServerStream, localUnary, type LocalMethod } from './local-calls.ts';
import type { SlowOptions } from './slow-call.ts';
import type { UnaryMethod } from '../transport/unary/unary-stream.ts';
import { fieldCheck } from '../wire/request-fields.ts';

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

/** What services look at of a call besides its request. */
export interface AnyCall extends Origin {
  readonly cancelled: boolean;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** A call that has one request. */
export interface Requested<Request> extends AnyCall {
  readonly request: Request;
}

/** A method that answers once, whoever calls it. */
export type UnaryHandler<Request, Answer> = (call: Requested<Request>, answered: sendUnaryData<Answer>) => void;

/** Aborts when the client has gone. Made when it is asked for: most calls are over before. */
export function signalOf(call: Pick<AnyCall, 'cancelled' | 'once'>): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort(clientGone);
  else call.once('cancelled', () => controller.abort(clientGone));
  return controller.signal;
}

/** Where services hang up their methods. */
export class Calls {
  readonly #server: Server;
  readonly #fields: number;
  readonly #streams: Set<{ fail(error: unknown): void }> = new Set();
  readonly tally: CallTally;
  readonly #unary: Map<string, UnaryMethod> = new Map();
  readonly #local: Map<string, LocalMethod> = new Map();
  readonly #stopped: AbortController = new AbortController();
  #stopping = false;

  /** @param fields that a request may have */
  constructor(server: Server, slow: SlowOptions, fields: number) {
    this.#server = server;
    this.#fields = fields;
    this.tally = new CallTally(slow);
  }

  /** The unary method at a path. */
  unaryAt(path: string): UnaryMethod | undefined {
    return this.#unary.get(path);
  }

  /** Aborts when the server stops, with what calls that wait for others are answered then. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** The method, for who calls from within the server; undefined: no service has it. */
  local(path: string): LocalMethod | undefined {
    return this.#local.get(path);
  }

  unary<Request, Answer>(
    { path, read, write }: Method<Request, Answer>,
    run: (request: Request, call: AnyCall) => Promise<Answer>,
  ): void {
    const { tally } = this;
    const own = tally.method(path, 'unary');
    const handler: UnaryHandler<Request, Answer> = (call, callback) => {
      if (this.#stopping) {
        callback(toStatus(failures.stopped()));
        return;
      }
      own.started++;
      const began = nowMs();
      const end = (code: number): void => {
        const ms = nowMs() - began;
        own.end(code);
        own.took(ms);
        tally.judge(path, ms, code);
      };
      run(call.request, call).then(
        (answer) => {
          end(status.OK);
          callback(null, answer);
        },
        (error: unknown) => {
          const failure = toStatus(error);
          end(failure.code);
          callback(failure);
        },
      );
    };
    const [reading, writing] = [own.reading(this.#checked(path, read)), own.writing(write)];
    this.#server.register(path, handler, writing, reading, 'unary');
    this.#unary.set(path, { handler, read: reading, write: writing } as UnaryMethod);
    this.#local.set(path, localUnary(handler, reading, writing));
  }

  /** `run` writes what it has to; when it resolves, the stream ends well. */
  serverStream<Request, Answer>(
    { path, read, write }: Method<Request, Answer>,
    run: (request: Request, call: ServerWritableStream<Request, Answer>) => Promise<void>,
  ): void {
    const own = this.tally.method(path, 'server_stream');
    const handler: handleServerStreamingCall<Request, Answer> = (call) => {
      this.#follow(own, call, () => run(call.request, call));
    };
    const [reading, writing] = [own.reading(this.#checked(path, read)), own.writing(write)];
    this.#server.register(path, handler, writing, reading, 'serverStream');
    this.#local.set(path, localServerStream(handler, reading, writing));
  }

  /** As `serverStream`, with requests that come as they come. */
  bidi<Request, Answer>(
    { path, read, write }: Method<Request, Answer>,
    run: (call: ServerDuplexStream<Request, Answer>) => Promise<void>,
  ): void {
    const own = this.tally.method(path, 'bidi_stream');
    const handler: handleBidiStreamingCall<Request, Answer> = (call) => {
      this.#follow(own, call, () => run(call));
    };
    const [reading, writing] = [own.reading(this.#checked(path, read)), own.writing(write)];
    this.#server.register(path, handler, writing, reading, 'bidi');
    this.#local.set(path, localBidi(handler, reading, writing));
  }

  /** A reader that refuses what would take too long to read. */
  #checked<Request>(path: string, read: (bytes: Buffer) => Request): (bytes: Buffer) => Request {
    const check = fieldCheck(path, this.#fields);
    return (bytes) => {
      check(bytes);
      return read(bytes);
    };
  }

  /** New calls are refused, streams end. */
  stop(): void {
    this.#stopping = true;
    this.#stopped.abort(failures.stopped());
    for (const stream of this.#streams) stream.fail(failures.stopped());
  }

  #follow(own: MethodTally, call: StreamingCall, run: () => Promise<void>): void {
    if (this.#stopping) {
      call.emit('error', toStatus(failures.stopped()));
      return;
    }
    let ended = false;
    const end = (code: number, finish: () => void): void => {
      if (ended) return;
      ended = true;
      own.end(code);
      this.#streams.delete(stream);
      finish();
    };
    const fail = (error: unknown): void => {
      const failure = toStatus(error);
      end(failure.code, () => void call.emit('error', failure));
    };
    const stream = { fail };
    own.started++;
    this.#streams.add(stream);
    call.once('cancelled', () => end(status.CANCELLED, () => undefined));
    run().then(
      () => end(status.OK, () => void call.end()),
      (error: unknown) => stream.fail(error),
    );
  }
}

interface StreamingCall {
  emit(event: 'error', status: { readonly code: number; readonly details: string }): boolean;
  once(event: 'cancelled', listener: () => void): unknown;
  end(): unknown;
}
