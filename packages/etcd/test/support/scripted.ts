/** A member that says what a test tells it to: for what no real one does at a wanted moment, as ending a stream while a token is renewed. */
import {
  Server,
  status,
  ServerCredentials,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import {
  authService,
  kvService,
  maintenanceService,
  watchService,
  type RangeRequest,
  type ResponseHeader,
  type WatchRequest,
  type WatchResponse,
} from '@varve/etcd-api';

export type WatchStream = ServerDuplexStream<WatchRequest, WatchResponse>;
type Unary = (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => void;

export class Scripted {
  /** Streams of watches that were opened, in order. */
  readonly streams: WatchStream[] = [];
  /** Streams that are open. */
  readonly open = new Set<WatchStream>();
  clusterId = 1n;
  /** As this member knows it. */
  revision = 1n;
  /** Reads of later revisions are refused, as the cluster knows it. */
  present = 1n;
  /** Tokens that were asked for. */
  tokens = 0;
  /** Whoever asks for a token gets it when this is done, or its error. */
  renewal: Promise<void> = Promise.resolve();
  readonly #server = new Server();
  #port = 0;

  static async start(): Promise<Scripted> {
    const scripted = new Scripted();
    scripted.#serve();
    const credentials = ServerCredentials.createInsecure();
    scripted.#port = await new Promise<number>((resolve, reject) => {
      scripted.#server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
    return scripted;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get #header(): ResponseHeader {
    const { clusterId, revision } = this;
    return { $typeName: 'etcdserverpb.ResponseHeader', clusterId, memberId: 1n, revision, raftTerm: 1n };
  }

  /** The watcher that was asked for last on this stream is made, or refused with this. */
  answer(stream: WatchStream, watchId: bigint, cancelReason = ''): void {
    this.#write(stream, watchId, true, cancelReason);
  }

  /** Everything up to the present of this member has come on this stream. */
  progress(stream: WatchStream): void {
    this.#write(stream, -1n, false, '');
  }

  #write(stream: WatchStream, watchId: bigint, created: boolean, cancelReason: string): void {
    stream.write({
      $typeName: 'etcdserverpb.WatchResponse',
      header: this.#header,
      watchId,
      created,
      canceled: cancelReason !== '',
      compactRevision: 0n,
      cancelReason,
      fragment: false,
      events: [],
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #serve(): void {
    const tellStatus: Unary = (_, answer) =>
      answer(null, {
        $typeName: 'etcdserverpb.StatusResponse',
        header: this.#header,
        version: '3.6.0',
        dbSize: 0n,
        leader: 1n,
        raftIndex: 1n,
        raftTerm: 1n,
        raftAppliedIndex: 1n,
        errors: [],
        dbSizeInUse: 0n,
        isLearner: false,
      });
    const authenticate: Unary = (_, answer) => {
      const token = `token ${++this.tokens}`;
      void this.renewal.then(
        () => answer(null, { $typeName: 'etcdserverpb.AuthenticateResponse', header: this.#header, token }),
        (error: Error) => answer({ name: '', message: '', code: status.INVALID_ARGUMENT, details: error.message }),
      );
    };
    const range: Unary = ({ request }, answer) => {
      const isFuture = (request as RangeRequest).revision > this.present;
      const details = 'etcdserver: mvcc: required revision is a future revision';
      if (isFuture) answer({ name: '', message: '', code: status.OUT_OF_RANGE, details });
      else
        answer(null, {
          $typeName: 'etcdserverpb.RangeResponse',
          header: this.#header,
          kvs: [],
          more: false,
          count: 0n,
        });
    };
    const watch = (stream: WatchStream): void => {
      this.streams.push(stream);
      this.open.add(stream);
      stream.on('cancelled', () => this.open.delete(stream));
      stream.on('error', () => this.open.delete(stream));
      stream.on('data', () => undefined);
    };
    this.#server.addService({ status: maintenanceService.status }, { status: tellStatus });
    this.#server.addService({ authenticate: authService.authenticate }, { authenticate });
    this.#server.addService({ range: kvService.range }, { range });
    this.#server.addService({ watch: watchService.watch }, { watch });
  }
}
