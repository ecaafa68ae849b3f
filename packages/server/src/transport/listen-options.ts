/** Where a server listens, and with what certificate, as its owner says it. */
import type { X509Certificate } from 'node:crypto';

export interface TlsOptions {
  /** PEM: the server's certificate, with those it needs behind it. */
  readonly cert: string | Uint8Array;
  /** PEM: its key. */
  readonly key: string | Uint8Array;
  /** PEM: with it, clients must show a certificate of one of these authorities. */
  readonly clientCa?: string | Uint8Array | undefined;
  /** OpenSSL's list of ciphers for TLS 1.2; with it, nothing newer is spoken. @default Node's own, and TLS 1.3 */
  readonly ciphers?: string | undefined;
  /** With `clientCa`: asked about a client's certificate that holds; false closes the connection. @default all are let in */
  readonly admits?: ((certificate: X509Certificate) => boolean) | undefined;
  /** Serve clients without TLS on the same port. @default false */
  readonly plainToo?: boolean | undefined;
}

/** A further address: `host` and `port`, or `path`. */
export interface ListenAddress {
  /** @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** 0: a free one. @default 0 */
  readonly port?: number | undefined;
  /** A Unix socket, by the path of its file, which only its owner may use. @default none */
  readonly path?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Serve only health, version and metrics, over HTTP/1.1: neither gRPC nor the gateway. @default false */
  readonly probesOnly?: boolean | undefined;
}
