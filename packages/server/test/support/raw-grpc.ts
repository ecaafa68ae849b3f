/** gRPC by hand, for what no client library would send. */
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';

export class RawGrpc {
  readonly session: ClientHttp2Session;

  constructor(url: string) {
    // In megabytes: by itself a client takes no answers while ten of requests wait.
    this.session = connect(url, { maxSessionMemory: 1000 });
    this.session.on('error', () => undefined);
  }

  /** Begins a call. The caller writes the message, in frames of its own choice. */
  begin(path: string, headers: Readonly<Record<string, string>> = {}): RawCall {
    const fixed = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    return new RawCall(this.session.request({ ...fixed, ...headers }));
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

export class RawCall {
  readonly stream: ClientHttp2Stream;
  /** Resolves with `CODE text`, or `RST code` when there was no status. */
  readonly end: Promise<string>;
  contentType = '';
  received = 0;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    let status = '';
    const note = (headers: object): void => {
      const { 'grpc-status': code, 'grpc-message': text } = headers as Readonly<Record<string, string | undefined>>;
      if (code !== undefined) status = `${code} ${decodeURIComponent(text ?? '')}`.trim();
    };
    stream.on('error', () => undefined);
    stream.on('response', (headers) => {
      this.contentType = headers['content-type'] ?? '';
      note(headers);
    });
    stream.on('trailers', note);
    stream.on('data', (bytes: Buffer) => (this.received += bytes.length));
    this.end = new Promise((resolve) => {
      stream.on('close', () => resolve(status === '' ? `RST ${stream.rstCode}` : status));
    });
  }
}

/** A message as it stands on the wire. */
export function framed(message: Uint8Array, announced: number = message.length, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(announced, 1);
  return Buffer.concat([prefix, message]);
}
