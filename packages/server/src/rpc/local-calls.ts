/**
 * Calls from within the server, without a connection: the handlers of grpc-js get what looks to them like a call of its.
 *
 * SVLC1  What goes in and comes out is encoded, as it would be on the wire: sizes and checks are those of gRPC.
 * SVLC2  A caller that takes answers slower than they come holds up the service, as a slow client does: what waits is bounded (law 9).
 * SVLC3  Such a call has no certificate: whoever makes it speaks for nobody but the token in its metadata.
 */
import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { status } from '@grpc/grpc-js';
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  Metadata,
  sendUnaryData,
  ServerDuplexStream,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { StatusError } from '../status.ts';
import type { Requested, UnaryHandler } from './calls.ts';

/** Who calls, and with what. */
export interface Caller {
  readonly metadata: Metadata;
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal;
  /** Its address and port, as `1.2.3.4:5678`; other text where it has none. */
  readonly peer: string;
}

/** Where a stream's answers go. */
export interface Answers {
  /** Takes one, and calls `done` when it takes another. */
  write(bytes: Buffer, done: () => void): void;
  end(): void;
  fail(error: StatusError): void;
}

/** The requests of a stream, as the caller gives them. */
export interface LocalRequests {
  /** Resolves when another one may follow. @throws StatusError */
  push(request: Buffer): Promise<void>;
  /** No more requests. */
  end(): void;
}

export type LocalMethod =
  | { readonly type: 'unary'; call(request: Buffer, caller: Caller): Promise<Buffer> }
  | { readonly type: 'serverStream'; call(request: Buffer, caller: Caller, answers: Answers): void }
  | { readonly type: 'bidi'; call(caller: Caller, answers: Answers): LocalRequests };

type Read<Request> = (bytes: Buffer) => Request;
type Write<Answer> = (answer: Answer) => Buffer;

export function localUnary<Request, Answer>(
  handler: UnaryHandler<Request, Answer>,
  read: Read<Request>,
  write: Write<Answer>,
): LocalMethod {
  const call = async (bytes: Buffer, caller: Caller): Promise<Buffer> => {
    const surface = new LocalCall(caller, readRequest(read, bytes));
    const answer = await new Promise<Answer>((resolve, reject) => {
      const answered: sendUnaryData<Answer> = (error, value) => {
        if (value === undefined || value === null) reject(statusErrorOf(error));
        else resolve(value);
      };
      handler(surface, answered);
    });
    return write(answer);
  };
  return { type: 'unary', call };
}

export function localServerStream<Request, Answer>(
  handler: handleServerStreamingCall<Request, Answer>,
  read: Read<Request>,
  write: Write<Answer>,
): LocalMethod {
  const call = (bytes: Buffer, caller: Caller, answers: Answers): void => {
    const stream = new LocalDuplex(caller, answers, read, write);
    stream.request = readRequest(read, bytes);
    handler(stream as unknown as ServerWritableStream<Request, Answer>);
  };
  return { type: 'serverStream', call };
}

export function localBidi<Request, Answer>(
  handler: handleBidiStreamingCall<Request, Answer>,
  read: Read<Request>,
  write: Write<Answer>,
): LocalMethod {
  const call = (caller: Caller, answers: Answers): LocalRequests => {
    const stream = new LocalDuplex(caller, answers, read, write);
    handler(stream as unknown as ServerDuplexStream<Request, Answer>);
    return stream.requests;
  };
  return { type: 'bidi', call };
}

/** What services ask of any call. */
class LocalCall<Request> extends EventEmitter implements Requested<Request> {
  readonly request: Request;
  cancelled = false;
  readonly metadata: Metadata;
  readonly #peer: string;

  constructor(caller: Caller, request: Request) {
    super();
    this.request = request;
    this.metadata = caller.metadata;
    this.#peer = caller.peer;
    onAbort(caller.signal, () => {
      this.cancelled = true;
      this.emit('cancelled', 'cancelled');
    });
  }

  getPeer(): string {
    return this.#peer;
  }

  getAuthContext(): object {
    return {};
  }
}

class LocalDuplex<Request, Answer> extends Duplex {
  request: Request | undefined;
  cancelled = false;
  readonly metadata: Metadata;
  readonly #peer: string;
  readonly #answers: Answers;
  readonly #encode: Write<Answer>;
  readonly #decode: Read<Request>;
  #more: (() => void) | undefined;
  #isOver = false;

  constructor(caller: Caller, answers: Answers, read: Read<Request>, write: Write<Answer>) {
    super({ objectMode: true, emitClose: false, autoDestroy: false });
    this.metadata = caller.metadata;
    this.#peer = caller.peer;
    this.#answers = answers;
    this.#decode = read;
    this.#encode = write;
    this.on('error', (error: unknown) => this.#end(() => answers.fail(statusErrorOf(error))));
    this.on('finish', () => this.#end(() => answers.end()));
    onAbort(caller.signal, () => {
      this.cancelled = true;
      this.#more?.();
      this.#end(() => undefined);
      this.emit('cancelled', 'cancelled');
    });
  }

  get requests(): LocalRequests {
    return {
      push: async (request) => {
        if (this.#isOver || this.push(readRequest(this.#decode, request))) return;
        await new Promise<void>((resolve) => {
          this.#more = resolve;
        });
      },
      end: () => {
        if (!this.#isOver) this.push(null);
      },
    };
  }

  getPeer(): string {
    return this.#peer;
  }

  getAuthContext(): object {
    return {};
  }

  override _read(): void {
    this.#more?.();
    this.#more = undefined;
  }

  override _write(answer: Answer, _encoding: string, done: () => void): void {
    if (this.#isOver) done();
    else this.#answers.write(this.#encode(answer), done);
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#more?.();
    tell();
  }
}

function onAbort(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) queueMicrotask(run);
  else signal.addEventListener('abort', run, { once: true });
}

/** @throws StatusError, with the words of grpc-js where it is not one by itself */
function readRequest<Request>(read: Read<Request>, bytes: Buffer): Request {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new StatusError(status.INTERNAL, `Error deserializing request: ${text}`, { cause: error });
  }
}

/** Of what grpc-js would send. */
function statusErrorOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const { code, details } = (error ?? {}) as { readonly code?: unknown; readonly details?: unknown };
  return new StatusError(typeof code === 'number' ? code : status.UNKNOWN, typeof details === 'string' ? details : '');
}
