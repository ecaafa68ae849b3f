/**
 * One port for everything: gRPC goes to the HTTP/2 servers in grpc-js, other requests to the front, TLS or not.
 *
 *     socket ──> (TLS) ──> first bytes ──> h2: HTTP/2 server, by `createConnectionInjector`: unary calls ──> transport/unary, streams ──> grpc-js
 *                                     │         └── what is not gRPC ──> the front: gateway and probes
 *                                     └──> h1 ────────────────────────────┘
 *
 * SVTL1  With TLS, clients that say by ALPN what they speak are believed.
 * SVTL2  Whoever does not say in time what it speaks is shown out: silence costs nothing but a socket for a while (R97). Each step has the
 *     time: handshake, first bytes, first headers. What has come when the time is over counts, also where this process was too busy to look (the
 *     handshake of TLS is timed by Node, which does not look again).
 * SVTL3  After `close` nobody new is let in; who is in is shown out by `end`.
 * SVTL4  Where both TLS and plain are welcome (`plainToo`), a connection that begins with a handshake has TLS.
 */
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import type { ConnectionInjector } from '@grpc/grpc-js';
import { afterInput } from '../clock.ts';
import { ServerError } from '../errors.ts';
import { onProtocol, onSecurity } from './first-bytes.ts';
import { onFirstHeaders } from './first-headers.ts';
import type { Front } from './front.ts';
import { Http1 } from './http1.ts';
import type { TlsOptions } from './listen-options.ts';
import type { Place } from './place.ts';
import { forOwnerAlone, keepForOwner, makeWay, pathOfDescriptor } from './socket-file.ts';

/** What is served at an address. */
export interface Served {
  /** Answers requests that are not gRPC. */
  readonly front: Front;
  /** Absent: no gRPC here, and so no HTTP/2. */
  readonly grpc?: ConnectionInjector | undefined;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, by its absolute path, instead of `host` and `port`. */
  readonly path?: string | undefined;
  /** A socket that listens already, instead of all three. */
  readonly fd?: number | undefined;
  readonly tls: TlsOptions | undefined;
  readonly connections: number;
  readonly handshakeTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export class Listener {
  /** Absent: no gRPC here. */
  readonly #grpc: ConnectionInjector | undefined;
  readonly #http: Http1;
  readonly #server: NetServer;
  readonly #handshakeTimeoutMs: number;
  readonly #fd: number | undefined;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(
    { front, grpc }: Served,
    { tls, fd, connections, handshakeTimeoutMs, requestTimeoutMs }: ListenerOptions,
  ) {
    this.#grpc = grpc;
    this.#fd = fd;
    this.#http = new Http1(front, handshakeTimeoutMs, requestTimeoutMs);
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#server =
      tls === undefined ? this.#plainServer() : tls.plainToo === true ? this.#eitherServer(tls) : this.#tlsServer(tls);
    this.#server.maxConnections = connections;
    this.#server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true);
      this.#follow(socket);
    });
  }

  /** @throws ServerError `SERVER_LISTEN` */
  static async open(served: Served, options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(served, options);
    await listener.#listen(options);
    return listener;
  }

  /** Where it listens. */
  get place(): Place {
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) {
      return { host: address.address, port: address.port, path: undefined };
    }
    // Node knows no path of a Unix socket that it has not made.
    const path = this.#fd === undefined ? (address ?? '') : pathOfDescriptor(this.#fd);
    return { host: '', port: 0, path };
  }

  /** Nobody new is let in; the file of a Unix socket is gone, unless it was handed over. */
  close(): void {
    this.#server.close();
    this.#http.close();
  }

  /** Whoever is still connected is not any more. */
  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen({ host, port, path, fd }: ListenerOptions): Promise<void> {
    const socketFile = fd === undefined ? path : undefined;
    if (socketFile !== undefined) await makeWay(socketFile);
    return new Promise((resolve, reject) => {
      const server = this.#server;
      const failed = (cause: NodeJS.ErrnoException): void => {
        const place = fd === undefined ? (path ?? `${host}:${port}`) : `the socket that was handed over as ${fd}`;
        const message = `cannot listen on ${place} (${cause.message}): ${adviceFor(cause.code, socketFile !== undefined)}`;
        reject(new ServerError('SERVER_LISTEN', message, { cause }));
      };
      server.once('error', failed);
      const listening = (): void => {
        server.off('error', failed);
        resolve();
      };
      if (fd !== undefined) server.listen({ fd }, listening);
      else if (socketFile === undefined) server.listen({ port, host }, listening);
      else {
        // One process has it, a worker of a cluster as well: so its file is made in this tick.
        forOwnerAlone(() => server.listen({ path: socketFile, exclusive: true }, listening));
        try {
          if (server.listening) keepForOwner(socketFile);
        } catch (error) {
          server.close();
          failed(error as NodeJS.ErrnoException);
        }
      }
    });
  }

  #plainServer(): NetServer {
    return createNetServer((socket) => this.#sort(socket, false));
  }

  #eitherServer(tls: TlsOptions): NetServer {
    const secure = this.#tlsServer(tls);
    return createNetServer((socket) => {
      const cancel = afterInput(this.#handshakeTimeoutMs, () => socket.destroy());
      socket.once('close', cancel);
      onSecurity(socket, (isSecure) => {
        cancel();
        if (isSecure) secure.emit('connection', socket);
        else {
          this.#sort(socket, false);
          // It was paused to be looked at.
          socket.resume();
        }
      });
    });
  }

  #tlsServer({ cert, key, clientCa, ciphers, admits }: TlsOptions): TlsServer {
    const server = createTlsServer({
      cert: pem(cert),
      key: pem(key),
      ca: clientCa === undefined ? undefined : pem(clientCa),
      handshakeTimeout: this.#handshakeTimeoutMs,
      requestCert: clientCa !== undefined,
      rejectUnauthorized: clientCa !== undefined,
      ALPNProtocols: this.#grpc === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
      ...(ciphers === undefined ? {} : { ciphers, maxVersion: 'TLSv1.2' as const }),
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#follow(socket);
      const certificate = admits === undefined ? undefined : socket.getPeerX509Certificate();
      if (certificate !== undefined && admits?.(certificate) === false) socket.destroy();
      else if (socket.alpnProtocol === 'h2') this.#toGrpc(socket);
      else if (socket.alpnProtocol === 'http/1.1') this.#http.serve(socket, true);
      else this.#sort(socket, true);
    });
    return server;
  }

  #sort(socket: Socket, isSecure: boolean): void {
    const cancel = afterInput(this.#handshakeTimeoutMs, () => socket.destroy());
    socket.once('close', cancel);
    onProtocol(socket, (protocol) => {
      cancel();
      if (protocol === 'h2') this.#toGrpc(socket);
      else {
        this.#http.serve(socket, isSecure);
        // It was paused to be looked at.
        socket.resume();
      }
    });
  }

  #toGrpc(socket: Socket): void {
    const grpc = this.#grpc;
    if (grpc === undefined) socket.destroy();
    else onFirstHeaders(socket, this.#handshakeTimeoutMs, () => grpc.injectConnection(socket));
  }

  #follow(socket: Socket): void {
    this.#sockets.add(socket);
    // A client that goes without a word is not an error of ours.
    socket.on('error', () => undefined);
    socket.once('close', () => void this.#sockets.delete(socket));
  }
}

function adviceFor(code: string | undefined, isFile: boolean): string {
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'give an address of this machine';
  // A folder that is not there is EACCES to libuv.
  if (isFile && code !== 'EADDRINUSE') return 'its folder must be there, and this user able to write in it';
  return 'is another server running there?';
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text);
}
