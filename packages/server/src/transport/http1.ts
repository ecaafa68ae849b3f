/**
 * HTTP/1.1 on connections that somebody else has accepted.
 *
 * SVHO1  A request's head has a time in which it must be there, the first and each later one; a connection that asks nothing more is
 *     closed after a while. A body and an answer may take as long as they take: that is for who handles them.
 * SVHO2  What comes of a body whose request was answered before its end is read and dropped, for as long as a body may take.
 * SVHO3  Requests that a connection sends ahead are handled one after another, in their order; with too many it is closed (law 9).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { after } from '../clock.ts';
import { Exchange } from './exchange.ts';
import type { Front } from './front.ts';

/** Silence after which the other side is asked whether it is there. */
const ASK_AFTER_MS = 60_000;
/** Requests that a connection may have sent ahead. */
const MOST_AHEAD = 100;

export class Http1 {
  readonly #server: Server;
  readonly #front: Front;
  readonly #requestTimeoutMs: number;
  readonly #secure: WeakSet<Socket> = new WeakSet();
  readonly #waiting: WeakMap<Socket, (() => void)[]> = new WeakMap();

  constructor(front: Front, headTimeoutMs: number, requestTimeoutMs: number) {
    this.#front = front;
    this.#requestTimeoutMs = requestTimeoutMs;
    const times = { headersTimeout: headTimeoutMs, keepAliveTimeout: headTimeoutMs, requestTimeout: 0 };
    const connectionsCheckingInterval = Math.min(1000, headTimeoutMs);
    this.#server = createServer({ ...times, connectionsCheckingInterval }, (request, response) => {
      this.#take(request, response);
    });
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
      socket.destroy();
    }
  }

  /** Node drops only a body that nobody has begun to read. */
  #dropRest(request: IncomingMessage): void {
    if (request.complete) return;
    request.removeAllListeners('readable').resume();
    const cancel = after(this.#requestTimeoutMs, () => {
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
