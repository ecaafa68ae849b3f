/**
 * HTTP/1.1 on connections that somebody else has accepted.
 *
 * SVHO1  A request's head has a time in which it must be there, the first and each later one; a connection that asks nothing more is
 *     closed after a while. A head that is there when the time is over counts, also where this process was too busy to look. A body and an
 *     answer may take as long as they take: that is for who handles them.
 * SVHO2  What comes of a body whose request was answered before its end is read and dropped, for as long as a body may take.
 * SVHO3  Requests that a connection sends ahead are handled one after another, in their order; with too many it is closed (law 9), and none of what
 *     has come with them is read: 64 KiB may hold 3,000, each of which Node would end with an error of its own (R99).
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterInput, soon } from '../clock.ts';
import { Exchange } from './exchange.ts';
import type { Front } from './front.ts';

/** Silence after which the other side is asked whether it is there. */
const ASK_AFTER_MS = 60_000;
/** Requests that a connection may have sent ahead. */
const MOST_AHEAD = 100;
const LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
/** Statuses of what is no request, by Node's codes; others are 400. */
const statuses: Readonly<Record<string, number>> = {
  [LATE]: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};
/** What tells Node's parser that the rest of what has come is not HTTP. */
const READ_NO_MORE = 2;

export class Http1 {
  readonly #server: Server;
  readonly #front: Front;
  readonly #requestTimeoutMs: number;
  readonly #secure: WeakSet<Socket> = new WeakSet();
  readonly #waiting: WeakMap<Socket, (() => void)[]> = new WeakMap();
  /** Those whose head was not there in time, as far as is known. */
  readonly #late: WeakSet<Socket> = new WeakSet();

  constructor(front: Front, headTimeoutMs: number, requestTimeoutMs: number) {
    this.#front = front;
    this.#requestTimeoutMs = requestTimeoutMs;
    const times = { headersTimeout: headTimeoutMs, keepAliveTimeout: headTimeoutMs, requestTimeout: 0 };
    const connectionsCheckingInterval = Math.min(1000, headTimeoutMs);
    this.#server = createServer({ ...times, connectionsCheckingInterval }, (request, response) => {
      this.#take(request, response);
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#fail(error.code, socket as Socket));
    // It listens nowhere, but its clock for heads starts with this.
    this.#server.emit('listening');
  }

  /** Serves the connection from now on. */
  serve(socket: Socket, isSecure: boolean): void {
    if (isSecure) this.#secure.add(socket);
    // A watch may be silent for good: the kernel finds out who is not there any more.
    socket.setKeepAlive(true, ASK_AFTER_MS);
    this.#server.emit('connection', socket);
  }

  close(): void {
    this.#server.close();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#late.delete(socket);
    response.once('finish', () => this.#dropRest(request));
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const begin = (): void => this.#front.handle(new Exchange(request, response, this.#secure.has(socket)));
    const waiting = this.#waiting.get(socket);
    response.once('close', () => this.#next(socket));
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      begin();
    } else if (waiting.push(begin) > MOST_AHEAD) {
      readNoMore(socket);
      socket.destroy();
    }
  }

  /** What Node does where nobody listens, but for a second look at who is late. */
  #fail(code: string | undefined, socket: Socket): void {
    if (code === LATE) {
      this.#late.add(socket);
      soon(() => {
        if (this.#late.delete(socket)) this.#showOut(code, socket);
      });
    } else {
      this.#showOut(code, socket);
    }
  }

  #showOut(code: string | undefined, socket: Socket): void {
    const status = statuses[code ?? ''] ?? 400;
    // Within an answer this would be a part of it.
    if (socket.writable && !this.#waiting.has(socket)) {
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroy();
  }

  /** Node drops only a body that nobody has begun to read. */
  #dropRest(request: IncomingMessage): void {
    if (request.complete) return;
    request.removeAllListeners('readable').resume();
    const cancel = afterInput(this.#requestTimeoutMs, () => {
      // The connection may serve another one by now.
      if (!request.complete) request.socket.destroy();
    });
    request.once('close', cancel);
  }

  #next(socket: Socket): void {
    const begin = this.#waiting.get(socket)?.shift();
    if (begin === undefined || socket.destroyed) this.#waiting.delete(socket);
    else begin();
  }
}

/** Where Node keeps its parser otherwise one day, the rest is read and dropped. */
function readNoMore(socket: Socket): void {
  const parser: unknown = Reflect.get(socket, 'parser');
  if (typeof parser !== 'object' || parser === null || !('onIncoming' in parser)) return;
  parser.onIncoming = () => READ_NO_MORE;
}
