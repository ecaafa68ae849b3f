/**
 * One port for everything: gRPC goes to grpc-js, HTTP/1.1 to the probes, TLS or not.
 *
 *     socket ──> (TLS) ──> first bytes ──> h2: grpc-js       by `createConnectionInjector`
 *                                     └──> h1: the probes
 *
 * SVTL1  With TLS, clients that say by ALPN what they speak are believed.
 * SVTL2  Whoever does not say in time what it speaks is shown out: silence costs nothing but a socket for a while (R97).
 * SVTL3  After `close` nobody new is let in; who is in is shown out by `end`.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ConnectionInjector } from '@grpc/grpc-js';
import { after } from '../clock.ts';
import { ServerError } from '../errors.ts';
import { onProtocol } from './first-bytes.ts';

export interface TlsOptions {
  /** PEM: the server's certificate, with those it needs behind it. */
  readonly cert: string | Uint8Array;
  /** PEM: its key. */
  readonly key: string | Uint8Array;
  /** PEM: with it, clients must show a certificate of one of these authorities. */
  readonly clientCa?: string | Uint8Array | undefined;
}

/** An answer over HTTP/1.1. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What is at an address. */
export type Pages = (method: string, url: string) => Page;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** A socket that listens already, instead of `host` and `port`. */
  readonly fd?: number | undefined;
  readonly tls: TlsOptions | undefined;
  readonly connections: number;
  readonly handshakeTimeoutMs: number;
}

export class Listener {
  readonly #grpc: ConnectionInjector;
  readonly #http: HttpServer;
  readonly #server: NetServer;
  readonly #handshakeTimeoutMs: number;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(
    grpc: ConnectionInjector,
    pages: Pages,
    { tls, connections, handshakeTimeoutMs }: ListenerOptions,
  ) {
    this.#grpc = grpc;
    this.#http = createHttpServer((request, response) => answer(pages, request, response));
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#server = tls === undefined ? this.#plainServer() : this.#tlsServer(tls);
    this.#server.maxConnections = connections;
    this.#server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true);
      this.#follow(socket);
    });
  }

  /** @throws ServerError `SERVER_LISTEN` */
  static async open(grpc: ConnectionInjector, pages: Pages, options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(grpc, pages, options);
    await listener.#listen(options);
    return listener;
  }

  /** Where it listens. */
  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** Nobody new is let in. */
  close(): void {
    this.#server.close();
    this.#http.closeIdleConnections();
  }

  /** Whoever is still connected is not any more. */
  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #listen({ host, port, fd }: ListenerOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = this.#server;
      const failed = (cause: Error): void => {
        const place = fd === undefined ? `${host}:${port}` : `the socket that was handed over as ${fd}`;
        const message = `cannot listen on ${place} (${cause.message}): is another server running there?`;
        reject(new ServerError('SERVER_LISTEN', message, { cause }));
      };
      server.once('error', failed);
      server.listen(fd === undefined ? { port, host } : { fd }, () => {
        server.off('error', failed);
        resolve();
      });
    });
  }

  #plainServer(): NetServer {
    return createNetServer((socket) => this.#sort(socket));
  }

  #tlsServer({ cert, key, clientCa }: TlsOptions): NetServer {
    const server = createTlsServer({
      cert: pem(cert),
      key: pem(key),
      ca: clientCa === undefined ? undefined : pem(clientCa),
      handshakeTimeout: this.#handshakeTimeoutMs,
      requestCert: clientCa !== undefined,
      rejectUnauthorized: clientCa !== undefined,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#follow(socket);
      if (socket.alpnProtocol === 'h2') this.#grpc.injectConnection(socket);
      else if (socket.alpnProtocol === 'http/1.1') this.#toProbes(socket);
      else this.#sort(socket);
    });
    return server;
  }

  #sort(socket: Socket): void {
    const cancel = after(this.#handshakeTimeoutMs, () => socket.destroy());
    socket.once('close', cancel);
    onProtocol(socket, (protocol) => {
      cancel();
      if (protocol === 'h2') this.#grpc.injectConnection(socket);
      else {
        this.#toProbes(socket);
        // It was paused to be looked at.
        socket.resume();
      }
    });
  }

  /** Idle connections are closed: a server that does not listen by itself has no timeouts of its own. */
  #toProbes(socket: Socket): void {
    this.#http.emit('connection', socket);
    socket.setTimeout(this.#handshakeTimeoutMs, () => socket.destroy());
  }

  #follow(socket: Socket): void {
    this.#sockets.add(socket);
    // A client that goes without a word is not an error of ours.
    socket.on('error', () => undefined);
    socket.once('close', () => void this.#sockets.delete(socket));
  }
}

function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): void {
  const { status, type, text } = pages(request.method ?? '', request.url ?? '');
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text);
}
